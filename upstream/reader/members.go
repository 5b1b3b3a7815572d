package reader

import (
	"slices"

	"leadgraph/lead"
)

// member describes how to read one member of a JSON object.
type member[T any] struct {
	name string
	// part is the part of a lead that the member belongs to. The member is skipped if
	// the part is not wanted. 0 means that it is always read.
	part lead.Parts
	// read reads the value at i into x. If an object has the name twice, the last
	// value counts, as in encoding/json.
	read func(p *parser, i int, x *T) int
	// path names the member in warnings.
	path string
	// identifies is true if an object with this member is a record and not an
	// envelope.
	identifies bool
	// judged is true for a list that must have the form of one even if it is not wanted.
	judged bool
	// holds is true if the member may hold the records of an envelope.
	holds bool
}

// listNames are the names of the members of envelopes that hold the records: those of
// OData, HAL, ASP.NET and its usual libraries, and of reference-preserving serialisers.
var listNames = []string{
	"data", "value", "values", "$values", "items", "results", "result", "records", "content", "leads", "rows", "d", "_embedded", "embedded",
}

// judgedLists are the paths of the lists that would have to be empty if they cannot be
// read. A comment can have any form, and contact details can be absent.
var judgedLists = []string{"consentedCountries", "contacts", "civicAddresses", "civicAddresses.locations"}

// special has the functions that read members whose Go type does not determine how
// they are read, by name.
type special[T any] map[string]func(p *parser, i int, x *T) int

// membersOf returns the members of a JSON object that has the given fields. parent
// precedes their names in warnings. It panics if a field has no function that reads
// it, which is a programming error.
func membersOf[T any](parent string, fields []lead.Field[T], own special[T]) []member[T] {
	var members []member[T]
	for _, f := range fields {
		if f.Traits.Has(lead.Derived) {
			continue
		}
		m := member[T]{name: f.Name, part: f.Part, path: parent + f.Name, read: own[f.Name], judged: slices.Contains(judgedLists, parent+f.Name)}
		if m.read == nil {
			m.read = byType(f)
		}
		members = append(members, m)
	}
	return members
}

// byType returns the function that reads a field according to its Go type.
func byType[T any](f lead.Field[T]) func(p *parser, i int, x *T) int {
	switch {
	case f.Optional != nil:
		return func(p *parser, i int, x *T) int { return p.optionalText(i, f.Optional(x)) }
	case f.Text != nil:
		return func(p *parser, i int, x *T) int { return p.plainText(i, f.Text(x)) }
	case f.Flag != nil:
		return func(p *parser, i int, x *T) int { return p.boolean(i, f.Flag(x)) }
	case f.Moment != nil:
		return func(p *parser, i int, x *T) int { return p.moment(i, f.Moment(x)) }
	case f.Raw != nil:
		return func(p *parser, i int, x *T) int { return p.raw(i, f.Raw(x)) }
	}
	panic("reader: the field " + f.Name + " needs a function of its own in leads.go")
}

// dataOf returns the members of an envelope that may hold records of type T.
func dataOf[T any]() []member[T] {
	members := make([]member[T], len(listNames))
	for i, name := range listNames {
		members[i] = member[T]{name: name, path: name, holds: true, read: func(p *parser, i int, _ *T) int { return p.data(i) }}
	}
	return members
}
