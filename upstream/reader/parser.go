package reader

import (
	"strings"
	"unsafe"

	"leadgraph/lead"
	"leadgraph/upstream/reader/scan"
)

// parser reads leads from JSON in memory. Its results lie in its own memory, which
// the next lead overwrites. Texts point into the JSON where possible.
//
// The methods take the position of a value and return the position after it, or fail
// like the functions of package scan. A value of the wrong type is not a failure: it is
// noted as odd and read as absent, because one odd field must not fail the page.
type parser struct {
	b     []byte
	want  lead.Parts
	depth int      // number of open arrays and objects
	path  string   // of the member being read
	odd   []string // paths of the values that could not be used
	// refused has the paths of the lists that have another form. They are not empty, so a
	// record with one of them cannot be read.
	refused []string
	refs    references
	known   int // number of known members of the object read last
	// fields is the number of members of the record, at any depth, and strange how many
	// of them are unknown. Those of serialisers, which begin with $, do not count.
	fields, strange int

	details   lead.ContactDetails
	contacts  []lead.Contact
	addresses []lead.CivicAddress
	locations []lead.Location
	comments  []string
	countries []string
	texts     []string // the targets of pointers to texts
	unescaped []byte   // texts that differ from the JSON, such as those with escapes

	detailsNames, contactNames, addressNames, locationNames memberNames

	statuses    memo[lead.Status]
	validations memo[lead.ValidationStatus]

	// top is true while an object outside any array is read. isRecord is true if the
	// object has a member that only a record has. dataAt is the position of the first
	// array or object, before such a member, that may hold the records. Before that,
	// dataStart is the first byte of a value that could have: null, if one was null.
	top       bool
	isRecord  bool
	dataStart byte
	dataAt    int
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
	p.refused, p.refs.kept, p.refs.inside = p.refused[:0], false, 0
	p.fields, p.strange = 0, 0
	p.isRecord, p.dataStart, p.dataAt = false, 0, 0
}

// small reports whether the parser's memory is small enough to keep it for another
// answer.
func (p *parser) small() bool {
	const few = 1 << 10
	return max(cap(p.contacts), cap(p.addresses), cap(p.locations), cap(p.comments), cap(p.countries), cap(p.texts)) <= few &&
		cap(p.unescaped) <= bufferSize
}

// readObject reads the object at i into x.
func readObject[T any](p *parser, i int, names *memberNames, members []member[T], x *T) int {
	if p.depth == scan.MaxDepth {
		return ^i
	}
	p.depth++
	names.last = 0
	oddBefore, refusedBefore, known := len(p.odd), len(p.refused), 0
	i = scan.Space(p.b, i+1)
	if i < len(p.b) && p.b[i] == '}' {
		p.depth--
		p.known = 0
		return i + 1
	}
	for {
		found, value := names.find(p.b, i)
		switch {
		case value < 0:
			return value
		case found < 0:
			i, known = readUnknown(p, i, value, known, names, members, x)
		default:
			known, p.fields = known+1, p.fields+1
			m := &members[found]
			if len(p.odd) > oddBefore || len(p.refused) > refusedBefore {
				p.odd = forget(p.odd, oddBefore, m.path)
				p.refused = forget(p.refused, refusedBefore, m.path)
			}
			if p.path = m.path; m.part&^p.want == 0 {
				i = m.read(p, value, x)
			} else {
				i = skipMember(p, value, m)
			}
		}
		if i < 0 {
			return i
		}
		switch i = scan.Space(p.b, i); {
		case i == len(p.b):
			return ^i
		case p.b[i] == ',':
			i = scan.Space(p.b, i+1)
		case p.b[i] == '}':
			p.depth--
			p.known = known
			return i + 1
		default:
			return ^i
		}
	}
}

// list reads an array and calls one for each element that is not null. A single
// value is read like an array with one element, and an empty text like none.
func (p *parser) list(i int, one func(i int) int) int {
	switch {
	case p.b[i] == 'n':
		return scan.Literal(p.b, i, "null")
	case p.b[i] == '"' && i+1 < len(p.b) && p.b[i+1] == '"':
		return i + 2
	case p.b[i] == '{':
		if next, is := p.preserved(i, one); is {
			return next
		}
		return one(i)
	case p.b[i] != '[':
		return one(i)
	case p.depth == scan.MaxDepth:
		return ^i
	}
	p.depth++
	i = scan.Space(p.b, i+1)
	if i < len(p.b) && p.b[i] == ']' {
		p.depth--
		return i + 1
	}
	for {
		switch {
		case i == len(p.b):
			return ^i
		case p.b[i] == 'n':
			i = scan.Literal(p.b, i, "null")
		default:
			i = one(i)
		}
		if i < 0 {
			return i
		}
		i = scan.Space(p.b, i)
		switch {
		case i == len(p.b):
			return ^i
		case p.b[i] == ',':
			i = scan.Space(p.b, i+1)
		case p.b[i] == ']':
			p.depth--
			return i + 1
		default:
			return ^i
		}
	}
}

func (p *parser) skip(i int) int { return scan.Value(p.b, i, scan.MaxDepth-p.depth) }

// note records that a value cannot be used.
func (p *parser) note(path string) { p.odd = append(p.odd, path) }

// noObject notes and skips a value that should be an object.
func (p *parser) noObject(i int, path string) int {
	p.note(path)
	return p.skip(i)
}

// stranger reports and notes that the object just read has no known member: it is
// something else than the path says.
func (p *parser) stranger(path string) bool {
	if p.known == 0 {
		p.note(path)
	}
	return p.known == 0
}

// forget removes what was noted about an earlier member with the same name.
func forget(noted []string, from int, path string) []string {
	kept := noted[:from]
	for _, one := range noted[from:] {
		if below, found := strings.CutPrefix(one, path); !found || below != "" && below[0] != '.' {
			kept = append(kept, one)
		}
	}
	return kept
}

// usualList reports whether the value at i has a usual form of a list: an array or
// nothing.
func (p *parser) usualList(i int) bool {
	return p.b[i] == '[' || p.b[i] == 'n' || p.b[i] == '"' && i+1 < len(p.b) && p.b[i+1] == '"'
}

// skipMember skips a value that is not wanted. It reads a list in an unusual form to
// find out whether it is one, so that a record is read or refused whatever is selected.
func skipMember[T any](p *parser, i int, m *member[T]) int {
	if !m.judged || p.usualList(i) {
		return p.skip(i)
	}
	odd := len(p.odd)
	var unwanted T
	next := m.read(p, i, &unwanted)
	p.odd = p.odd[:odd]
	return next
}

// refuse notes that the value of a list is none.
func (p *parser) refuse(path string) { p.refused = append(p.refused, path) }

// beginning is the position of a list, in the record or in the target of a reference.
type beginning struct{ at, inside int }

func (p *parser) beginning(i int) beginning { return beginning{i, p.refs.inside} }

// alone reports whether the value at i is the whole value of a list, in place of an array.
func (b beginning) alone(p *parser, i int) bool {
	return i == 0 || i == b.at && p.refs.inside == b.inside
}

// keep stores a text and returns a pointer to it.
func (p *parser) keep(text string) *string {
	if len(p.texts) == cap(p.texts) {
		p.texts = make([]string, 0, max(64, 2*cap(p.texts))) // pointers still refer to the old array
	}
	p.texts = append(p.texts, text)
	return &p.texts[len(p.texts)-1]
}

// view returns b as a string without copying. The string is valid until b changes.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// memo caches the parsed values of texts. It is meant for fields with few different
// texts.
type memo[T any] struct {
	parse func(string) T
	known map[string]T
}

// maxMemo is the largest number of texts in a memo, and the largest length of one.
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
