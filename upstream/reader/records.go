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
// An object outside a list counts as an envelope as soon as one of its listNames has an
// array or an object as its value. A later member that makes it a record, or more
// records, are an error.
type records[T any] struct {
	source
	kind   *Kind[T]
	names  memberNames
	record T
	copier *copier

	compared comparison // of the records, with Options.Compare
	opts     Options
	each     func(*T) error
	result   Result
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
	r.opts, r.each, r.result, r.refs = o, each, Result{}, references{}
	err := r.begin()
	if err == nil {
		err = r.answer()
	}
	r.result.Conflicts = r.compared.conflicts()
	r.compared.reset()
	r.src, r.each, r.refs, r.opts = nil, nil, references{}, Options{}
	return r.result, err
}

// reusable reports whether r can be kept for another answer. It cannot after a large
// record, whose memory it would keep.
func (r *records[T]) reusable() bool {
	return len(r.buf) <= bufferSize && r.small()
}

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
		r.result.Form = FormEnvelope
		found, err := r.object(maxEnvelopes)
		if err == nil && !found {
			err = errNoLeads
		}
		return err
	case c == '[':
		r.result.Form = FormArray
		return r.array()
	case c == 'n':
		r.result.Form = FormNull
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
			if r.depth > 0 && r.result.Form == FormArray {
				r.result.Form = FormNested
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
	r.refs.record = i
	i = readObject(r.parser, i, &r.names, r.kind.members, &r.record)
	r.depth = depth
	if i >= 0 && r.refs.used && !r.top {
		_ = r.keepTargets() // the record is in memory
	}
	return i
}

// reject returns why the record cannot be used, or "".
func (r *records[T]) reject() string {
	reason := ""
	if r.kind.reject != nil {
		reason = r.kind.reject(&r.record)
	}
	if reason == "" && len(r.refused) > 0 {
		return reasonBadList
	}
	return reason
}

// handOn counts the record and passes it to each. With a reason why the record cannot
// be used, it passes nil.
func (r *records[T]) handOn(reason string) error {
	r.result.Count++
	if reason != "" {
		r.result.Unreadable = r.result.Unreadable.with(reason)
	}
	if reason == "" || reason == reasonBadList {
		r.result.Fields += r.fields
		r.result.UnknownFields += r.strange
		for _, path := range r.odd {
			r.result.Oddities = r.result.Oddities.with(path)
		}
	}
	switch {
	case r.opts.Max > 0 && r.result.Count > r.opts.Max:
		return ErrTooMany
	case reason != "":
		return r.each(nil)
	}
	if r.opts.Compare && !r.refs.used {
		r.compared.add(r.kind.id(&r.record), r.b[r.refs.record:r.pos])
	}
	if r.kind.complete != nil && r.opts.IDKey != nil {
		r.kind.complete(r.opts.IDKey, &r.record)
	}
	if r.opts.Borrow {
		return r.each(&r.record)
	}
	if r.opts.Known != nil && r.kind.recall != nil {
		if same := r.kind.recall(r.opts.Known, &r.record); same != nil {
			return r.each(same)
		}
	}
	return r.each(r.kind.copy(r.copier, &r.record))
}
