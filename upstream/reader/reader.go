// Package reader reads lists of records from the platform's JSON as it arrives,
// one record at a time. Every tolerance for the wire is in here; docs/decoder.md
// has the measurements that led to a reader of our own.
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

// ErrTooMany says that an answer has more records than Options.Max.
var ErrTooMany = errors.New("there are more leads than were asked for (is the page size ignored?)")

// BrokenError says that the answer could not be read to its end.
type BrokenError struct{ Err error }

// Error describes the failure for a log.
func (e *BrokenError) Error() string { return "reading the answer: " + e.Err.Error() }

// Unwrap returns the error of the source.
func (e *BrokenError) Unwrap() error { return e.Err }

// Oddities counts values that could not be used, by field and never by content.
type Oddities map[string]int

// LogValue implements slog.LogValuer.
func (o Oddities) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, len(o))
	for _, field := range slices.Sorted(maps.Keys(o)) {
		attrs = append(attrs, slog.Int(field, o[field]))
	}
	return slog.GroupValue(attrs...)
}

// Kind describes the records of one endpoint of the platform. It is safe for
// concurrent use.
type Kind[T any] struct {
	plural   string // for errors
	members  []member[T]
	required []required[T]
	copy     func(*copier, *T) *T
	pool     sync.Pool // of *records[T]
}

// required is a text without which a record is no record.
type required[T any] struct {
	name string // with its article, for errors
	text func(*T) *string
}

// newKind returns a kind without records that are required or copied.
func newKind[T any](plural string, members []member[T]) *Kind[T] {
	k := &Kind[T]{plural: plural, members: members}
	k.pool.New = func() any { return newRecords(k) }
	return k
}

// Options say how an answer is read.
type Options struct {
	// Want are the parts of a lead to read. Other parts are checked to be
	// well-formed and skipped.
	Want lead.Fields
	// Max is the most records an answer may have; 0 means no bound.
	Max int
	// Borrow hands out records in storage that the next record overwrites. They
	// are valid until each returns; nothing of them may be kept. By default each
	// record is a copy of its own.
	Borrow bool
}

// Result is what was read, whatever the error.
type Result struct {
	// Count is the number of records that were read.
	Count int
	// Oddities are the values that could not be used.
	Oddities Oddities
}

// Read calls each with every record of an answer. It accepts an array of records,
// arrays nested in it, null, a single record, and an object whose data is one of
// the first three; docs/upstream-api.md has the reasons.
//
// The error is a *BrokenError if src failed, ErrTooMany, the error of each, or
// else says what is wrong with the answer: it names the shape or the place, never
// content. Read is safe for concurrent use.
func Read[T any](src io.Reader, kind *Kind[T], o Options, each func(*T) error) (Result, error) {
	r := kind.pool.Get().(*records[T])
	result, err := r.read(src, o, each)
	if r.reusable() {
		kind.pool.Put(r)
	}
	return result, err
}
