package share

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/flight"
)

// maxEntry bounds an entry, in bytes, like a chunk of all leads. A revision that takes more
// is stored without its changes, and the others load all leads.
const maxEntry = chunkBytes

// maxEntryID bounds the id of a lead in an entry, in bytes.
const maxEntryID = 64 << 10

// errStep means that a revision does not follow the one that is known, or is not stored.
var errStep = errors.New("a shared revision is missing, or does not follow the one before")

// entry is a revision as the stream has it: a text, a line break, and the sealed difference
// from the revision before. The text starts with the time that the scripts need.
type entry struct {
	begun, since int64 // when the readings began that showed it and the one before
	name, base   catalogue.Revision
	whole        bool // all leads are stored instead of the difference

	unreadable int
	changes.Difference
}

// String returns the text of the entry.
func (e entry) String() string {
	content := 1
	if e.whole {
		content = 0
	}
	return fmt.Sprintf("%d %d %016x %d %016x %d %016x %d", e.begun, e.since, e.name.Log, e.name.Number, e.name.Tag, e.base.Number, e.base.Tag, content)
}

func (s *Store) entryPlace(text string) string { return s.prefix + "log " + text }

// entryText returns an entry as it is stored, or an empty text if there is none. It decides
// whether the difference is stored.
func (s *Store) entryText(e *entry, pace *flight.Pace) (string, error) {
	if e == nil {
		return "", nil
	}
	packed, err := packEntry(e, pace)
	if err != nil && !errors.Is(err, errTooLarge) {
		return "", err
	}
	if e.whole = err != nil || len(packed) > maxEntry-1000; e.whole {
		packed = nil
	}
	text := e.String()
	return text + "\n" + string(s.vault().seal(packed, s.entryPlace(text))), nil
}

// parseEntry parses a stored entry.
func (s *Store) parseEntry(stored string) (e entry, err error) {
	text, sealed, found := strings.Cut(stored, "\n")
	if !found || len(stored) > maxEntry {
		return e, errFormat
	}
	packed, err := s.vault().open([]byte(sealed), s.entryPlace(text))
	if err != nil {
		return e, err
	}
	f := fields{rest: text}
	e.begun, e.since = f.moment(), f.moment()
	e.name = catalogue.Revision{Log: f.hex(), Number: f.number(), Tag: f.hex()}
	e.base = catalogue.Revision{Log: e.name.Log, Number: f.number(), Tag: f.hex()}
	e.whole = f.number() == 0
	if f.bad || f.rest != "" || e.String() != text || e.whole && len(packed) > 0 {
		return entry{}, errFormat
	}
	if !e.whole {
		err = unpackEntry(packed, &e, s.bounds())
	}
	return e, err
}

// packEntry writes the number of unreadable rows, whether each change has a lead before and
// one after, the runs, and then all these leads.
func packEntry(e *entry, pace *flight.Pace) ([]byte, error) {
	var leads []*lead.Lead
	w := recordWriter{}
	w.size(e.unreadable)
	w.size(len(e.Changes))
	for _, c := range e.Changes {
		sides := byte(0)
		for i, l := range []*lead.Lead{c.Before, c.After} {
			if l != nil {
				sides |= 1 << i
				leads = append(leads, l)
			}
		}
		w.data = append(w.data, sides)
	}
	w.size(len(e.Runs))
	for _, run := range e.Runs {
		w.Text(0, &run.After)
		w.Texts(0, &run.IDs)
	}
	return zip(func(to io.Writer) error {
		if _, err := to.Write(w.data); err != nil {
			return err
		}
		return encode(to, leads, pace)
	})
}

// unpackEntry reads what packEntry wrote, within the bounds.
func unpackEntry(packed []byte, e *entry, most bounds) error {
	return unzip(packed, &most, func(r *bufio.Reader) error {
		sides, err := readSides(r, e, most)
		if err != nil {
			return err
		}
		if e.Runs, err = readRuns(r, most); err != nil {
			return err
		}
		most.leads *= 2
		leads, err := decode(r, most, nil)
		if err != nil {
			return err
		}
		next := func(is byte) (l *lead.Lead) {
			if is != 0 && len(leads) > 0 {
				l, leads = leads[0], leads[1:]
			}
			return l
		}
		e.Changes = make([]changes.Change, len(sides))
		for i, side := range sides {
			c := changes.Change{Before: next(side & 1), After: next(side & 2)}
			if c.Before == nil != (side&1 == 0) || c.After == nil != (side&2 == 0) {
				return errFormat
			}
			e.Changes[i] = c
		}
		if len(leads) > 0 {
			return errFormat
		}
		return nil
	})
}

// readSides reads which leads each change has.
func readSides(r *bufio.Reader, e *entry, most bounds) (sides []byte, err error) {
	if e.unreadable, err = readCount(r, math.MaxInt32); err != nil {
		return nil, err
	}
	n, err := readCount(r, 2*most.leads)
	if err != nil {
		return nil, err
	}
	for range n {
		side, err := r.ReadByte()
		if err != nil || side < 1 || side > 3 {
			return nil, errFormat
		}
		sides = append(sides, side)
	}
	return sides, nil
}

// readRuns reads where leads are placed.
func readRuns(r *bufio.Reader, most bounds) (runs []changes.Run, err error) {
	n, err := readCount(r, most.leads)
	if err != nil {
		return nil, err
	}
	placed := 0
	for range n {
		var run changes.Run
		if run.After, err = readID(r); err != nil {
			return nil, err
		}
		ids, err := readCount(r, most.leads+1)
		if placed += ids - 1; err != nil || ids < 2 || placed > most.leads { // one more than there are
			return nil, errFormat
		}
		for range ids - 1 {
			id, err := readID(r)
			if err != nil {
				return nil, err
			}
			run.IDs = append(run.IDs, id)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func readID(r *bufio.Reader) (string, error) {
	n, err := readCount(r, maxEntryID)
	if err != nil {
		return "", err
	}
	id := make([]byte, n)
	if _, err := io.ReadFull(r, id); err != nil {
		return "", errFormat
	}
	return string(id), nil
}

// step returns the entry as a step of the log. clock converts times of the server.
func (e entry) step(clock func(int64) time.Time) changes.Step {
	step := changes.Step{Base: e.base, Name: e.name, AsOf: clock(e.begun), Changes: e.Changes}
	for _, c := range step.Changes {
		if c.Before != nil {
			c.Before.AsOf = clock(e.since)
		}
		if c.After != nil {
			c.After.AsOf = step.AsOf
		}
	}
	return step
}
