package reader

import (
	"encoding/json"
	"strconv"
	"time"
)

// These methods convert wire values. Each takes the name of the field, to count values
// that cannot be used.

func (d *decoder) count(field string, n int) {
	if n > 0 {
		d.odd[field] += n
	}
}

func (d *decoder) text(field string, t text) *string {
	if t.odd {
		d.count(field, 1)
	}
	return t.value
}

// plain returns a text that is empty if absent.
func (d *decoder) plain(field string, t text) string {
	if value := d.text(field, t); value != nil {
		return *value
	}
	return ""
}

func (d *decoder) boolean(field string, t text) *bool {
	value := d.text(field, t)
	if value == nil {
		return nil
	}
	b, err := strconv.ParseBool(*value)
	if err != nil {
		d.count(field, 1)
		return nil
	}
	return &b
}

// channel returns a channel id. 0 [NUM3] and "" mean that there is none.
func (d *decoder) channel(field string, t text) *string {
	value := d.text(field, t)
	if value == nil || *value == "" || *value == "0" {
		return nil
	}
	return value
}

// time returns a time in UTC. The result is the zero time for null, for year 1, which
// .NET uses for "unset", and for an invalid time.
func (d *decoder) time(field string, t text) time.Time {
	value := d.text(field, t)
	if value == nil || *value == "" {
		return time.Time{}
	}
	for _, layout := range timeLayouts {
		parsed, err := time.Parse(layout, *value)
		if err != nil {
			continue
		}
		parsed = parsed.UTC()
		switch year := parsed.Year(); {
		case year <= 1:
			return time.Time{}
		case year <= 9999: // a zone can produce a later year, which has no text form
			return parsed
		}
	}
	d.count(field, 1)
	return time.Time{}
}

func (d *decoder) texts(field string, l list[text]) []string {
	var texts []string
	for _, t := range l.items {
		if value := d.text(field, t); value != nil {
			texts = append(texts, *value)
		}
	}
	return texts
}

func comments(l list[remark]) []string {
	var texts []string
	for _, r := range l.items {
		if r != "" {
			texts = append(texts, string(r))
		}
	}
	return texts
}

// raw returns JSON of unknown shape as compact JSON of bounded size.
func (d *decoder) raw(field string, data json.RawMessage) json.RawMessage {
	if len(data) == 0 || data[0] == 'n' {
		return nil
	}
	small := compact(data)
	if len(small) > maxRawContacts {
		d.count(field, 1)
		return nil
	}
	return small
}

// convert converts the items of a list with one.
func convert[W, T any](d *decoder, field string, l list[W], one func(*decoder, *W) T) []T {
	d.count(field, l.odd)
	if len(l.items) == 0 {
		return nil
	}
	values := make([]T, len(l.items))
	for i := range l.items {
		values[i] = one(d, &l.items[i])
	}
	return values
}
