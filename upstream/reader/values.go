package reader

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"leadgraph/lead"
)

// maxRawContacts bounds the undocumented JSON inside a contact, in bytes.
const maxRawContacts = 16 << 10

// scalar reads any scalar as text; numbers keep their digits. There is none for
// null, nor for an array or an object, which is noted.
func (p *parser) scalar(i int) (text string, ok bool, next int) {
	switch p.b[i] {
	case '"':
		text, next = p.text(i + 1)
		return text, true, next
	case 'n':
		return "", false, skipLiteral(p.b, i, "null")
	case '{', '[':
		p.note(p.path)
		return "", false, p.skip(i)
	}
	if next = skipScalar(p.b, i); next < 0 {
		return "", false, next
	}
	return view(p.b[i:next]), true, next
}

// text reads a string from behind its opening quote.
func (p *parser) text(i int) (string, int) {
	end, ascii := textEnd(p.b, i)
	if end < len(p.b) && p.b[end] == '"' && (ascii || utf8.Valid(p.b[i:end])) {
		return view(p.b[i:end]), end + 1
	}
	if end = skipText(p.b, end); end < 0 {
		return "", end
	}
	start := len(p.unescaped)
	p.unescaped = appendText(p.unescaped, p.b[i:end-1])
	return view(p.unescaped[start:]), end
}

func (p *parser) optionalText(i int, into **string) int {
	text, ok, next := p.scalar(i)
	*into = nil
	if ok {
		*into = p.keep(text)
	}
	return next
}

// plainText is empty when absent.
func (p *parser) plainText(i int, into *string) (next int) {
	*into, _, next = p.scalar(i)
	return next
}

func (p *parser) status(i int, l *lead.Lead) int {
	text, _, next := p.scalar(i)
	l.StatusText, l.Status = text, p.statuses.of(text)
	return next
}

func (p *parser) validationStatus(i int, a *lead.CivicAddress) int {
	next := p.optionalText(i, &a.ValidationStatusText)
	a.ValidationStatus = lead.ValidationUnknown
	if a.ValidationStatusText != nil {
		a.ValidationStatus = p.validations.of(*a.ValidationStatusText)
	}
	return next
}

func (p *parser) boolean(i int, into **bool) int {
	text, ok, next := p.scalar(i)
	*into = nil
	if !ok || next < 0 {
		return next
	}
	switch value, err := strconv.ParseBool(text); {
	case err != nil:
		p.note(p.path)
	case value:
		*into = &p.truths[1]
	default:
		*into = &p.truths[0]
	}
	return next
}

// channel reads a channel id; 0 [NUM3] and "" mean that there is none.
func (p *parser) channel(i int, into **string) int {
	text, ok, next := p.scalar(i)
	*into = nil
	if ok && text != "" && text != "0" {
		*into = p.keep(text)
	}
	return next
}

// timeLayouts are the forms that the documents show; each takes any fraction.
var timeLayouts = [...]string{
	time.RFC3339,               // leads [SEED], numbers [NUM2]
	"2006-01-02T15:04:05-0700", // channels [GCH]
	"2006-01-02T15:04:05",      // tasks [CLT]: UTC by our rule
}

// moment reads a time in UTC; the zero time for null, for year 1, which is
// .NET's unset value, and for what cannot be read.
func (p *parser) moment(i int, into *time.Time) int {
	text, ok, next := p.scalar(i)
	*into = time.Time{}
	if !ok || text == "" || next < 0 {
		return next
	}
	for _, layout := range timeLayouts {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		at = at.UTC()
		switch year := at.Year(); {
		case year <= 1:
			return next
		case year <= 9999: // later ones, which a zone can make, cannot be written back
			*into = at
			return next
		}
	}
	p.note(p.path)
	return next
}

func (p *parser) consentedCountries(i int, l *lead.Lead) int {
	p.countries = p.countries[:0]
	i = p.list(i, func(i int) int {
		text, ok, next := p.scalar(i)
		if ok {
			p.countries = append(p.countries, text)
		}
		return next
	})
	l.ConsentedCountries = present(p.countries)
	return i
}

// remarks reads comments: strings as they are, anything else as compact JSON,
// since the type of comments is undocumented.
func (p *parser) remarks(i int, l *lead.Lead) int {
	p.comments = p.comments[:0]
	i = p.list(i, func(i int) int {
		var text string
		var next int
		if p.b[i] == '"' {
			text, next = p.text(i + 1)
		} else if next = p.skip(i); next >= 0 {
			text = string(compact(p.b[i:next]))
		}
		if text != "" {
			p.comments = append(p.comments, text)
		}
		return next
	})
	l.Comments = present(p.comments)
	return i
}

// contactDetails are documented as a list and sent as an object; the first of a
// list is taken.
func (p *parser) contactDetails(i int, l *lead.Lead) int {
	path := p.path
	l.ContactDetails = nil
	return p.list(i, func(i int) int {
		switch {
		case p.b[i] != '{':
			return p.noObject(i, path)
		case l.ContactDetails != nil:
			return p.skip(i)
		}
		p.details = lead.ContactDetails{}
		l.ContactDetails = &p.details
		return object(p, i, &p.detailsNames, detailsMembers, &p.details)
	})
}

func (p *parser) contactList(i int, l *lead.Lead) int {
	path := p.path
	p.contacts = p.contacts[:0]
	i = p.list(i, func(i int) int {
		if p.b[i] != '{' {
			return p.noObject(i, path)
		}
		p.contacts = append(p.contacts, lead.Contact{})
		return object(p, i, &p.contactNames, contactMembers, &p.contacts[len(p.contacts)-1])
	})
	l.Contacts = present(p.contacts)
	return i
}

func (p *parser) addressList(i int, l *lead.Lead) int {
	path := p.path
	p.addresses = p.addresses[:0]
	i = p.list(i, func(i int) int {
		if p.b[i] != '{' {
			return p.noObject(i, path)
		}
		p.addresses = append(p.addresses, lead.CivicAddress{})
		return object(p, i, &p.addressNames, addressMembers, &p.addresses[len(p.addresses)-1])
	})
	l.CivicAddresses = present(p.addresses)
	return i
}

// locationList shares its storage with the other addresses of the lead.
func (p *parser) locationList(i int, a *lead.CivicAddress) int {
	path := p.path
	first := len(p.locations)
	i = p.list(i, func(i int) int {
		if p.b[i] != '{' {
			return p.noObject(i, path)
		}
		p.locations = append(p.locations, lead.Location{})
		return object(p, i, &p.locationNames, locationMembers, &p.locations[len(p.locations)-1])
	})
	a.Locations = present(p.locations[first:])
	return i
}

// present is nil for an empty list.
func present[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// raw reads JSON of unknown shape, compact and bounded. It is made anew each
// time: it was never seen.
func (p *parser) raw(i int, into *json.RawMessage) int {
	*into = nil
	next := p.skip(i)
	if next < 0 || p.b[i] == 'n' {
		return next
	}
	if small := compact(p.b[i:next]); len(small) <= maxRawContacts {
		*into = small
	} else {
		p.note(p.path)
	}
	return next
}

// compact drops insignificant space and repairs UTF-8, which encoding/json does
// for strings only.
func compact(data []byte) []byte {
	var buf bytes.Buffer
	if err := json.Compact(&buf, data); err != nil {
		return nil // not reached: data was read before
	}
	return bytes.ToValidUTF8(buf.Bytes(), []byte("\uFFFD"))
}

// data is a member of an envelope, unless it is one of a lead.
func (p *parser) data(i int, _ *lead.Lead) int {
	if !p.top || p.isLead {
		return p.skip(i)
	}
	p.dataKind = p.b[i]
	if p.dataKind == '[' {
		p.dataAt = i
		return ^i
	}
	return p.skip(i)
}
