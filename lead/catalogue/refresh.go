package catalogue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// The pause after a failed refresh doubles from the first to the longest. A
// longer pause that the platform asks for is respected up to the longest.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

var (
	errClosed     = &lead.SourceError{Kind: lead.FailureUnavailable, Err: errors.New("catalogue is closed")}
	errReading    = fmt.Errorf("the leads are still being read: %w", context.DeadlineExceeded)
	errIncomplete = &lead.SourceError{Kind: lead.FailureBadResponse, Err: errors.New("the end of the list of leads was not reached")}
)

// current is the latest published snapshot; its Snapshot is nil if there is none.
type current struct {
	*Snapshot
	number   uint64        // of the refresh that read it
	freshFor time.Duration // the TTL with jitter
}

// refresh is one read of all leads. Refreshes are numbered from 1.
type refresh struct {
	*flight.Flight[outcome] // nil before the first refresh
	number                  uint64
	// notBefore is a moment before which none of its leads were read. It may be
	// earlier than the start of the refresh, because the source may have a copy.
	notBefore time.Time
	begun     time.Time
}

func (r refresh) running() bool { return r.Flight != nil && !r.Ended() }

// outcome is the result of a refresh.
type outcome struct {
	snapshot *Snapshot
	calls    int
}

// failure is why refreshes fail, and until when none is started.
type failure struct {
	err   error
	pause time.Duration
	until time.Time
}

// demand returns what a request accepts. insists reports whether it is an order to read,
// which may be carried out although a refresh has failed.
func (c *Catalogue) demand(want lead.Freshness) (need lead.Demand, insists bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	interval := c.interval()
	need = lead.NewDemand(want.Granted(interval), c.refresh.number)
	return need, need.NoCache || want.NoCache && time.Since(c.refresh.begun) >= interval
}

// interval returns how old leads may be that count as fresh against a client's wish.
func (c *Catalogue) interval() time.Duration {
	if c.opts.NoCacheInterval == 0 {
		return 0
	}
	return max(c.opts.NoCacheInterval, 2*c.took)
}

// decision is what a request does next. It waits for the refresh that it has
// joined, or awaits the end of a refresh whose result it cannot use, or returns
// the answer.
type decision struct {
	join  *flight.Flight[outcome]
	first bool // the request started the refresh that it has joined
	await *flight.Flight[outcome]

	snapshot *Snapshot
	state    State
	err      error
}

func (c *Catalogue) decide(ctx context.Context, need lead.Demand, insists bool) decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().UTC()
	running := c.refresh.running()
	paused := now.Before(c.failure.until)
	switch servable, fresh := c.servable(need, now); {
	case c.life.Err() != nil:
		return decision{err: errClosed}
	case servable:
		if !fresh && !running && !paused {
			c.begin(ctx, need, now)
		}
		failing := c.failure.err != nil
		return decision{snapshot: c.current.Snapshot, state: State{Stale: !fresh && failing, Revalidating: !fresh && !failing}}
	case running && need.MetBy(c.refresh.number, c.refresh.notBefore) && c.refresh.Join():
		return decision{join: c.refresh.Flight}
	case running:
		return decision{await: c.refresh.Flight}
	case !paused || insists:
		c.begin(ctx, need, now)
		c.refresh.Join()
		return decision{join: c.refresh.Flight, first: true}
	case c.lastResort(need, now):
		return decision{snapshot: c.current.Snapshot, state: State{Stale: true}}
	default:
		return decision{err: c.failure.err}
	}
}

// servable reports whether the current snapshot answers a request without
// waiting, and whether it is so fresh that no refresh is needed in the background.
func (c *Catalogue) servable(need lead.Demand, now time.Time) (servable, fresh bool) {
	if c.current.Snapshot == nil || !need.MetBy(c.current.number, c.current.asOf) {
		return false, false
	}
	age := now.Sub(c.current.asOf)
	fresh = age <= c.current.freshFor || c.current.number > need.Seen
	return fresh || age <= c.current.freshFor+c.opts.StaleWhileRevalidate, fresh
}

// lastResort reports whether the current snapshot may answer a request whose
// refresh failed. Once the platform has denied access, old leads are not served
// either.
func (c *Catalogue) lastResort(need lead.Demand, now time.Time) bool {
	return c.current.Snapshot != nil && !need.NoCache && need.NotBefore.IsZero() && !lead.Denied(c.failure.err) && !c.opts.Denied() &&
		now.Sub(c.current.asOf) <= c.opts.StaleIfError
}

// begin starts a refresh that reads from the source.
func (c *Catalogue) begin(ctx context.Context, need lead.Demand, now time.Time) {
	notBefore := c.worthwhile(need, now)
	c.start(ctx, notBefore, now, func(ctx context.Context) (Reading, error) { return c.source.AllLeads(ctx, notBefore) })
}

// start starts a refresh; none may be running. Nobody gives up the first seat, so the
// refresh goes on even if all requests that wait for it leave: a platform slower than
// its clients' patience would otherwise never deliver.
func (c *Catalogue) start(ctx context.Context, notBefore, now time.Time, read func(context.Context) (Reading, error)) {
	r := refresh{number: c.refresh.number + 1, notBefore: notBefore, begun: now}
	r.Flight = flight.Start(c.life, ctx, c.opts.RefreshTimeout, func(ctx context.Context) (outcome, error) {
		return c.read(ctx, r.number, now, read)
	})
	c.refresh = r
}

// Adopt replaces the snapshot by a reading that another replica has made, if read returns
// one that is newer. Refreshes that run are awaited, and only one call reads at a time: others
// find the snapshot that it has published. Adopt returns when the snapshot is published, or
// ctx has ended.
func (c *Catalogue) Adopt(ctx context.Context, read func(context.Context) (reading Reading, newer bool)) {
	select {
	case c.adopting <- struct{}{}:
		defer func() { <-c.adopting }()
	case <-ctx.Done():
		return
	}
	for busy := true; busy; {
		if c.settle(ctx) != nil {
			return
		}
		reading, newer := read(ctx)
		if !newer {
			return
		}
		var adoption *flight.Flight[outcome]
		if adoption, busy = c.adopt(ctx, reading); adoption != nil {
			_ = adoption.Outlast(flight.Unhurried(ctx)) // it goes on in any case
		}
	}
}

// settle waits until no refresh runs, or returns the error of ctx.
func (c *Catalogue) settle(ctx context.Context) error {
	c.mu.Lock()
	last := c.refresh
	c.mu.Unlock()
	if last.Flight == nil {
		return nil
	}
	return last.Outlast(flight.Unhurried(ctx))
}

// adopt begins to publish a reading, unless the snapshot is as new. It reports whether a
// refresh has begun meanwhile.
func (c *Catalogue) adopt(ctx context.Context, reading Reading) (adoption *flight.Flight[outcome], busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refresh.running() {
		return nil, true
	}
	if c.life.Err() != nil || c.current.Snapshot != nil && !reading.AsOf.After(c.current.asOf) {
		return nil, false
	}
	c.start(ctx, reading.AsOf, time.Now().UTC(), func(context.Context) (Reading, error) { return reading, nil })
	return c.refresh.Flight, false
}

// worthwhile returns the moment since which leads must have been read to be worth
// a refresh: they must meet the demand, be fresh, and be newer than the current
// snapshot.
func (c *Catalogue) worthwhile(need lead.Demand, now time.Time) time.Time {
	if need.NoCache {
		return now // so that the result meets every request that waits for it
	}
	since := now.Add(-c.opts.TTL)
	if since.Before(need.NotBefore) {
		since = need.NotBefore
	}
	if c.current.Snapshot != nil && !c.current.asOf.Before(since) {
		since = c.current.asOf.Add(1)
	}
	return since
}

func (c *Catalogue) read(ctx context.Context, number uint64, begun time.Time, from func(context.Context) (Reading, error)) (outcome, error) {
	var got outcome
	snapshot, err := flight.Guard(func() (*Snapshot, error) {
		reading, err := from(ctx)
		got.calls = reading.Calls
		if err != nil {
			return nil, err
		}
		if !reading.Complete {
			return nil, errIncomplete
		}
		previous := c.Current(ctx)
		asOf := reading.began(begun)
		pace := flight.NewPace(ctx)
		s := build(adopted(reading.Leads, asOf, previous, pace), asOf, previous, pace)
		s.unreadable, s.revision = reading.Unreadable, reading.Revision
		return s, nil
	})
	if err != nil {
		err = c.failed(ctx, err)
		c.opts.OnRefresh(time.Since(begun), got.calls, err)
		return got, err
	}
	got.snapshot = snapshot
	c.opts.OnRefresh(time.Since(begun), got.calls, nil)
	c.publish(ctx, current{Snapshot: snapshot, number: number, freshFor: c.vary(c.opts.TTL)}, time.Since(begun))
	c.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "catalogue refreshed",
		slog.Int("leads", snapshot.Len()), slog.Int("unreadable", snapshot.Unreadable()), slog.Int("calls", got.calls), slog.Duration("took", time.Since(begun)))
	return got, nil
}

// began returns when reading the leads began. Another replica's clock may give a
// time in the future, which would make the leads look fresh for too long; the
// present replaces it.
func (r Reading) began(called time.Time) time.Time {
	if r.AsOf.IsZero() {
		return called
	}
	if now := time.Now(); r.AsOf.After(now) {
		return now.UTC()
	}
	return r.AsOf.UTC()
}

func (c *Catalogue) publish(ctx context.Context, latest current, took time.Duration) {
	c.mu.Lock()
	c.current, c.failure, c.took = latest, failure{}, took
	c.mu.Unlock()
	c.opts.OnPublish(ctx, latest.Snapshot)
}

// failed notes why a refresh failed and when the next one may start. A cancelled
// refresh says nothing about the platform.
func (c *Catalogue) failed(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	err = flight.AsFailure(err)
	var requested time.Duration
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		requested = source.RetryAfter
	}
	c.mu.Lock()
	pause := min(max(firstPause, 2*c.failure.pause), longestPause)
	delay := c.vary(max(pause, min(requested, longestPause)))
	c.failure = failure{err: err, pause: pause, until: time.Now().Add(delay)}
	c.mu.Unlock()
	c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "catalogue refresh failed",
		slog.Any("error", err), slog.Duration("pause", delay))
	return err
}

// vary changes a duration at random within the jitter.
func (c *Catalogue) vary(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 + c.opts.Jitter*(2*c.opts.Rand()-1)))
}
