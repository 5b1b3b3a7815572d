package reader

import (
	"errors"
	"fmt"
	"io"
)

const (
	// maxNesting is how deep arrays of leads may be nested. One array in an array is
	// documented [GAL].
	maxNesting = 8

	// bufferSize is large enough for many leads of about 1.3 KB, and small enough for
	// the processor's cache.
	bufferSize = 64 << 10
	// MaxValue bounds a lead, or another member of an envelope, in bytes. Only these
	// must be in memory as a whole.
	MaxValue = 4 << 20
)

// records reads the records of one answer. Only one record is in memory at a time:
// if the buffer ends within a record, it is read again with more bytes in the
// buffer.
//
// An object whose data is an array counts as an envelope as soon as the array
// begins. A later member that makes it a record, or a second data, is an error.
type records[T any] struct {
	source
	kind   *Kind[T]
	names  memberNames
	record T
	copier *copier

	opts   Options
	each   func(*T) error
	result Result
}

func newRecords[T any](kind *Kind[T]) *records[T] {
	return &records[T]{
		source: source{parser: newParser(), buf: make([]byte, bufferSize)},
		kind:   kind, names: namesOf(kind.members), copier: newCopier(),
	}
}

func (r *records[T]) read(src io.Reader, o Options, each func(*T) error) (Result, error) {
	r.source = source{parser: r.parser, buf: r.buf, src: src}
	r.b, r.want, r.depth, r.top = nil, o.Want, 0, false
	r.opts, r.each, r.result = o, each, Result{}
	err := r.answer()
	r.src, r.each = nil, nil
	return r.result, err
}

// reusable reports whether r can be kept for another answer. It cannot after a large
// record, whose memory it would keep.
func (r *records[T]) reusable() bool { return len(r.buf) <= bufferSize && r.small() }

func (r *records[T]) answer() error {
	c, err := r.peek()
	if err == nil {
		err = r.shape(c)
	}
	if err != nil {
		return err
	}
	if c, err = r.peek(); err != nil {
		return err
	}
	if c != 0 || r.pos < len(r.b) {
		return r.notJSON(r.pos)
	}
	return nil
}

// shape reads an answer whose first byte is c.
func (r *records[T]) shape(c byte) error {
	switch {
	case c == 0 && r.pos == len(r.b):
		return errors.New("the body is empty")
	case c == '<':
		return errors.New("the body is HTML or XML, not JSON")
	case c == '{':
		return r.recordOrEnvelope()
	case c == '[':
		return r.array()
	case c == 'n':
		return r.whole(r.null)
	}
	return r.wrongType("the body is %s, not an array of "+r.kind.plural, c)
}

// array reads an array of leads, which may be nested.
func (r *records[T]) array() error {
	outside := r.depth
	for {
		c, err := r.peek()
		switch {
		case err != nil:
			return err
		case c == '[':
			if r.depth-outside == maxNesting {
				return fmt.Errorf("arrays are nested deeper than %d", maxNesting)
			}
			r.depth++
			r.pos++
			if c, err = r.peek(); err != nil {
				return err
			}
			if c != ']' {
				continue
			}
		case c == '{':
			if err = r.whole(r.readRecord); err == nil {
				err = r.handOn(r.reject())
			}
		case c == 'n':
			if err = r.whole(r.null); err == nil {
				err = r.handOn(reasonNull)
			}
		default:
			err = r.wrongType("the array of "+r.kind.plural+" holds %s", c)
		}
		if err != nil {
			return err
		}
		if more, err := r.closeArrays(outside); err != nil || !more {
			return err
		}
	}
}

// closeArrays reads the brackets and the comma between two values. It reports
// whether another value follows.
func (r *records[T]) closeArrays(outside int) (bool, error) {
	for r.depth > outside {
		c, err := r.peek()
		switch {
		case err != nil:
			return false, err
		case c == ',':
			r.pos++
			return true, nil
		case c != ']':
			return false, r.notJSON(r.pos)
		}
		r.pos++
		r.depth--
	}
	return false, nil
}

// readRecord reads the object at i into r.record.
func (r *records[T]) readRecord(i int) int {
	depth := r.depth
	var none T
	r.record = none
	r.reset()
	i = readObject(r.parser, i, &r.names, r.kind.members, &r.record)
	r.depth = depth
	return i
}

// reject returns why the record cannot be used, or "".
func (r *records[T]) reject() string {
	if r.kind.reject == nil {
		return ""
	}
	return r.kind.reject(&r.record)
}

// handOn counts the record and passes it to each. With a reason why the record cannot
// be used, it passes nil.
func (r *records[T]) handOn(reason string) error {
	r.result.Count++
	if reason != "" {
		r.result.Unreadable = r.result.Unreadable.with(reason)
	} else {
		for _, path := range r.parser.odd {
			r.result.Oddities = r.result.Oddities.with(path)
		}
	}
	switch {
	case r.opts.Max > 0 && r.result.Count > r.opts.Max:
		return ErrTooMany
	case reason != "":
		return r.each(nil)
	case r.opts.Borrow:
		return r.each(&r.record)
	}
	return r.each(r.kind.copy(r.copier, &r.record))
}

// recordOrEnvelope reads an object outside any array.
func (r *records[T]) recordOrEnvelope() error {
	r.top = true
	err := r.whole(func(i int) int {
		next := r.readRecord(i)
		if r.dataAt > 0 {
			return r.dataAt
		}
		return next
	})
	r.top = false
	switch {
	case err != nil:
		return err
	case r.isRecord && r.reject() != "":
		return errors.New("the body is an object that is neither a lead nor an envelope with data")
	case r.isRecord:
		return r.handOn("")
	case r.dataAt > 0:
		return r.envelope()
	case r.dataStart == 0:
		return errors.New("the body is an object that is neither a lead nor an envelope with data")
	case r.dataStart == '{':
		return errors.New("the body is an envelope whose data is an object, not an array")
	case r.dataStart == 'n':
		return nil
	}
	return r.wrongType("the body is %s, not an array of "+r.kind.plural, r.dataStart)
}

// envelope reads the rest of an envelope, from its array of leads on.
func (r *records[T]) envelope() error {
	r.depth++
	if err := r.array(); err != nil {
		return err
	}
	r.depth--
	for {
		c, err := r.peek()
		switch {
		case err != nil:
			return err
		case c == '}':
			r.pos++
			return nil
		case c != ',':
			return r.notJSON(r.pos)
		}
		r.pos++
		if err := r.whole(r.envelopeMember); err != nil {
			return err
		}
		if r.isRecord || r.dataStart != 0 {
			return errors.New("the body is an envelope with a member of a lead, or other data, after its data")
		}
	}
}

// envelopeMember skips a member of an envelope. It sets isRecord if the member
// belongs to a record, and dataStart if it is a data member.
func (r *records[T]) envelopeMember(i int) int {
	r.isRecord, r.dataStart = false, 0
	found, value := r.names.find(r.b, skipSpace(r.b, i))
	if value < 0 {
		return value
	}
	if found >= 0 {
		switch m := &r.kind.members[found]; {
		case m.identifies:
			r.isRecord = true
		case m.name == dataMember:
			r.dataStart = r.b[value]
		}
	}
	return r.skip(value)
}
