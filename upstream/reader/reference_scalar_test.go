package reader

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
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
	switch strings.TrimSpace(*value) {
	case "":
		return nil
	case "1", "t", "T", "true", "True", "TRUE":
		return ref(true)
	case "0", "f", "F", "false", "False", "FALSE":
		return ref(false)
	}
	d.count(field, 1)
	return nil
}

// channel returns a channel id. 0 [NUM3] and "" mean that there is none.
func (d *decoder) channel(field string, t text) *string {
	value := d.text(field, t)
	if value == nil {
		return nil
	}
	text := strings.TrimSpace(regexp.MustCompile(`^([^.]*)\.0*$`).ReplaceAllString(*value, "$1"))
	switch text {
	case "", "0":
		return nil
	case "NaN", "Infinity", "-Infinity":
		d.count(field, 1)
		return nil
	}
	return &text
}

// id returns an id, or nil for a blank one and for the zero GUID.
func (d *decoder) id(field string, t text) *string {
	value := d.text(field, t)
	if value == nil || strings.TrimSpace(*value) == "" || zeroGUID.MatchString(*value) {
		return nil
	}
	return value
}

// guid returns an id that must be a GUID.
func (d *decoder) guid(field string, t text) *string {
	value := d.id(field, t)
	if value == nil {
		return nil
	}
	if usual := usualGUID(*value); guidD.MatchString(usual) {
		return &usual
	}
	d.count(field, 1)
	return nil
}

// plainID returns an id that is empty if absent.
func (d *decoder) plainID(field string, t text) string {
	if value := d.id(field, t); value != nil {
		return *value
	}
	return ""
}

// time returns a time in UTC. The result is the zero time for null, for year 1, which
// .NET uses for "unset", and for an invalid time.
func (d *decoder) time(field string, t text) time.Time {
	value := d.text(field, t)
	if value == nil || strings.TrimSpace(*value) == "" {
		return time.Time{}
	}
	at, ok := referenceTime(strings.TrimSpace(*value), t.number)
	switch {
	case !ok || at.Year() > 9999: // a zone can produce a later year, which has no text form
		d.count(field, 1)
	case at.Year() > 1:
		return at
	}
	return time.Time{}
}

var (
	isoTime   = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)(?:([T ])(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(Z|([+-])(\d\d)(:?)(\d\d))?)?$`)
	ticksTime = regexp.MustCompile(`^/Date\(([+-]?\d+)(?:[+-][[:xdigit:]]{4})?\)/$`)
	httpTime  = regexp.MustCompile(`^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$`)
)

// referenceTime parses the times that .NET's serialisers write.
func referenceTime(text string, number bool) (time.Time, bool) {
	if number {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil || n < 1e8 || n >= 1e14:
			return time.Time{}, false
		case n >= 1e11:
			return time.UnixMilli(int64(n)).UTC(), true
		}
		return time.Unix(int64(n), 0).UTC(), true
	}
	if ticks := ticksTime.FindStringSubmatch(text); ticks != nil {
		ms, err := strconv.ParseInt(ticks[1], 10, 64)
		at := time.UnixMilli(ms).UTC()
		return at, err == nil && at.Year() >= 1 && at.Year() <= 9999
	}
	if httpTime.MatchString(text) {
		at, err := http.ParseTime(text)
		return at.UTC(), err == nil
	}
	m := isoTime.FindStringSubmatch(text)
	if m == nil || m[4] == " " && m[10] != "" && m[12] == "" {
		return time.Time{}, false
	}
	num := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	ns, _ := strconv.Atoi((m[8] + "000000000")[:9])
	at := time.Date(num(1), time.Month(num(2)), num(3), num(5), num(6), num(7), ns, time.UTC)
	if at.Day() != num(3) || int(at.Month()) != num(2) || num(5) > 23 || num(6) > 59 || num(7) > 59 || num(11) > 24 || num(13) > 60 {
		return time.Time{}, false
	}
	east := time.Duration(num(11))*time.Hour + time.Duration(num(13))*time.Minute
	if m[10] == "+" {
		east = -east
	}
	return at.Add(east), true
}

// namesOfCountries are some names that are not codes. The generator draws from them.
var namesOfCountries = map[string]string{
	"united states": "US", "united states of america": "US", "usa": "US", "germany": "DE", "deu": "DE", "united kingdom": "GB",
	"korea, republic of": "KR", "south korea": "KR", "côte d’ivoire": "CI",
}

func codeOfCountry(text string) string {
	if regexp.MustCompile(`^[A-Za-z]{2}$`).MatchString(text) {
		return strings.ToUpper(text)
	}
	return namesOfCountries[strings.ToLower(text)]
}

func (d *decoder) country(field string, t text) *string {
	value := d.plain(field, t)
	if strings.TrimSpace(value) == "" {
		return nil
	}
	code := codeOfCountry(strings.TrimSpace(value))
	if code == "" {
		d.count(field, 1)
		return nil
	}
	return &code
}

func (d *decoder) countries(field string, l list[text]) []string {
	var codes []string
	d.count(field, l.odd)
	d.other = d.other || l.other
	for _, t := range l.items {
		value := strings.TrimSpace(d.plain(field, t))
		if code := codeOfCountry(value); code != "" {
			codes = append(codes, code)
			continue
		}
		bad := 0
		for _, part := range strings.Split(strings.ReplaceAll(value, ";", ","), ",") {
			part = strings.TrimSpace(part)
			if code := codeOfCountry(part); code != "" {
				codes = append(codes, code)
			} else if part != "" {
				bad = 1
			}
		}
		d.count(field, bad)
	}
	return codes
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
	d.count(field, l.odd+l.strange)
	d.other = d.other || l.other
	if len(l.items) == 0 {
		return nil
	}
	values := make([]T, len(l.items))
	for i := range l.items {
		values[i] = one(d, &l.items[i])
	}
	return values
}
