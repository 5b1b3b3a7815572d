package reader

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
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

// truths are what pointers to booleans point to. They are never changed, so that
// records may share them.
var truths = [2]bool{false, true}

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
		*into = &truths[1]
	default:
		*into = &truths[0]
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

// data is a member of an envelope, unless it is one of a record.
func (p *parser) data(i int) int {
	if !p.top || p.isRecord {
		return p.skip(i)
	}
	p.dataKind = p.b[i]
	if p.dataKind == '[' {
		p.dataAt = i
		return ^i
	}
	return p.skip(i)
}
