package reader

import (
	"errors"
	"fmt"
	"strings"
)

// maxEnvelopes is how many envelopes may be nested in another one.
const maxEnvelopes = 3

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
		if inner == maxEnvelopes {
			r.result.Form = FormSingle
		}
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
		name := r.path
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
		if found {
			r.result.List = strings.TrimSuffix(name+"."+r.result.List, ".")
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
			r.dataAt, r.path = value, m.name
			return value
		}
	}
	return r.skip(value)
}
