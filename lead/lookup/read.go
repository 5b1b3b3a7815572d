package lookup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

var errLookupsClosed = &lead.SourceError{Kind: lead.FailureUnavailable, Err: errors.New("lookups are closed")}

// read is one reading of a tenant's leads. Reads count from 1.
type read struct {
	*flight.Flight[remembered]
	number uint64
	begun  time.Time
}

// fromPlatform reads the tenants at the places, in the way that is expected to
// cost the least.
func (l *Lookups) fromPlatform(ctx context.Context, q *inquiry, missing []int) {
	q.report.Plan = PlanSingleReads
	if l.catalogue != nil {
		want := l.freshness(q.need)
		expected := l.meter.expect()
		if expected.preferCatalogue(len(missing), l.opts.FanOut, l.catalogue.Traffic(want)) {
			q.report.Plan = PlanCatalogue
			err := l.readAll(ctx, q, missing, want)
			if err == nil {
				return
			}
			if ctx.Err() != nil || !expected.canDoWithout(err, len(missing), l.opts.FanOut) {
				for _, place := range missing {
					q.found[place].Err = err
				}
				return
			}
			l.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "tenants are read one by one, because not all leads could be read",
				slog.Any("error", err), slog.Int("tenants", len(missing)))
			q.report.Plan = PlanMixed
		}
	}
	l.readSingly(ctx, q, missing)
}

// freshness is the demand as the catalogue understands it. As any tenant may turn
// out to have no lead, the catalogue may be no older than such an answer.
func (l *Lookups) freshness(need lead.Demand) lead.Freshness {
	if need.NoCache || l.opts.NegativeTTL < 0 {
		return lead.Freshness{NoCache: true}
	}
	age := l.opts.NegativeTTL
	if !need.NotBefore.IsZero() {
		age = min(age, time.Since(need.NotBefore))
	}
	return lead.Freshness{MaxAge: &age}
}

// readAll answers the places from the catalogue.
func (l *Lookups) readAll(ctx context.Context, q *inquiry, missing []int, want lead.Freshness) error {
	begun := time.Now()
	snapshot, state, err := l.catalogue.Snapshot(ctx, want)
	q.report.UpstreamCalls += state.Calls
	if err != nil {
		l.meter.readAll(time.Since(begun), atLeast)
		return err
	}
	switch {
	case state.FromCache:
		q.report.CacheHits += len(missing)
		q.report.Plan = PlanCache
	case state.Calls > 0:
		q.report.Rows += snapshot.Len()
		l.meter.readAll(time.Since(begun), exactly)
		l.meter.called(state.Calls)
	}
	for _, place := range missing {
		key := q.keys[place]
		if newer, ok := l.known(key, q.need); ok && newer.heldAt.After(snapshot.AsOf()) {
			q.found[place] = Lookup{Leads: newer.Leads, AsOf: newer.AsOf}
			continue
		}
		q.found[place] = Lookup{Leads: snapshot.ByTenant(key), AsOf: snapshot.AsOf()}
	}
	return nil
}

// readSingly answers each place by a read of its own.
func (l *Lookups) readSingly(ctx context.Context, q *inquiry, missing []int) {
	results := make([]result, len(missing))
	var reads errgroup.Group
	reads.SetLimit(l.opts.FanOut)
	for i, place := range missing {
		reads.Go(func() error {
			results[i] = l.read(ctx, q.keys[place], q.need)
			return nil
		})
	}
	_ = reads.Wait() // no read returns an error here: each is filed under its place
	fresh := map[string]Found{}
	for i, place := range missing {
		r := results[i]
		q.found[place] = Lookup{Leads: r.found.Leads, AsOf: r.found.AsOf, Err: r.err}
		switch {
		case r.first:
			q.report.UpstreamCalls++
			q.report.Rows += len(r.found.Leads)
			if r.err == nil {
				fresh[q.keys[place]] = r.found
			}
		case !r.waited && r.err == nil:
			q.report.CacheHits++
		}
	}
	l.share(fresh)
}

// result is what a lookup got that was not answered from memory at first.
type result struct {
	found  Found
	err    error
	first  bool // the lookup caused the read that it waited for
	waited bool
}

// read waits for a read of the tenant that meets the demand.
func (l *Lookups) read(ctx context.Context, key string, need lead.Demand) result {
	var r result
	for ctx.Err() == nil {
		next := l.step(ctx, key, need)
		switch {
		case next.board != nil:
			got, err := next.board.Wait(ctx)
			return result{found: got.Found, err: err, first: next.first, waited: true}
		case next.await != nil:
			r.waited = true
			select {
			case <-next.await:
			case <-ctx.Done():
			}
		default:
			r.found, r.err = next.found, next.err
			return r
		}
	}
	r.err = ctx.Err()
	return r
}

// lookupStep is what a lookup does next: board a read, await the end of one that
// is of no use to it, or else answer.
type lookupStep struct {
	board *flight.Flight[remembered]
	first bool
	await <-chan struct{}

	found Found
	err   error
}

func (l *Lookups) step(ctx context.Context, key string, need lead.Demand) lookupStep {
	l.mu.Lock()
	defer l.mu.Unlock()
	if under, ok := l.reading[key]; ok {
		if need.MetBy(under.number, under.begun) && under.Join() {
			return lookupStep{board: under.Flight}
		}
		return lookupStep{await: under.Done}
	}
	// A read may have ended since the memory was asked.
	if known, ok := l.known(key, need); ok {
		return lookupStep{found: known.Found}
	}
	if l.life.Err() != nil {
		return lookupStep{err: errLookupsClosed}
	}
	r := read{number: l.begun.Add(1), begun: time.Now().UTC()}
	r.Flight = flight.Start(l.life, ctx, l.opts.Timeout, func(ctx context.Context) (remembered, error) {
		return l.fetch(ctx, key, r.number, r.begun)
	})
	l.reading[key] = r
	return lookupStep{board: r.Flight, first: true}
}

// fetch is the work of one read. Its answer is remembered before the read counts
// as ended, so that whoever finds none under way finds the answer.
func (l *Lookups) fetch(ctx context.Context, key string, number uint64, begun time.Time) (remembered, error) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.reading, key)
	}()
	leads, err := l.ask(ctx, key, false)
	took := time.Since(begun)
	if err != nil {
		l.meter.readOne(took, atLeast)
		if l.life.Err() != nil {
			err = errLookupsClosed
		}
		return remembered{}, err
	}
	l.meter.readOne(took, exactly)
	r := remembered{Found: Found{leads, begun}, heldAt: begun, number: number}
	l.remember(key, r)
	return r, nil
}

// ask asks the source, and refuses what is not the answer.
func (l *Lookups) ask(ctx context.Context, key string, checkOnline bool) ([]*lead.Lead, error) {
	leads, err := flight.Guard(func() ([]*lead.Lead, error) { return l.source.LeadsByTenant(ctx, key, checkOnline) })
	if err != nil {
		return nil, flight.Failure(err)
	}
	if !belong(leads, key) {
		return nil, errForeign
	}
	return leads, nil
}
