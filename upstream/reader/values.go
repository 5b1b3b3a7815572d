package reader

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"leadgraph/upstream/reader/scan"
)

// maxRawContacts bounds the undocumented JSON inside a contact, in bytes.
const maxRawContacts = 16 << 10

// scalar reads any scalar as text. Numbers keep their digits. ok is false for null,
// and for an array or an object, which is noted as odd.
func (p *parser) scalar(i int) (text string, ok bool, next int) {
	switch p.b[i] {
	case '"':
		text, next = p.text(i + 1)
		return text, true, next
	case 'n':
		return "", false, scan.Literal(p.b, i, "null")
	case '{', '[':
		p.note(p.path)
		return "", false, p.skip(i)
	}
	if next = scan.Scalar(p.b, i); next < 0 {
		return "", false, next
	}
	return view(p.b[i:next]), true, next
}

// text reads a string whose opening quote is before i.
func (p *parser) text(i int) (string, int) {
	end, ascii := scan.TextEnd(p.b, i)
	if end < len(p.b) && p.b[end] == '"' && (ascii || utf8.Valid(p.b[i:end])) {
		return view(p.b[i:end]), end + 1
	}
	if end = scan.Text(p.b, end); end < 0 {
		return "", end
	}
	start := len(p.unescaped)
	p.unescaped = scan.AppendText(p.unescaped, p.b[i:end-1])
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

// plainText reads a scalar into a text that is empty if absent.
func (p *parser) plainText(i int, into *string) (next int) {
	*into, _, next = p.scalar(i)
	return next
}

// word reads a scalar without the space around it. ok is false if there is none.
func (p *parser) word(i int) (text string, ok bool, next int) {
	text, ok, next = p.scalar(i)
	text = strings.TrimSpace(text)
	return text, ok && next >= 0 && text != "", next
}

// truths are the targets of all pointers to booleans. They never change, so records
// can share them.
var truths = [2]bool{false, true}

func (p *parser) boolean(i int, into **bool) int {
	text, ok, next := p.word(i)
	*into = nil
	if !ok {
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

func nilIfEmpty[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// raw reads JSON of unknown shape as compact JSON of bounded size. It allocates for
// each value, because the platform has never been seen to send one.
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

// compact removes insignificant space and repairs invalid UTF-8. encoding/json
// repairs only decoded strings.
func compact(data []byte) []byte {
	var buf bytes.Buffer
	if err := json.Compact(&buf, data); err != nil {
		return nil // not reached: data is well-formed
	}
	return bytes.ToValidUTF8(buf.Bytes(), []byte("\uFFFD"))
}

// data reads a member of an envelope that may hold the records. It skips one that
// belongs to a record.
func (p *parser) data(i int) int {
	if !p.top || p.isRecord {
		return p.skip(i)
	}
	switch c := p.b[i]; c {
	case '[', '{':
		p.dataAt = i
		return ^i
	case 'n':
		p.dataStart = c
	default:
		if p.dataStart != 'n' {
			p.dataStart = c
		}
	}
	return p.skip(i)
}
