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

// read is one read of a tenant's leads. Reads are numbered from 1.
type read struct {
	*flight.Flight[remembered]
	number uint64
	begun  time.Time
}

// fromPlatform reads the missing tenants in the way that is expected to cost least.
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
			if ctx.Err() != nil || !expected.canDoWithout(ctx, err, len(missing), l.opts.FanOut) {
				for _, place := range missing {
					q.found[place].Err = err
				}
				return
			}
			l.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "reading all leads failed, reading tenants one by one",
				slog.Any("error", err), slog.Int("tenants", len(missing)))
			q.report.Plan = PlanMixed
		}
	}
	l.readSingly(ctx, q, missing)
}

// freshness returns what to demand of the catalogue. Any tenant may turn out to have
// no leads, so the catalogue must not be older than the NegativeTTL.
func (l *Lookups) freshness(need lead.Demand) lead.Freshness {
	if need.NoCache || l.opts.NegativeTTL < 0 {
		return lead.Freshness{NoCache: true}
	}
	return lead.Freshness{MaxAge: &l.opts.NegativeTTL, NotBefore: need.NotBefore}
}

// readAll answers the missing tenants from the catalogue.
func (l *Lookups) readAll(ctx context.Context, q *inquiry, missing []int, want lead.Freshness) error {
	begun := time.Now()
	keys := make([]string, len(missing))
	for i, place := range missing {
		keys[i] = q.keys[place]
	}
	patient, cancel := l.patience(ctx, q.need, keys...)
	snapshot, state, err := l.catalogue.Snapshot(patient, want)
	cancel()
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

// readSingly answers the missing tenants with one read each.
func (l *Lookups) readSingly(ctx context.Context, q *inquiry, missing []int) {
	if len(missing) == 1 {
		l.answer(q, missing[0], l.read(ctx, q.keys[missing[0]], q.need))
		return
	}
	results := make([]result, len(missing))
	var reads errgroup.Group
	reads.SetLimit(l.opts.FanOut)
	for i, place := range missing {
		reads.Go(func() error {
			results[i] = l.read(ctx, q.keys[place], q.need)
			return nil
		})
	}
	_ = reads.Wait() // always nil: each result holds its own error
	for i, place := range missing {
		l.answer(q, place, results[i])
	}
}

// answer notes the result of one read.
func (l *Lookups) answer(q *inquiry, place int, r result) {
	q.found[place] = Lookup{Leads: r.found.Leads, AsOf: r.found.AsOf, Err: r.err}
	switch {
	case r.first:
		q.report.UpstreamCalls++
		q.report.Rows += len(r.found.Leads)
		if r.err == nil && l.opts.Shared != nil {
			if q.fresh == nil {
				q.fresh = map[string]Found{}
			}
			q.fresh[q.keys[place]] = r.found
		}
	case !r.waited && r.err == nil:
		q.report.CacheHits++
	}
}

// result is the result of a lookup that fromMemory could not answer.
type result struct {
	found  Found
	err    error
	first  bool // the lookup started the read that it waited for
	waited bool
}

// read returns the leads of a tenant from a read that meets the demand.
func (l *Lookups) read(ctx context.Context, key string, need lead.Demand) result {
	var r result
	for ctx.Err() == nil {
		next := l.decide(ctx, key, need)
		switch {
		case next.join != nil:
			got, err := l.await(ctx, key, need, next.join)
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

// await returns the result of a read. If old leads can answer the request, it does not
// wait for all of the request's time, and the read goes on for later requests.
func (l *Lookups) await(ctx context.Context, key string, need lead.Demand, read *flight.Flight[remembered]) (remembered, error) {
	patient, cancel := l.patience(ctx, need, key)
	defer cancel()
	if patient == ctx {
		return read.Wait(ctx)
	}
	got, err := read.WaitOrLetFinish(patient)
	if err != nil && ctx.Err() == nil {
		err = flight.AsFailure(err)
	}
	return got, err
}

// decision is what a lookup does next. It waits for the read that it has joined, or
// awaits the end of a read whose result it cannot use, or returns the answer.
type decision struct {
	join  *flight.Flight[remembered]
	first bool // the lookup started the read that it has joined
	await <-chan struct{}

	found Found
	err   error
}

func (l *Lookups) decide(ctx context.Context, key string, need lead.Demand) decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	if running, ok := l.reading[key]; ok {
		if need.MetBy(running.number, running.begun) && running.Join() {
			return decision{join: running.Flight}
		}
		return decision{await: running.Done()}
	}
	// A read may have ended since the last look at the memory.
	if known, ok := l.known(key, need); ok {
		return decision{found: known.Found}
	}
	if l.life.Err() != nil {
		return decision{err: errLookupsClosed}
	}
	r := read{number: l.begun.Add(1), begun: time.Now().UTC()}
	r.Flight = flight.Start(l.life, ctx, l.opts.Timeout, func(ctx context.Context) (remembered, error) {
		return l.fetch(ctx, key, r.number, r.begun)
	})
	l.reading[key] = r
	return decision{join: r.Flight, first: true}
}

// fetch is the work of one read. It remembers the answer before the read leaves
// reading, so that a lookup finds either the read or the answer.
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
	for _, one := range leads {
		one.AsOf = begun // nobody else has them yet
	}
	r := remembered{Found: Found{leads, begun}, heldAt: begun, number: number}
	l.opts.OnRead(key, r.Found)
	l.remember(key, r)
	return r, nil
}

// ask asks the source. It refuses an answer with leads of other tenants.
func (l *Lookups) ask(ctx context.Context, key string, checkOnline bool) ([]*lead.Lead, error) {
	leads, err := flight.Guard(func() ([]*lead.Lead, error) { return l.source.LeadsByTenant(ctx, key, checkOnline) })
	if err != nil {
		return nil, flight.AsFailure(err)
	}
	if !belong(leads, key) {
		return nil, errForeign
	}
	return leads, nil
}
