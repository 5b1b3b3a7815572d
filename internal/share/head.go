package share

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/flight"
)

var errHead = errors.New("the description of the shared leads is damaged or forged")

// maxHead bounds the text of a head, in bytes.
const maxHead = 400

// head says which leads are shared. It is stored as text that starts with the fields that
// the scripts need and ends with the vault's signature. Whoever replaces it must know the
// text before, so the revisions that it has named follow each other.
type head struct {
	begun int64 // when the newest reading began, in µs since 1970 by the server's clock
	// name is the revision that this reading showed; zero if it has none, because the server
	// forbids scripts.
	name  catalogue.Revision
	whole whole
	added int64 // bytes of entries since whole
}

// whole describes the chunks in which a revision is stored with all leads. It is of the
// head's log. Its zero value says that none is stored.
type whole struct {
	number, tag uint64
	generation  string
	chunks      int    // at least 1
	sum         string // SHA-256 of the chunks
	stored      int64  // when it was, in µs by the server's clock
}

// nothing stands for an empty text, so that the number of fields is the same.
const nothing = "-"

func (h head) String() string {
	w := h.whole
	if w.chunks == 0 {
		w.generation, w.sum = nothing, nothing
	}
	return fmt.Sprintf("%d %016x %d %016x %d %016x %s %d %s %d %d",
		h.begun, h.name.Log, h.name.Number, h.name.Tag, w.number, w.tag, w.generation, w.chunks, w.sum, w.stored, h.added)
}

// headText returns the text of a head as it is stored.
func (s *Store) headText(h head) string {
	return h.String() + " " + s.vault().sign(h.String(), s.headKey())
}

// parseHead parses a stored head.
func (s *Store) parseHead(stored string) (h head, err error) {
	last := strings.LastIndexByte(stored, ' ')
	if last < 0 || len(stored) > maxHead {
		return head{}, errHead
	}
	text, signature := stored[:last], stored[last+1:]
	if !s.vault().verify(text, s.headKey(), signature) {
		return head{}, errSealed
	}
	f := fields{rest: text}
	h.begun, h.name.Log, h.name.Number, h.name.Tag = f.moment(), f.hex(), f.number(), f.hex()
	h.whole = whole{number: f.number(), tag: f.hex(), generation: f.text(), chunks: int(f.number()), sum: f.text(), stored: f.moment()}
	h.added = f.moment()
	if h.whole.chunks == 0 {
		h.whole.generation, h.whole.sum = "", ""
	}
	// Only texts that String returns are heads, so there is one for each.
	stray := h.whole.chunks > maxChunks || h.whole.chunks > 0 && !isGeneration(h.whole.generation) || h.whole.chunks == 0 && h.whole != whole{}
	if f.bad || f.rest != "" || stray || h.String() != text {
		return head{}, errHead
	}
	return h, nil
}

// fields takes the fields off a text that are separated by spaces.
type fields struct {
	rest string
	bad  bool
}

func (f *fields) text() (field string) {
	field, f.rest, _ = strings.Cut(f.rest, " ")
	return field
}

// most is the largest number that scripts can handle exactly, and more than any time in µs.
const most = 1 << 53

// number takes a number off that String writes for one.
func (f *fields) number() uint64 {
	n, err := strconv.ParseUint(f.text(), 10, 64)
	f.bad = f.bad || err != nil || n > most
	return n
}

func (f *fields) moment() int64 { return int64(f.number()) }

func (f *fields) hex() uint64 {
	n, err := strconv.ParseUint(f.text(), 16, 64)
	f.bad = f.bad || err != nil
	return n
}

// isGeneration reports whether the text is one that rand.Text returns, so that it
// leads to no other keys than those of chunks.
func isGeneration(text string) bool {
	return len(text) >= 26 && len(text) <= 32 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// The keys of the head, of the entries and of the chunks.
func (s *Store) headKey() string { return s.prefix + "leads" }

func (s *Store) logKey() string { return s.prefix + "log" }

func (s *Store) chunkKey(w whole, chunk int) string {
	return s.prefix + "leads:" + w.generation + ":" + strconv.Itoa(chunk)
}

// place returns the place that binds sealed leads to their revision and generation.
func (s *Store) place(log uint64, w whole) string {
	return fmt.Sprintf("%sleads %016x %d %016x %s", s.prefix, log, w.number, w.tag, w.generation)
}

// wanted reports whether all leads should be stored with the head's revision: nothing is
// stored, or it will soon expire, or what came since will, or loading that is as much work
// as loading all.
func (h head) wanted(o SourceOptions) bool {
	w := h.whole
	return w.chunks == 0 || h.begun-w.stored > o.Keep.Microseconds()/2 ||
		h.name.Number-w.number > maxSince || h.added > min(int64(w.chunks)*chunkBytes, o.MaxBytes)/2
}

// maxSince is how many revisions are stored one by one before all leads are stored again.
const maxSince = 20

const (
	// maxTries is how often a replica compares its reading again because another one has
	// issued a revision meanwhile.
	maxTries = 3
	// jump is how far the numbers go on when the server has lost them: other replicas may
	// have seen some more.
	jump = 1000
)

// share issues a revision for a reading, or only its date if nothing has changed, and
// returns the reading with the name. If another replica has read later, it returns those
// leads. If the revision cannot be issued, the reading has no name.
func (s *Source) share(ctx context.Context, t turn, reading catalogue.Reading) (catalogue.Reading, storage) {
	if s.store.scriptless.Load() {
		return reading, storage{turn: t, head: head{begun: t.now}, reading: reading, wanted: true}
	}
	told, text, did := s.unsettled(), t.head, behind
	for tries := 0; tries < maxTries && did == behind; tries++ {
		h, err := s.store.parseHead(text)
		if err == nil && h.begun >= t.now {
			if s.store.past(h) {
				break
			}
			h = head{}
		}
		next, e, err := s.plan(ctx, h, t, reading, told)
		if err != nil {
			break
		}
		m := move{lease: t.lease, before: text, next: next, keep: s.opts.Keep, bytes: s.opts.MaxBytes}
		if m.entry, err = s.store.entryText(e, flight.NewPace(ctx)); err != nil {
			s.store.complain(err)
			break
		}
		if m.next.added += int64(len(m.entry)); e != nil && e.whole {
			m.next.whole = whole{} // it does not lead here
		}
		m.release = m.next.whole.chunks > 0 // others need nothing of what remains to be done
		var began bool
		if did, text, began, err = s.store.advance(m); err == nil && did == done {
			s.issued(e, t, reading)
			reading.Revision = next.name
			gap := began && m.next.whole.number != e.base.Number
			return reading, storage{t, m.next, text, h.whole, reading, gap || m.next.wanted(s.opts)}
		}
	}
	h, err := s.store.parseHead(text)
	if err == nil && h.begun >= t.now && h.name != (catalogue.Revision{}) && s.store.past(h) { // another replica has read later
		if newer, err := s.take(ctx, h, t); err == nil {
			newer.Calls = reading.Calls
			return newer, storage{}
		}
	}
	return reading, storage{}
}

// past reports whether the reading of a head has begun. If not, the server's clock has gone
// back, or somebody has forged the head: it would hold up all readings until then.
func (s *Store) past(h head) bool {
	now, err := s.clock()
	return err == nil && h.begun <= now
}

// issued notes that a reading is shared.
func (s *Source) issued(e *entry, t turn, reading catalogue.Reading) {
	s.date(t.now, reading.AsOf)
	s.settle()
	if e != nil {
		s.remember([]changes.Step{{Base: e.base, Name: e.name, AsOf: reading.AsOf, Changes: e.Changes}})
	}
}

// plan returns the head that a reading leads to from another head, which is zero if there is
// none, and the entry for the stream, unless nothing has changed or nothing is known that
// the reading could be compared with.
func (s *Source) plan(ctx context.Context, h head, t turn, reading catalogue.Reading, told map[string]struct{}) (head, *entry, error) {
	next, since := head{begun: t.now, name: h.name, whole: h.whole, added: h.added}, h.begun
	base, err, step := list{}, errStep, uint64(1)
	if h.name != (catalogue.Revision{}) {
		base, err = s.reach(ctx, h, t)
	}
	if err != nil {
		if !unusable(err) {
			return head{}, nil, err
		}
		// The server has lost the leads of the head, or the head itself.
		base, step = s.known(), jump
		next, since = head{begun: t.now, name: base.name}, t.now
		if base.name.Log == h.name.Log {
			next.name.Number = max(base.name.Number, h.name.Number)
		}
	}
	if base.name == (catalogue.Revision{}) || next.name.Number+step > most {
		next = head{begun: t.now}
		next.name = catalogue.Revision{Log: rand.Uint64N(1<<63) + 1, Number: 1, Tag: rand.Uint64()}
		return next, nil, nil
	}
	d := changes.Between(base.leads, reading.Leads, told, flight.NewPace(ctx))
	if d.Empty() && base.unreadable == reading.Unreadable && next.name.Number == base.name.Number {
		return next, nil, nil
	}
	next.name.Number, next.name.Tag = next.name.Number+step, rand.Uint64()
	return next, &entry{begun: t.now, since: since, name: next.name, base: base.name, unreadable: reading.Unreadable, Difference: d}, nil
}

// storage is what remains to be stored after a reading is shared: all leads, if wanted, and
// where to say so.
type storage struct {
	turn    turn
	head    head
	text    string // of the head
	former  whole  // what the head before said is stored
	reading catalogue.Reading
	wanted  bool
}

// put stores all leads, and says so in the head, whoever has changed that meanwhile and
// whoever has the lease.
func (s *Source) put(rest storage) error {
	if !rest.wanted && (rest.text == "" || s.store.complete(rest.head)) {
		return nil
	}
	w, err := s.store.store(rest.reading, rest.head.name.Log, whole{
		number: rest.head.name.Number, tag: rest.head.name.Tag, stored: rest.turn.now,
	}, s.opts.Keep)
	if err != nil {
		return err
	}
	for h, text := rest.head, rest.text; ; {
		next := h
		next.whole, next.added = w, 0
		did, stored, _, err := s.store.advance(move{lease: anyLease, before: text, next: next, keep: s.opts.Keep})
		switch {
		case err != nil:
			return err
		case did == done:
			if old, err := s.store.parseHead(stored); err == nil && old.whole != w { // without scripts, it is the text before
				rest.former = old.whole
			}
			s.store.retire(rest.former)
			return nil
		}
		text = stored
		h, err = s.store.parseHead(text)
		if err != nil || did != behind || h.name.Log != rest.head.name.Log || h.whole.number > w.number {
			s.store.retire(w)
			return err
		}
	}
}
