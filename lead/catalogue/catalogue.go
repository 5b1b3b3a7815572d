// Package catalogue keeps all leads in memory: dated, immutable snapshots with
// indexes for every filter, order and text search, and the catalogue that
// replaces its snapshot when callers need fresher leads.
package catalogue

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// Source reads all leads.
type Source interface {
	// AllLeads returns every lead in the platform's order. A source that keeps a
	// copy returns it only if reading the copy began at notBefore or later. Errors
	// are *SourceError; with an error, only the Calls of the Reading are used. The
	// catalogue sets when the leads were read, so nobody else may use them.
	AllLeads(ctx context.Context, notBefore time.Time) (Reading, error)
}

// Reading is the result of a Source.
type Reading struct {
	Leads []*lead.Lead
	// Unreadable is the number of rows that could not be read.
	Unreadable int
	// Complete is false if leads may be missing from the end of the list.
	Complete bool
	// Changed reports whether the list was seen to change while it was read. Leads may
	// then be missing.
	Changed bool
	// Pages is the number of pages that the leads were on; 0 if it is not known. Only
	// one page shows the list at one moment.
	Pages int
	// Calls is the number of requests to the platform.
	Calls int
	// AsOf is when reading the leads began. Zero means when AllLeads was called.
	AsOf time.Time
	// Revision is the name under which replicas share the leads; zero if they do not.
	Revision Revision
}

// Options sets how old a catalogue's data may be. Ages count from the moment at
// which reading began.
type Options struct {
	// TTL is how long a snapshot is fresh.
	TTL time.Duration
	// StaleWhileRevalidate is how much longer a snapshot is served while it is
	// refreshed in the background.
	StaleWhileRevalidate time.Duration
	// StaleIfError is the maximum age of a snapshot that is served because the
	// platform fails.
	StaleIfError time.Duration
	// ResortAge is the maximum age of a snapshot that LastResort returns.
	ResortAge time.Duration
	// NoCacheInterval is how old leads may be that count as fresh although a client
	// demands new ones; twice the duration of the last refresh if that is longer. 0
	// means lead.DefaultNoCacheInterval, a negative value none.
	NoCacheInterval time.Duration
	// Denied reports whether the platform's last answer to any read denied access. Old
	// leads are then not served. Nil means that only refreshes count.
	Denied func() bool
	// RefreshTimeout is the maximum duration of one refresh; 0 means
	// DefaultRefreshTimeout.
	RefreshTimeout time.Duration
	// Jitter varies the TTL and the pause after a failure by up to this fraction
	// in both directions, so that replicas do not refresh in step. 0.1 means ±10 %.
	Jitter float64
	// Rand returns numbers in [0, 1); nil means rand.Float64.
	Rand func() float64
	// OnPublish, if not nil, is called with every new snapshot before the requests
	// that wait for it continue. It must return quickly. The context is that of the
	// refresh.
	OnPublish func(context.Context, *Snapshot)
	// OnRefresh, if not nil, is called after every refresh with its duration, the
	// number of requests to the platform and its error. The error is
	// context.Canceled if the refresh was abandoned. It must return quickly.
	OnRefresh func(took time.Duration, calls int, err error)
	// Logger logs refreshes, without lead data; nil means no log.
	Logger *slog.Logger
}

// DefaultRefreshTimeout leaves a slow platform time for tens of large pages.
const DefaultRefreshTimeout = 2 * time.Minute

// State describes how a snapshot was obtained.
type State struct {
	// Stale is true if the snapshot would have been replaced by now, had the
	// platform not failed.
	Stale bool
	// Calls is the number of requests to the platform that this request caused
	// and waited for. It is 0 for other requests that waited for the same refresh.
	Calls int
	// FromCache is true if the request did not wait.
	FromCache bool
	// Revalidating is true if the snapshot is older than the TTL and a refresh has
	// started in the background.
	Revalidating bool
}

// Age says whether the snapshot is as fresh as promised.
func (s State) Age() lead.Age {
	switch {
	case s.Stale:
		return lead.AgeStale
	case s.Revalidating:
		return lead.AgeRevalidating
	}
	return lead.AgeFresh
}

// Catalogue keeps a snapshot of all leads as fresh as its callers need it. It
// reads nothing until the first request, and runs one refresh at a time however
// many requests wait for it. It is safe for concurrent use.
type Catalogue struct {
	source Source
	opts   Options
	life   context.Context // ends with Close; refreshes outlive requests
	end    context.CancelFunc
	// adopting holds one value while Adopt reads.
	adopting chan struct{}

	mu      sync.Mutex
	current current
	refresh refresh       // the latest one, running or not
	took    time.Duration // by the last successful refresh
	failure failure       // since the last success
	missing time.Time     // when AfterMiss last started a refresh
}

// New returns a catalogue that reads from source. Close it after use.
func New(source Source, opts Options) *Catalogue {
	opts.RefreshTimeout = cmp.Or(opts.RefreshTimeout, DefaultRefreshTimeout)
	opts.NoCacheInterval = max(cmp.Or(opts.NoCacheInterval, lead.DefaultNoCacheInterval), 0)
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	if opts.Denied == nil {
		opts.Denied = func() bool { return false }
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64
	}
	if opts.OnPublish == nil {
		opts.OnPublish = func(context.Context, *Snapshot) {}
	}
	if opts.OnRefresh == nil {
		opts.OnRefresh = func(time.Duration, int, error) {}
	}
	c := &Catalogue{source: source, opts: opts, adopting: make(chan struct{}, 1)}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// Close cancels a running refresh and returns when it has ended. Requests for a
// snapshot fail from then on.
func (c *Catalogue) Close() {
	c.mu.Lock()
	c.end()
	last := c.refresh
	c.mu.Unlock()
	if last.Flight != nil {
		<-last.Done()
	}
}

// Warm reads all leads if there is no snapshot yet.
func (c *Catalogue) Warm(ctx context.Context) error {
	_, _, err := c.Snapshot(ctx, lead.Freshness{})
	return err
}

// Current returns the current snapshot, however old it is, or nil if there is none.
// It reads nothing and does not use ctx.
func (c *Catalogue) Current(context.Context) *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Snapshot
}

// Failing reports whether the last refresh failed.
func (c *Catalogue) Failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure.err != nil
}

// Snapshot returns all leads, as fresh as wanted.
//
// Up to the TTL, it returns the current snapshot as it is. For
// StaleWhileRevalidate after that, it returns the current snapshot at once and
// starts a refresh in the background. After that, it waits for a refresh.
//
// If the refresh fails, Snapshot returns the current snapshot up to the age
// StaleIfError. It returns the error instead to a request that limits the age of
// its data, and to all requests after the platform has denied access. A refresh
// counts as failed for a request if it has not ended when four fifths of the
// request's time have passed. A request that cannot be answered otherwise waits longer,
// and is told to come back, with a FailureTimeout and RetryAfter, shortly before its time
// is over. The refresh goes on whoever leaves. After a failure the next attempt waits 1 s, growing
// to 30 s; until then, requests are answered as if that attempt had failed the
// same way. Only a request with NoCache starts an attempt sooner.
//
// If NoCache or MaxAge is a client's wish, leads that are at most NoCacheInterval old
// count as fresh, and an attempt after a failure is not sooner than that either.
//
// The error is that of ctx, a *lead.SourceError or a *flight.PanicError.
func (c *Catalogue) Snapshot(ctx context.Context, want lead.Freshness) (*Snapshot, State, error) {
	need, insists := c.demand(want)
	patient, cancel := c.patience(ctx, need)
	defer cancel()
	for waited := false; ; waited = true {
		next := c.decide(ctx, need, insists)
		switch {
		case next.join != nil:
			got, err := next.join.Wait(patient)
			state := State{}
			if next.first {
				state.Calls = got.calls
			}
			if err == nil {
				return got.snapshot, state, nil
			}
			return c.missed(ctx, need, state, err)
		case next.await != nil:
			if err := next.await.Outlast(patient); err != nil {
				return c.missed(ctx, need, State{}, err)
			}
		default:
			next.state.FromCache = !waited
			return next.snapshot, next.state, next.err
		}
	}
}

// LastResort returns the snapshot that may answer a request for which the platform failed
// to answer a page, or nil. It is not older than ResortAge. There is none once the
// platform has denied access. LastResort reads nothing and does not use ctx.
func (c *Catalogue) LastResort(context.Context) *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.Snapshot == nil || c.life.Err() != nil || lead.Denied(c.failure.err) || c.opts.Denied() ||
		time.Since(c.current.asOf) > c.opts.ResortAge {
		return nil
	}
	return c.current.Snapshot
}

// patience returns a context that bounds how long a request waits for a refresh: four
// fifths of its time if the current snapshot can answer the request afterwards, and
// otherwise nearly all of its time, so that the request still gets an error of ours.
func (c *Catalogue) patience(ctx context.Context, need lead.Demand) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastResort(need, time.Now()) {
		return flight.Patient(ctx)
	}
	deadline, bounded := ctx.Deadline()
	if !bounded || time.Until(deadline) <= 2*timeToTell {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-timeToTell))
}

// timeToTell is enough time to answer that a request must come back. A request that has
// hardly more waits to its end.
const timeToTell = 500 * time.Millisecond

// missed answers a request whose refresh gave no snapshot.
func (c *Catalogue) missed(ctx context.Context, need lead.Demand, state State, err error) (*Snapshot, State, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, State{}, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return nil, state, errClosed
	}
	late := errors.Is(err, context.DeadlineExceeded)
	if !c.lastResort(need, time.Now()) {
		if late && c.refresh.running() {
			err = &lead.SourceError{Kind: lead.FailureTimeout, RetryAfter: c.remaining(), Err: errReading}
		}
		return nil, state, err
	}
	if late { // otherwise the refresh logs why it failed
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "catalogue refresh takes longer than a request can wait", slog.Time("asOf", c.current.asOf))
	}
	state.Stale = true
	return c.current.Snapshot, state, nil
}

// remaining estimates how much longer the running refresh takes, from the duration of the
// last one. If there was none, it assumes that half of the work is done.
func (c *Catalogue) remaining() time.Duration {
	begun := time.Since(c.refresh.begun)
	left := c.took - begun
	if left <= 0 {
		left = begun
	}
	return min(max(left, firstPause), longestPause)
}

// Traffic describes a refresh under way, for a caller that may use the catalogue.
type Traffic struct {
	Running bool // a refresh is running
	Useful  bool // the request can use its result
}

// Traffic returns what a request would find at the catalogue. It is an estimate:
// a running refresh may have begun too early for the request, which then needs
// another one.
func (c *Catalogue) Traffic(want lead.Freshness) Traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := c.refresh.running()
	return Traffic{Running: running, Useful: running && !want.NoCache}
}
