package reader

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
)

const (
	// maxNesting is how deep arrays of leads may be nested. One array in an array is
	// documented [GAL].
	maxNesting = 8
	// maxEnvelopes is how many envelopes may be nested in another one.
	maxEnvelopes = 3

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

	compared []textOf // of the records, with Options.Compare
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
	r.compared = r.compared[:0]
	err := r.begin()
	if err == nil {
		err = r.answer()
	}
	r.result.Conflicts = conflicts(r.compared)
	if cap(r.compared) > bufferSize>>4 {
		r.compared = nil
	}
	r.src, r.each, r.refs = nil, nil, references{}
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
		found, err := r.object(maxEnvelopes)
		if err == nil && !found {
			err = errNoLeads
		}
		return err
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
		r.compared = append(r.compared, textOf{maphash.String(seed, r.kind.id(&r.record)), maphash.Bytes(seed, r.b[r.refs.record:r.pos])})
	}
	if r.kind.complete != nil && r.opts.IDKey != nil {
		r.kind.complete(r.opts.IDKey, &r.record)
	}
	if r.opts.Borrow {
		return r.each(&r.record)
	}
	return r.each(r.kind.copy(r.copier, &r.record))
}

var errNoLeads = errors.New("the body is an object that is neither a lead nor an envelope with a list of leads")

// object reads an object outside any array: a record, or an envelope, in which at most
// inner others may be nested. It reports whether the object is one of them.
func (r *records[T]) object(inner int) (found bool, err error) {
	if inner < 0 {
		return false, fmt.Errorf("envelopes are nested deeper than %d", maxEnvelopes)
	}
	r.top = true
	err = r.whole(func(i int) int {
		next := r.readRecord(i)
		if r.dataAt > 0 {
			return r.dataAt
		}
		return next
	})
	r.top = false
	switch {
	case err != nil:
		return false, err
	case r.isRecord && r.reject() != "": // it may be something else, such as an error
		return false, errNoLeads
	case r.isRecord:
		return true, r.handOn("")
	case r.dataAt > 0:
		none := r.dataStart == 'n'
		found, err = r.envelope(inner)
		return found || none, err
	case r.dataStart == 0:
		return false, nil
	case r.dataStart == 'n':
		return true, nil
	}
	return false, r.wrongType("the body is %s, not an array of "+r.kind.plural, r.dataStart)
}

// envelope reads the rest of an envelope, from its first member that may hold the
// records on. It reports whether there are any.
func (r *records[T]) envelope(inner int) (found bool, err error) {
	r.depth++
	for {
		c, err := r.peek()
		switch {
		case err != nil:
			return false, err
		case found:
			return false, errors.New("the body is an envelope with a member of a lead, or other data, after its data")
		case c == '[':
			found, err = true, r.array()
		default:
			found, err = r.object(inner - 1)
		}
		if err != nil {
			return false, err
		}
		if more, err := r.nextList(); err != nil || !more {
			return found, err
		}
	}
}

// nextList skips members of an envelope up to the next one that may hold records. It
// reports whether there is one before the end of the envelope.
func (r *records[T]) nextList() (bool, error) {
	for {
		c, err := r.peek()
		switch {
		case err != nil:
			return false, err
		case c == '}':
			r.pos++
			r.depth--
			return false, nil
		case c != ',':
			return false, r.notJSON(r.pos)
		}
		r.pos++
		if _, err := r.peek(); err != nil {
			return false, err
		}
		if err := r.whole(r.envelopeMember); err != nil {
			return false, err
		}
		switch {
		case r.isRecord:
			return false, errors.New("the body is an envelope with a member of a lead, or other data, after its data")
		case r.dataAt > 0:
			return true, nil
		}
	}
}

// envelopeMember skips a member of an envelope. It sets isRecord if the member belongs
// to a record. It stops at the value, and sets dataAt, if that may hold the records.
func (r *records[T]) envelopeMember(i int) int {
	r.isRecord, r.dataAt = false, 0
	found, value := r.names.find(r.b, i)
	if value < 0 {
		return value
	}
	if found >= 0 {
		m := &r.kind.members[found]
		r.isRecord = m.identifies
		if m.holds && (r.b[value] == '[' || r.b[value] == '{') {
			r.dataAt = value
			return value
		}
	}
	return r.skip(value)
}
