package reader

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"leadgraph/lead"
)

const (
	// maxNesting is how deep arrays of leads may be nested; one array in an array
	// is documented [GAL].
	maxNesting = 8

	// bufferSize holds many leads of about 1.3 KB, and stays in the processor's
	// cache.
	bufferSize = 64 << 10
	// MaxValue bounds a lead, or another member of an envelope, in bytes: the only
	// things that must be in memory as a whole.
	MaxValue = 4 << 20
)

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

// Rows reads an answer of the lead endpoint as it arrives. It accepts an array
// of leads, arrays nested in it, null, a single lead, and an object whose data
// is one of the first three. Leads without id or tenantId are an error: see the
// package comment. Errors name the shape or the place, never content.
//
// An object with an array as data is taken for an envelope when the array
// begins, so it must not turn out to be a lead, or have another data, later.
//
// What is not wanted is checked to be well-formed and skipped; its type is not
// looked at. Only one lead is in memory at a time: where the buffer ends within
// one, reading it starts again with more in the buffer.
type Rows struct {
	*parser
	src  io.Reader
	each func(*lead.Lead) error
	// The parser's text is the part of buf that is filled; what is before pos is
	// done with.
	buf []byte
	pos int
	// gone is the number of bytes that came before those in buf.
	gone  int64
	ended bool // src has no more

	Count, noID, noTenant int
	oddities              Oddities
}

func NewRows() *Rows { return &Rows{parser: newParser(), buf: make([]byte, bufferSize)} }

// Read calls each with every lead of an answer; the lead is valid during the
// call only. It returns the number of leads that it read, whatever the error.
// That is a *BrokenError if src failed, that of each as it is, or else says what
// is wrong with the answer.
func (r *Rows) Read(src io.Reader, want lead.Fields, each func(*lead.Lead) error) (int, Oddities, error) {
	*r = Rows{parser: r.parser, buf: r.buf, src: src, each: each}
	r.b, r.want, r.depth, r.top = nil, want, 0, false
	err := r.answer()
	r.src, r.each = nil, nil
	return r.Count, r.oddities, err
}

// Reusable tells whether r is worth keeping for another answer: not after a
// large lead has made it large.
func (r *Rows) Reusable() bool { return len(r.buf) <= bufferSize && r.small() }

// BrokenError says that the answer could not be read to its end.
type BrokenError struct{ Err error }

func (e *BrokenError) Error() string { return "reading the answer: " + e.Err.Error() }

func (e *BrokenError) Unwrap() error { return e.Err }

func (r *Rows) answer() error {
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
	if r.noID > 0 || r.noTenant > 0 {
		return fmt.Errorf("of %d leads, %d lack an id and %d lack a tenantId", r.Count, r.noID, r.noTenant)
	}
	return nil
}

func (r *Rows) shape(c byte) error {
	switch {
	case c == 0 && r.pos == len(r.b):
		return errors.New("the body is empty")
	case c == '<':
		return errors.New("the body is HTML or XML, not JSON")
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == 'n':
		return r.whole(r.null)
	}
	return r.wrongKind("the body is %s, not an array of leads", c)
}

// array reads an array of leads at some depth.
func (r *Rows) array() error {
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
			if err = r.whole(r.row); err == nil {
				err = r.handOn()
			}
		case c == 'n':
			err = r.whole(r.null)
		default:
			err = r.wrongKind("the array of leads holds %s", c)
		}
		if err != nil {
			return err
		}
		if more, err := r.closeArrays(outside); err != nil || !more {
			return err
		}
	}
}

// closeArrays reads what is between two values: brackets and a comma. It reports
// whether another value follows.
func (r *Rows) closeArrays(outside int) (bool, error) {
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

// handOn counts the lead that was read and hands it on, unless one without an id
// has spoilt the answer.
func (r *Rows) handOn() error {
	l := &r.lead
	r.Count++
	for _, path := range r.odd {
		if r.oddities == nil {
			r.oddities = Oddities{}
		}
		r.oddities[path]++
	}
	if strings.TrimSpace(l.ID) == "" {
		r.noID++
	}
	if strings.TrimSpace(l.TenantID) == "" {
		r.noTenant++
	}
	if r.noID > 0 || r.noTenant > 0 {
		return nil
	}
	return r.each(l)
}

// object reads a single lead or an envelope.
func (r *Rows) object() error {
	r.top = true
	err := r.whole(func(i int) int {
		next := r.row(i)
		if r.dataAt > 0 {
			return r.dataAt
		}
		return next
	})
	r.top = false
	switch {
	case err != nil:
		return err
	case r.isLead:
		return r.handOn()
	case r.dataAt > 0:
		return r.envelope()
	case r.dataKind == 0:
		return errors.New("the body is an object that is neither a lead nor an envelope with data")
	case r.dataKind == '{':
		return errors.New("the body is an envelope whose data is an object, not an array")
	case r.dataKind == 'n':
		return nil
	}
	return r.wrongKind("the body is %s, not an array of leads", r.dataKind)
}

// envelope reads the array of leads that is the data, and what follows it.
func (r *Rows) envelope() error {
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
		if r.isLead || r.dataKind != 0 {
			return errors.New("the body is an envelope that has a member of a lead, or other data, behind its data")
		}
	}
}

// envelopeMember skips a member of an envelope and notes what it shows the body
// to be.
func (p *parser) envelopeMember(i int) int {
	p.isLead, p.dataKind = false, 0
	found, value := p.leadNames.find(p.b, skipSpace(p.b, i))
	if value < 0 {
		return value
	}
	if found >= 0 {
		switch p.leadNames.list[found] {
		case "id", "tenantId":
			p.isLead = true
		case "data":
			p.dataKind = p.b[value]
		}
	}
	return p.skip(value)
}
