package reader

import (
	"strings"
	"unsafe"

	"leadgraph/lead"
)

// parser reads leads from JSON in memory. Everything that it makes lies in
// storage of its own that the next lead overwrites; texts point into the JSON
// where they can.
//
// Its methods take the position of a value and return the one behind it, or fail
// as the functions of scan.go do. A value of the wrong type is no failure: it is
// noted and read as absent, because one odd field must not cost the page.
type parser struct {
	b     []byte
	want  lead.Fields
	depth int    // arrays and objects that are open
	path  string // of the member being read
	odd   []string

	details   lead.ContactDetails
	contacts  []lead.Contact
	addresses []lead.CivicAddress
	locations []lead.Location
	comments  []string
	countries []string
	texts     []string // what pointers to texts point to
	unescaped []byte   // texts that are not in the JSON as they are

	detailsNames, contactNames, addressNames, locationNames memberNames

	statuses    memo[lead.Status]
	validations memo[lead.ValidationStatus]

	// What is known of an object that is no element of an array: whether it has
	// the members of a lead, how its data begins, and where, if that is an array
	// that came before them.
	top      bool
	isRecord bool
	dataKind byte
	dataAt   int
}

func newParser() *parser {
	return &parser{
		detailsNames:  namesOf(detailsMembers),
		contactNames:  namesOf(contactMembers),
		addressNames:  namesOf(addressMembers),
		locationNames: namesOf(locationMembers),
		statuses:      memo[lead.Status]{parse: lead.ParseStatus},
		validations:   memo[lead.ValidationStatus]{parse: lead.ParseValidationStatus},
	}
}

// reset forgets the record that was read last.
func (p *parser) reset() {
	p.locations, p.texts, p.unescaped, p.odd = p.locations[:0], p.texts[:0], p.unescaped[:0], p.odd[:0]
	p.isRecord, p.dataKind, p.dataAt = false, 0, 0
}

// small tells whether the storage is worth keeping for another answer.
func (p *parser) small() bool {
	const few = 1 << 10
	return max(cap(p.contacts), cap(p.addresses), cap(p.locations), cap(p.comments), cap(p.countries), cap(p.texts)) <= few &&
		cap(p.unescaped) <= bufferSize
}

// object reads the object at i into x.
func object[T any](p *parser, i int, names *memberNames, members []member[T], x *T) int {
	if p.depth == maxDepth {
		return ^i
	}
	p.depth++
	names.last = 0
	oddBefore := len(p.odd)
	i = skipSpace(p.b, i+1)
	if i < len(p.b) && p.b[i] == '}' {
		p.depth--
		return i + 1
	}
	for {
		found, value := names.find(p.b, i)
		switch {
		case value < 0:
			return value
		case found < 0 || members[found].part&^p.want != 0:
			i = p.skip(value)
		default:
			m := &members[found]
			if len(p.odd) > oddBefore {
				p.forget(oddBefore, m.path)
			}
			p.path = m.path
			i = m.read(p, value, x)
		}
		if i < 0 {
			return i
		}
		switch i = skipSpace(p.b, i); {
		case i == len(p.b):
			return ^i
		case p.b[i] == ',':
			i = skipSpace(p.b, i+1)
		case p.b[i] == '}':
			p.depth--
			return i + 1
		default:
			return ^i
		}
	}
}

// list reads an array with one for its elements, nulls aside; a single value
// stands for an array of one.
func (p *parser) list(i int, one func(i int) int) int {
	switch {
	case p.b[i] == 'n':
		return skipLiteral(p.b, i, "null")
	case p.b[i] != '[':
		return one(i)
	case p.depth == maxDepth:
		return ^i
	}
	p.depth++
	i = skipSpace(p.b, i+1)
	if i < len(p.b) && p.b[i] == ']' {
		p.depth--
		return i + 1
	}
	for {
		switch {
		case i == len(p.b):
			return ^i
		case p.b[i] == 'n':
			i = skipLiteral(p.b, i, "null")
		default:
			i = one(i)
		}
		if i < 0 {
			return i
		}
		i = skipSpace(p.b, i)
		switch {
		case i == len(p.b):
			return ^i
		case p.b[i] == ',':
			i = skipSpace(p.b, i+1)
		case p.b[i] == ']':
			p.depth--
			return i + 1
		default:
			return ^i
		}
	}
}

func (p *parser) skip(i int) int { return skipValue(p.b, i, maxDepth-p.depth) }

// note counts a value that cannot be used.
func (p *parser) note(path string) { p.odd = append(p.odd, path) }

// noObject notes and skips what stands where an object should.
func (p *parser) noObject(i int, path string) int {
	p.note(path)
	return p.skip(i)
}

// forget drops what was noted of an earlier member of the same name.
func (p *parser) forget(from int, path string) {
	kept := p.odd[:from]
	for _, odd := range p.odd[from:] {
		if below, found := strings.CutPrefix(odd, path); !found || below != "" && below[0] != '.' {
			kept = append(kept, odd)
		}
	}
	p.odd = kept
}

// Keep returns a place for a text.
func (p *parser) keep(text string) *string {
	if len(p.texts) == cap(p.texts) {
		p.texts = make([]string, 0, max(64, 2*cap(p.texts))) // pointers hold on to the old ones
	}
	p.texts = append(p.texts, text)
	return &p.texts[len(p.texts)-1]
}

// view is b as a string, valid as long as b is not changed.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// memo remembers the meaning of texts of which there are few.
type memo[T any] struct {
	parse func(string) T
	known map[string]T
}

// maxMemo bounds what a memo remembers.
const maxMemo = 64

func (m *memo[T]) of(text string) T {
	value, ok := m.known[text]
	if ok {
		return value
	}
	value = m.parse(text)
	if m.known == nil {
		m.known = map[string]T{}
	}
	if len(m.known) < maxMemo && len(text) <= maxMemo {
		m.known[strings.Clone(text)] = value
	}
	return value
}
