package reader

import "leadgraph/lead"

// member tells how the member of a JSON object with that name is read.
type member[T any] struct {
	name string
	// part is what it belongs to, to be skipped if that is not wanted; 0 is
	// always read.
	part lead.Fields
	// read reads the value at i into x. It overwrites what a member of the same
	// name left there before: the last one counts, as in encoding/json.
	read func(p *parser, i int, x *T) int
	// path names the member in warnings.
	path string
	// identifies is true if an object with this member is a record, and not an
	// envelope of records.
	identifies bool
}

// dataMember holds the records of an envelope.
const dataMember = "data"

// special are the members of T that are not read by the type of their field
// alone.
type special[T any] map[string]func(p *parser, i int, x *T) int

// membersOf makes the members of a JSON object of the fields that it has. parent
// precedes their names in warnings. It panics if it cannot tell how a field is
// read: that is a fault of the program.
func membersOf[T any](parent string, fields []lead.Field[T], own special[T]) []member[T] {
	var members []member[T]
	for _, f := range fields {
		if f.Traits.Has(lead.Derived) {
			continue
		}
		m := member[T]{name: f.Name, part: f.Part, path: parent + f.Name, read: own[f.Name]}
		if m.read == nil {
			m.read = byType(f)
		}
		members = append(members, m)
	}
	return members
}

// byType reads a field as the Go type of its value wants it.
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
	panic("reader: the field " + f.Name + " needs a reading of its own in leads.go")
}

// envelope is the member of an object in which records can be.
func envelope[T any]() member[T] {
	return member[T]{name: dataMember, path: dataMember, read: func(p *parser, i int, _ *T) int { return p.data(i) }}
}
