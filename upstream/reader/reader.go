// Package reader reads lists of records from the platform's JSON while it arrives,
// one record at a time. docs/decoder.md has the measurements that led to a reader of
// our own. The parts of a lead that are not wanted are checked to be well-formed and
// skipped.
//
// # Tolerances
//
// All tolerances for the platform's JSON are in this package:
//
//   - An answer is an array of leads [GSL] or an array in an array [GAL]. A single
//     lead is accepted too, and an envelope that holds any of these, beside counts and
//     links, under one of the usual names: data, value, items, result and others.
//   - The text is UTF-8 or UTF-16, with or without a byte order mark.
//   - An id is a string or a number, and an empty collection is null, [] or "".
//   - What the serialisers of .NET make of values with their usual settings is read:
//     names in any case, with underscores or hyphens, numbers and booleans as texts, times
//     in ISO 8601 with or without zone and fraction, as a date alone, as /Date(ms)/, in
//     format R or as Unix time, and GUIDs in four forms. Year 1, the zero GUID and the
//     empty text mean that a time, an id or a boolean is not set. The text "null" is a
//     text.
//   - A list is an array, one value, or an object that holds the array in $values.
//     A reference with $ref is read as the object or list in the same answer that it
//     points to; one to anything else counts as a value that cannot be used.
//   - An object that has not one known member is no contact, address or place.
//   - A value of an unexpected type is read as absent and counted in [Oddities].
//   - A row that cannot be a lead is passed on as nil, so that the others keep their
//     positions, and is counted in [Result.Unreadable]. It has no id or no tenantId, one
//     of them is the zero GUID, its tenantId is no GUID, one of its lists is something
//     else, which does not mean that it is empty, or it is null. Outside a list
//     such an object is refused, because it may be something else, such as an error.
//
// # Agreement with encoding/json
//
// The tests have a plain reader on top of encoding/json. This package accepts and
// refuses the same answers, with two exceptions, because the plain reader holds the
// whole body in memory:
//
//   - A lead, or another member of an envelope, may have at most 4 MiB.
//   - An object outside a list counts as an envelope as soon as one of the names for
//     lists has an array or an object. An id, a tenantId or another list after that is
//     an error.
package reader

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"leadgraph/lead"
)

// ErrNoBody is the error of an answer without a single byte.
var ErrNoBody = errors.New("the body is empty")

// ErrTooMany is the error of an answer with more records than Options.Max.
var ErrTooMany = errors.New("the answer has more leads than were requested (does the platform ignore the page size?)")

// BrokenError is the error of an answer that could not be read to its end.
type BrokenError struct{ Err error }

// Error implements error.
func (e *BrokenError) Error() string { return "reading the answer: " + e.Err.Error() }

// Unwrap returns the error of the source.
func (e *BrokenError) Unwrap() error { return e.Err }

// Oddities counts the values that could not be used, by field, or the records that
// could not be read, by reason.
type Oddities map[string]int

// with adds one to a count. It makes the map with the first one.
func (o Oddities) with(key string) Oddities {
	if o == nil {
		o = Oddities{}
	}
	o[key]++
	return o
}

// LogValue implements slog.LogValuer.
func (o Oddities) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, len(o))
	for _, field := range slices.Sorted(maps.Keys(o)) {
		attrs = append(attrs, slog.Int(field, o[field]))
	}
	return slog.GroupValue(attrs...)
}

// Kind describes the records of one endpoint. It is safe for concurrent use.
type Kind[T any] struct {
	plural  string // for errors
	members []member[T]
	// reject returns why a record cannot be used, or "". Nil accepts every record.
	reject func(*T) string
	// complete makes the ids that parts of a record lack. It may be nil.
	complete func(key []byte, record *T)
	// id returns the id of a record.
	id   func(*T) string
	copy func(*copier, *T) *T
	// recall returns a record with the memory of the one that Options.Known returns, or
	// nil if that has other values.
	recall func(known func(id string) *lead.Lead, record *T) *T
	pool   sync.Pool // of *records[T]
}

// newKind returns a Kind without functions.
func newKind[T any](plural string, members []member[T]) *Kind[T] {
	k := &Kind[T]{plural: plural, members: members}
	k.pool.New = func() any { return newRecords(k) }
	return k
}

// Options configures how an answer is read.
type Options struct {
	// Want is the set of parts of a lead to read. Other parts are only checked to be
	// well-formed.
	Want lead.Parts
	// Max is the largest number of records that an answer may have. 0 means no limit.
	Max int
	// IDKey is the key of the hashes that are the ids of addresses and locations without
	// one. Without a key they stay empty.
	IDKey []byte
	// Compare counts Result.Conflicts, for callers that do not keep the records.
	Compare bool
	// Borrow passes records in memory that the next record overwrites. They are valid
	// until each returns, and nothing in them may be kept. Without Borrow each record
	// is a copy.
	Borrow bool
	// Known returns the lead that had an id when it was read before, or nil. A lead that
	// still has the same values is no copy but shares that one's memory; see lead.Renewed.
	// Nil means that nothing was read before.
	Known func(id string) *lead.Lead
}

// Form is the structure in which an answer holds its records.
type Form string

// The forms of answers.
const (
	FormArray    Form = "array"
	FormNested   Form = "nested array"
	FormEnvelope Form = "envelope"
	FormSingle   Form = "single object"
	FormNull     Form = "null"
)

// Result says what was read. It is valid even if there was an error.
type Result struct {
	Form Form
	// List is the path of the member of an envelope that holds the records, such as
	// data or d.results.
	List string
	// Count is the number of records in the answer, including those that could not be
	// read.
	Count    int
	Oddities Oddities
	// Fields is the number of members of the records, at any depth, and UnknownFields
	// how many of them have no meaning. Those of serialisers, such as $id, do not count.
	Fields, UnknownFields int
	// Unreadable counts the records that could not be read, by reason: one of Reasons.
	Unreadable Oddities
	// Conflicts is the number of records that share their id with an earlier one and
	// differ from it, if Options.Compare is set. Records with references are not compared,
	// because a repeated one has another text.
	Conflicts int
}

// Holes returns the number of records that could not be read.
func (r Result) Holes() int {
	n := 0
	for _, count := range r.Unreadable {
		n += count
	}
	return n
}

// Read calls each with every record of an answer, and with nil for a record that
// cannot be read. It accepts an array of records, arrays nested in it, null, a single
// record, and an envelope with one of these. docs/upstream-api.md gives the reasons.
//
// The error is a *BrokenError if src failed, ErrNoBody, ErrTooMany, ErrValueTooLarge or
// the error of each. Any other error describes what is wrong with the answer. It names
// the shape or the position but never quotes content. Read is safe for concurrent
// use.
func Read[T any](src io.Reader, kind *Kind[T], o Options, each func(*T) error) (Result, error) {
	r := kind.pool.Get().(*records[T])
	result, err := r.read(src, o, each)
	if r.reusable() {
		kind.pool.Put(r)
	}
	return result, err
}
