package catalogue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// The pause after a failed refresh doubles from the first to the longest. The
// platform's own wish for a longer pause is heard up to the longest.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

var (
	errClosed     = &lead.SourceError{Kind: lead.FailureUnavailable, Err: errors.New("catalogue is closed")}
	errIncomplete = &lead.SourceError{Kind: lead.FailureBadResponse, Err: errors.New("the end of the list of leads was not reached")}
)

// held is the published snapshot.
type held struct {
	*Snapshot
	number   uint64        // of the refresh that read it
	freshFor time.Duration // the TTL with jitter
}

// refresh is one reading of all leads. Refreshes count from 1.
type refresh struct {
	*flight.Flight[outcome]
	number uint64
	// NotBefore is a moment before which none of its leads were read. The source
	// may have a copy that is older than the refresh.
	notBefore time.Time
}

type outcome struct {
	snapshot *Snapshot
	calls    int
}

// failure remembers why refreshes fail and until when none is tried.
type failure struct {
	err   error
	pause time.Duration
	until time.Time
}

func (c *Catalogue) demand(want lead.Freshness) lead.Demand {
	c.mu.Lock()
	defer c.mu.Unlock()
	return lead.NewDemand(want, c.refresh.number)
}

// step is what a request does next: board a refresh, await the end of one that
// is of no use to it, or else answer.
type step struct {
	board *flight.Flight[outcome]
	first bool // the request caused the refresh that it boards
	await <-chan struct{}

	snapshot *Snapshot
	state    State
	err      error
}

func (c *Catalogue) plan(ctx context.Context, need lead.Demand) step {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().UTC()
	running := c.refresh.Flight != nil && !c.refresh.Over()
	paused := now.Before(c.failure.until)
	switch servable, fresh := c.servable(need, now); {
	case c.life.Err() != nil:
		return step{err: errClosed}
	case servable:
		if !fresh && !running && !paused {
			c.begin(ctx, need, now)
		}
		return step{snapshot: c.held.Snapshot, state: State{Stale: !fresh && c.failure.err != nil}}
	case running && need.MetBy(c.refresh.number, c.refresh.notBefore) && c.refresh.Join():
		return step{board: c.refresh.Flight}
	case running:
		return step{await: c.refresh.Done}
	case !paused || need.NoCache:
		c.begin(ctx, need, now)
		return step{board: c.refresh.Flight, first: true}
	case c.lastResort(need, now):
		return step{snapshot: c.held.Snapshot, state: State{Stale: true}}
	default:
		return step{err: c.failure.err}
	}
}

// servable tells whether the held snapshot answers a request without waiting,
// and whether it does so without another being read in the background.
func (c *Catalogue) servable(need lead.Demand, now time.Time) (servable, fresh bool) {
	if c.held.Snapshot == nil || !need.MetBy(c.held.number, c.held.asOf) {
		return false, false
	}
	age := now.Sub(c.held.asOf)
	fresh = age <= c.held.freshFor || c.held.number > need.Seen
	return fresh || age <= c.held.freshFor+c.opts.StaleWhileRevalidate, fresh
}

// lastResort tells whether the held snapshot may stand in for one that could not
// be read. To whom the platform denies its leads, old ones are denied too.
func (c *Catalogue) lastResort(need lead.Demand, now time.Time) bool {
	return c.held.Snapshot != nil && !need.NoCache && need.NotBefore.IsZero() && !denied(c.failure.err) &&
		now.Sub(c.held.asOf) <= c.opts.StaleIfError
}

// denied tells whether the platform itself refused access: not its token
// endpoint, where it may be the secret that is out of date.
func denied(err error) bool {
	source, ok := errors.AsType[*lead.SourceError](err)
	return ok && source.Kind == lead.FailureAuth && source.Status != 0
}

// begin starts a refresh; none may be running. A caller who does not wait for it
// keeps the first seat taken, so that the refresh goes on whoever leaves.
func (c *Catalogue) begin(ctx context.Context, need lead.Demand, now time.Time) {
	r := refresh{number: c.refresh.number + 1, notBefore: c.worthwhile(need, now)}
	r.Flight = flight.Start(c.life, ctx, c.opts.RefreshTimeout, func(ctx context.Context) (outcome, error) {
		return c.read(ctx, r.number, now, r.notBefore)
	})
	c.refresh = r
}

// worthwhile says since when leads must have been read to be worth a refresh:
// they meet the demand, are fresh, and are newer than those held.
func (c *Catalogue) worthwhile(need lead.Demand, now time.Time) time.Time {
	if need.NoCache {
		return now // meets all who wait for this refresh, not just the first
	}
	since := now.Add(-c.opts.TTL)
	if since.Before(need.NotBefore) {
		since = need.NotBefore
	}
	if c.held.Snapshot != nil && !c.held.asOf.Before(since) {
		since = c.held.asOf.Add(1)
	}
	return since
}

func (c *Catalogue) read(ctx context.Context, number uint64, begun, notBefore time.Time) (outcome, error) {
	var got outcome
	snapshot, err := flight.Guard(func() (*Snapshot, error) {
		reading, err := c.source.AllLeads(ctx, notBefore)
		got.calls = reading.Calls
		if err != nil {
			return nil, err
		}
		if !reading.Complete {
			return nil, errIncomplete
		}
		c.mu.Lock()
		previous := c.held.Snapshot
		c.mu.Unlock()
		return Build(reading.Leads, reading.began(begun), previous), nil
	})
	if err != nil {
		err = c.failed(ctx, err)
		c.opts.OnRefresh(time.Since(begun), got.calls, err)
		return got, err
	}
	got.snapshot = snapshot
	c.opts.OnRefresh(time.Since(begun), got.calls, nil)
	c.publish(held{Snapshot: snapshot, number: number, freshFor: c.spread(c.opts.TTL)})
	c.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "catalogue refreshed",
		slog.Int("leads", snapshot.Len()), slog.Int("calls", got.calls), slog.Duration("took", time.Since(begun)))
	return got, nil
}

// began is when the leads were read. A moment still to come, by a clock that
// differs, would make them look fresh for too long.
func (r Reading) began(called time.Time) time.Time {
	if r.AsOf.IsZero() {
		return called
	}
	if now := time.Now(); r.AsOf.After(now) {
		return now.UTC()
	}
	return r.AsOf.UTC()
}

func (c *Catalogue) publish(fresh held) {
	c.mu.Lock()
	c.held, c.failure = fresh, failure{}
	c.mu.Unlock()
	c.opts.OnPublish(fresh.Snapshot)
}

// failed notes why a refresh failed and when the next may be tried. A refresh
// that was cancelled says nothing about the platform.
func (c *Catalogue) failed(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	err = flight.Failure(err)
	var wish time.Duration
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		wish = source.RetryAfter
	}
	c.mu.Lock()
	pause := min(max(firstPause, 2*c.failure.pause), longestPause)
	delay := c.spread(max(pause, min(wish, longestPause)))
	c.failure = failure{err: err, pause: pause, until: time.Now().Add(delay)}
	c.mu.Unlock()
	c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "catalogue refresh failed",
		slog.Any("error", err), slog.Duration("pause", delay))
	return err
}

// spread varies a duration by the jitter.
func (c *Catalogue) spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 + c.opts.Jitter*(2*c.opts.Rand()-1)))
}
