package share

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

// pollInterval is the mean interval at which a replica checks whether another one
// has finished reading. Reading all leads takes seconds.
const pollInterval = 50 * time.Millisecond

// Source returns a source that shares reads between replicas: one replica reads from
// next, and the others load its leads. A replica reads itself only if no other one
// has read recently or is reading. Use one source for each catalogue. Leads are kept
// for other replicas for the duration keep, which should be the catalogue's TTL.
//
// A replica that waits for another one starts to read by itself after half of the time
// that is left to the request that caused the read, or to its context if that is less.
// Errors come from next only.
func (s *Store) Source(next catalogue.Source, keep time.Duration) catalogue.Source {
	return &source{store: s, next: next, keep: keep}
}

type source struct {
	store *Store
	next  catalogue.Source
	keep  time.Duration

	mu   sync.Mutex
	last loaded
}

// loaded is the generation of leads that was loaded last. Its date is computed only
// once. Computed again it would differ by the duration of the call, and leads that
// the caller already has could appear newer.
type loaded struct {
	generation string
	asOf       time.Time
}

// AllLeads implements lead.Source.
func (s *source) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	shared, turn := s.await(ctx, notBefore)
	if shared != nil {
		return *shared, nil
	}
	result := make(chan catalogue.Reading, 1)
	defer close(result)
	if turn.does != "" {
		s.store.background(func() { s.serve(turn, result) })
	}
	begun := time.Now()
	reading, err := s.next.AllLeads(ctx, notBefore)
	if reading.AsOf.IsZero() {
		reading.AsOf = begun
	}
	if err == nil && reading.Complete {
		result <- reading
	}
	return reading, err
}

// await returns leads that another replica has read, after waiting for it if
// necessary. Otherwise it returns nil and the turn to read with. The zero turn means
// to read and share nothing.
func (s *source) await(ctx context.Context, notBefore time.Time) (*catalogue.Reading, turn) {
	patience, cancel := halfOf(ctx)
	defer cancel()
	useless, name := s.useless(notBefore), rand.Text()
	failures := 0
	for {
		asked := time.Now()
		next, err := s.store.look(asked.Sub(notBefore), useless, name)
		switch {
		case err != nil:
			return nil, turn{}
		case next.does == found:
			m, err := s.store.parseManifest(next.text)
			if err == nil {
				var reading catalogue.Reading
				if reading, err = s.store.load(ctx, m); err == nil {
					age := time.Duration(next.now-m.begun) * time.Microsecond
					reading.AsOf = s.dated(m.generation, asked.Add(-age))
					return &reading, turn{}
				}
			}
			s.store.complain(err)
			if failures++; failures == maxFailures {
				next.does = apart
				return nil, next
			}
			useless = generationOf(next.text)
		case next.does == wait:
			select {
			case <-time.After(jittered(pollInterval)):
			case <-patience.Done():
				next.does = apart
				return nil, next
			}
		default:
			return nil, next
		}
	}
}

// maxFailures is how many manifests a read tries whose leads cannot be used.
const maxFailures = 3

// generationOf returns the generation in the text of a manifest as the scripts find it.
func generationOf(text string) string {
	_, rest, _ := strings.Cut(text, " ")
	generation, _, _ := strings.Cut(rest, " ")
	return generation
}

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

// useless returns the generation that was loaded last if it is older than notBefore.
func (s *source) useless(notBefore time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.asOf.Before(notBefore) {
		return s.last.generation
	}
	return ""
}

// dated returns when reading a generation began. It remembers the first time given
// for the generation.
func (s *source) dated(generation string, asOf time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.generation != generation {
		s.last = loaded{generation, asOf}
	}
	return s.last.asOf
}

// serve renews the lease while the leads are read, publishes the leads, and releases
// the lease. If reading fails, the reader closes result without sending leads.
func (s *source) serve(t turn, result <-chan catalogue.Reading) {
	if t.does == leased {
		defer s.store.release(t.text)
	}
	renewal := time.NewTicker(s.store.opts.LeaseTTL / 3)
	defer renewal.Stop()
	for {
		select {
		case <-renewal.C:
			if t.does == leased {
				s.store.renew(t.text)
			}
		case reading, read := <-result:
			if read {
				s.store.complain(s.store.publish(reading, t.now, s.keep))
			}
			return
		case <-s.store.life.Done():
			return
		}
	}
}
