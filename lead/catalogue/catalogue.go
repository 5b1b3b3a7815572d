package catalogue

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"leadgraph/lead"
)

// Source reads all leads.
type Source interface {
	// AllLeads returns every lead in the platform's order. Leads whose reading
	// began before NotBefore, as a copy may have, are of no use to the caller. Its
	// errors are *SourceError; the reading then counts the calls only.
	AllLeads(ctx context.Context, notBefore time.Time) (Reading, error)
}

// Reading is what a Source read.
type Reading struct {
	Leads []*lead.Lead
	// Complete is false when leads may be missing from the end of the list.
	Complete bool
	// Calls is the number of requests to the platform.
	Calls int
	// AsOf is when reading the leads began; zero means with the call of AllLeads.
	AsOf time.Time
}

// Options say how old a catalogue's data may be. Ages count from the
// moment at which reading began.
type Options struct {
	// TTL is how long a snapshot is fresh.
	TTL time.Duration
	// StaleWhileRevalidate is how much longer it is served while another is read
	// in the background.
	StaleWhileRevalidate time.Duration
	// StaleIfError is up to which age it is served when the platform fails.
	StaleIfError time.Duration
	// RefreshTimeout bounds one reading of all leads; 0 means DefaultRefreshTimeout.
	RefreshTimeout time.Duration
	// Jitter spreads TTL and back-off by this share to both sides, so that
	// replicas do not refresh in step; 0.1 is ±10 %.
	Jitter float64
	// Rand returns numbers in [0, 1); nil means those of math/rand.
	Rand func() float64
	// OnPublish is told of every new snapshot before the callers who wait for it
	// are; nil means nobody is. It must return soon.
	OnPublish func(*Snapshot)
	// OnRefresh is told of every reading of all leads: how long it took, how many
	// requests to the platform, and its error, which is context.Canceled if it was
	// given up. Nil means nobody is. It must return soon.
	OnRefresh func(took time.Duration, calls int, err error)
	// Logger is told of refreshes, without lead data; nil means none.
	Logger *slog.Logger
}

// DefaultRefreshTimeout leaves a slow platform time for tens of large pages.
const DefaultRefreshTimeout = 2 * time.Minute

// State says how a snapshot was come by.
type State struct {
	// Stale is true for a snapshot that would have been replaced by now, had the
	// platform not failed.
	Stale bool
	// Calls is the number of requests to the platform that this request caused
	// and waited for. Others who waited for the same refresh count none.
	Calls int
	// FromCache is true if the request did not wait.
	FromCache bool
}

// Catalogue keeps a snapshot of all leads as fresh as its callers need it. It
// reads nothing until somebody asks, and runs one refresh at a time however many
// ask. It is safe for concurrent use.
type Catalogue struct {
	source Source
	opts   Options
	life   context.Context // ends with Close; refreshes outlive requests
	end    context.CancelFunc

	mu      sync.Mutex
	held    held
	refresh refresh // the last one that was begun
	failure failure // since the last success
}

// New makes a catalogue that reads from source. Close it after use.
func New(source Source, opts Options) *Catalogue {
	if opts.RefreshTimeout == 0 {
		opts.RefreshTimeout = DefaultRefreshTimeout
	}
	if opts.Rand == nil {
		opts.Rand = rand.Float64
	}
	if opts.OnPublish == nil {
		opts.OnPublish = func(*Snapshot) {}
	}
	if opts.OnRefresh == nil {
		opts.OnRefresh = func(time.Duration, int, error) {}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Catalogue{source: source, opts: opts}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// Close stops the refresh under way and returns when it has ended. Requests for
// a snapshot fail from then on.
func (c *Catalogue) Close() {
	c.mu.Lock()
	c.end()
	last := c.refresh
	c.mu.Unlock()
	if last.Flight != nil {
		<-last.Done
	}
}

// Warm reads the leads if that was not done yet.
func (c *Catalogue) Warm(ctx context.Context) error {
	_, _, err := c.Snapshot(ctx, lead.Freshness{})
	return err
}

// Failing tells whether the last attempt to read all leads failed.
func (c *Catalogue) Failing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure.err != nil
}

// Snapshot returns all leads, as fresh as wanted.
//
// Up to the TTL a snapshot is served as it is, then for StaleWhileRevalidate at
// once with a refresh in the background, then after a refresh. If that fails, the
// last snapshot is served up to the age StaleIfError, but not to a request that
// bounds the age, nor after the platform has denied access: who refuses old data,
// and who may have no data, gets the error. A refresh that has not
// ended when four fifths of the request's time are over counts as failed. After a failure there is
// no further attempt for 1 s, growing to 30 s, except for NoCache; meanwhile the
// failure counts as that of the attempt that would have been made.
//
// The error is that of ctx, a *SourceError or a *PanicError.
func (c *Catalogue) Snapshot(ctx context.Context, want lead.Freshness) (*Snapshot, State, error) {
	need := c.demand(want)
	for waited := false; ; waited = true {
		next := c.plan(ctx, need)
		switch {
		case next.board != nil:
			// A platform that is slower than its clients' patience would never get
			// its leads read, if each of them took the reading along.
			patience, cancel := c.patience(ctx, need)
			got, err := next.board.WaitOrLetFinish(patience)
			cancel()
			state := State{}
			if next.first {
				state.Calls = got.calls
			}
			if err == nil {
				return got.snapshot, state, nil
			}
			return c.missed(ctx, need, state, err)
		case next.await != nil:
			select {
			case <-next.await:
			case <-ctx.Done():
				return nil, State{}, ctx.Err()
			}
		default:
			next.state.FromCache = !waited
			return next.snapshot, next.state, next.err
		}
	}
}

// patience is how long a request waits for a refresh: as long as it may, or
// short of that if it can then be answered from the last snapshot.
func (c *Catalogue) patience(ctx context.Context, need lead.Demand) (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	deadline, bounded := ctx.Deadline()
	if !bounded || !c.lastResort(need, now) {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-deadline.Sub(now)/5))
}

// missed answers a request whose refresh gave no snapshot.
func (c *Catalogue) missed(ctx context.Context, need lead.Demand, state State, err error) (*Snapshot, State, error) {
	if ctx.Err() != nil {
		return nil, State{}, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return nil, state, errClosed
	}
	if !c.lastResort(need, time.Now()) {
		return nil, state, err
	}
	if errors.Is(err, context.DeadlineExceeded) { // else the refresh says itself why it failed
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "catalogue refresh outlasts a request", slog.Time("asOf", c.held.asOf))
	}
	state.Stale = true
	return c.held.Snapshot, state, nil
}

// Traffic is what goes on at the catalogue.
type Traffic struct {
	Running bool // all leads are being read
	Useful  bool // and the request can use them
}

// Traffic is what a request finds at the catalogue. It is a guess: the refresh
// under way may have begun too early for the request, which then takes another.
func (c *Catalogue) Traffic(want lead.Freshness) Traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := c.refresh.Flight != nil && !c.refresh.Over()
	return Traffic{Running: running, Useful: running && !want.NoCache}
}
