package share

import (
	"context"
	"crypto/rand"
	"strconv"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/flight"
)

// pollInterval is the mean interval at which a replica checks whether another one
// has finished reading. Reading all leads takes seconds.
const pollInterval = 50 * time.Millisecond

// SourceOptions configures a Source.
type SourceOptions struct {
	// Keep is how long leads and revisions are kept for other replicas at least, even if
	// nobody reads. It should be the longer of the catalogue's TTL and the retention of
	// changes.
	Keep time.Duration
	// MaxBytes bounds the revisions that are kept, in bytes; 0 means
	// changes.DefaultMaxBytes.
	MaxBytes int64
	// Latest returns the snapshot that was made of the last reading, or nil. A replica
	// that has it needs only the revisions that follow. Nil means that there is none.
	Latest func() *catalogue.Snapshot
}

// Source returns a source that shares reads between replicas: one replica reads from
// next, and the others load what has changed. A replica reads itself only if no other one
// has read recently or is reading. Use one source for each catalogue.
//
// A replica that waits for another one starts to read by itself after half of the time
// that is left to the request that caused the read, or to its context if that is less.
// Errors come from next only.
func (s *Store) Source(next catalogue.Source, o SourceOptions) *Source {
	if o.MaxBytes == 0 {
		o.MaxBytes = changes.DefaultMaxBytes
	}
	if o.Latest == nil {
		o.Latest = func() *catalogue.Snapshot { return nil }
	}
	return &Source{store: s, next: next, opts: o}
}

// Source is a source of a catalogue and the history of its log. It is safe for concurrent
// use.
type Source struct {
	store *Store
	next  catalogue.Source
	opts  SourceOptions

	mu      sync.Mutex
	last    dated
	named   *catalogue.Snapshot // the last one with a revision
	reached list                // by prepare, while a reading goes on
	steps   []changes.Step      // that were decoded or issued last
	told    map[string]struct{} // leads that the next revision tells; see changes.Log.Unsettle
	spoilt  string              // the text of a head whose leads cannot be used
}

var (
	_ catalogue.Source = (*Source)(nil)
	_ changes.History  = (*Source)(nil)
)

// dated is the reading that was shared last. Its date is computed only once. Computed again
// it would differ by the duration of the call, and leads that the caller already has could
// appear newer.
type dated struct {
	begun int64 // by the server's clock
	asOf  time.Time
}

// AllLeads implements catalogue.Source. The reading has a revision if it is shared.
func (s *Source) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	shared, turn := s.await(ctx, notBefore)
	if shared != nil {
		return *shared, nil
	}
	result := make(chan storage, 1)
	defer close(result)
	if turn.does != "" {
		s.store.background(func() { s.serve(turn, result) })
		ctx = s.prepare(ctx, turn)
		defer s.setReached(list{})
	}
	begun := time.Now()
	reading, err := s.next.AllLeads(ctx, notBefore)
	if reading.AsOf.IsZero() {
		reading.AsOf = begun
	}
	if err == nil && reading.Complete && turn.does != "" {
		var rest storage
		reading, rest = s.share(ctx, turn, reading)
		result <- rest
	}
	return reading, err
}

// await returns leads that another replica has read, after waiting for it if
// necessary. Otherwise it returns nil and the turn to read with. The zero turn means
// to read and share nothing.
func (s *Source) await(ctx context.Context, notBefore time.Time) (*catalogue.Reading, turn) {
	patience, cancel := halfOf(ctx)
	defer cancel()
	useless, name := s.useless(notBefore), rand.Text()
	failures, failed := 0, ""
	for {
		asked := time.Now()
		next, err := s.store.look(asked.Sub(notBefore), useless, failed, name, s.known().name.Log)
		next.asked = asked
		switch {
		case err != nil:
			return nil, turn{}
		case next.does == found:
			h, err := s.store.parseHead(next.head)
			if err == nil {
				var reading catalogue.Reading
				if reading, err = s.take(ctx, h, next); err == nil {
					return &reading, turn{}
				}
			}
			s.store.complain(err)
			if failures++; failures == maxFailures {
				next.does = apart
				return nil, next
			}
			failed = next.head
		case next.does == wait:
			select {
			case <-time.After(jittered(pollInterval)):
			case <-patience.Done():
				next.does = apart
				return nil, next
			}
		default:
			if next.head != "" && next.head != failed {
				_, err := s.store.parseHead(next.head)
				s.store.complain(err)
			}
			return nil, next
		}
	}
}

// maxFailures is how many heads a read tries whose leads cannot be used.
const maxFailures = 3

// halfOf returns a context with half of the time left to ctx and to the request that
// caused the read. A refresh may last longer than that request, which would otherwise
// get nothing.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	left := catalogue.DefaultRefreshTimeout
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	if deadline, ok := flight.CauseDeadline(ctx); ok {
		left = min(left, time.Until(deadline))
	}
	return context.WithTimeout(ctx, left/2)
}

// useless returns the time of the reading that was shared last if it is older than
// notBefore.
func (s *Source) useless(notBefore time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.asOf.Before(notBefore) && s.last.begun > 0 {
		return strconv.FormatInt(s.last.begun, 10)
	}
	return ""
}

// date returns when a reading began. It remembers the first time given for it. Later
// readings have later times, also if the time between two is shorter than a call.
func (s *Source) date(begun int64, asOf time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = dated{begun, s.last.date(begun, asOf)}
	return s.last.asOf
}

func (d dated) date(begun int64, asOf time.Time) time.Time {
	switch {
	case d.begun == begun:
		return d.asOf
	case d.begun < begun && !asOf.After(d.asOf):
		return d.asOf.Add(1)
	}
	return asOf
}

// take returns the leads of a head. The turn says what time it is.
func (s *Source) take(ctx context.Context, h head, t turn) (catalogue.Reading, error) {
	got, err := s.reach(ctx, h, t)
	if err != nil {
		return catalogue.Reading{}, err
	}
	reading := catalogue.Reading{Leads: got.leads, Unreadable: got.unreadable, Complete: true, Revision: h.name}
	reading.AsOf = s.date(h.begun, t.moment(h.begun))
	// The catalogue dates what it gets, and these may belong to a snapshot.
	pace := flight.NewPace(ctx)
	reading.Leads = make([]*lead.Lead, len(got.leads))
	for i, l := range got.leads {
		pace.Step()
		reading.Leads[i] = lead.Renewed(l, time.Time{})
	}
	return reading, nil
}

// Newer returns the leads that replicas share if they are others than those of the latest
// snapshot, or newer. It takes one command if they are not. The server is not waited for.
func (s *Source) Newer(ctx context.Context) (reading catalogue.Reading, newer bool) {
	text, err := s.store.text("head", s.store.headKey(), maxHead)
	if err != nil || text == "" || s.isSpoilt(text) {
		return reading, false
	}
	h, err := s.store.parseHead(text)
	if err == nil && (h.name == catalogue.Revision{} || s.has(h)) {
		return reading, false
	}
	if err == nil {
		asked := time.Now()
		var now int64
		if now, err = s.store.clock(); err != nil || h.begun > now {
			return reading, false
		}
		t := turn{now: now, asked: asked}
		if s.outdated(h, t) {
			return reading, false
		}
		if reading, err = s.take(ctx, h, t); err == nil {
			return reading, true
		}
	}
	s.store.complain(err)
	if unusable(err) { // and not only late
		s.mu.Lock()
		defer s.mu.Unlock()
		s.spoilt = text
	}
	return reading, false
}

// outdated reports whether the latest snapshot is newer than a head: then the catalogue would
// not show its leads.
func (s *Source) outdated(h head, t turn) bool {
	latest := s.opts.Latest()
	if latest == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.last.date(h.begun, t.moment(h.begun)).After(latest.AsOf())
}

func (s *Source) isSpoilt(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spoilt == text
}

// has reports whether the latest snapshot shows the leads of a head, and is as new.
func (s *Source) has(h head) bool {
	latest := s.opts.Latest()
	s.mu.Lock()
	defer s.mu.Unlock()
	return latest != nil && latest.Revision() == h.name && s.last.begun == h.begun && !latest.AsOf().Before(s.last.asOf)
}

// serve renews the lease while the leads are read and shared, stores what remains to be
// stored, and releases the lease. If reading fails, the reader closes result without
// sending anything.
func (s *Source) serve(t turn, result <-chan storage) {
	if t.does == leased {
		defer s.store.release(s.store.leaseKey(), t.lease)
	}
	renewal := time.NewTicker(s.store.opts.LeaseTTL / 3)
	defer renewal.Stop()
	for {
		select {
		case <-renewal.C:
			if t.does == leased {
				s.store.renew(t.lease)
			}
		case rest := <-result:
			s.store.complain(s.put(rest))
			return
		case <-s.store.life.Done():
			return
		}
	}
}
