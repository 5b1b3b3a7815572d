package graph

import (
	"cmp"
	"context"
	"slices"
	"time"

	"leadgraph/graph/generated"
	"leadgraph/graph/pagination"
	"leadgraph/internal/admission"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
)

// newerThan demands leads whose reading began at that moment or later. If the
// moment is in the future, another server's clock is ahead, and only leads read
// from now on are surely newer.
func newerThan(since time.Time) lead.Freshness {
	if since.After(time.Now()) {
		return lead.Freshness{NoCache: true}
	}
	return lead.Freshness{NotBefore: since}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// readAll returns all leads, read at that moment or later, for all fields of the operation.
func (op *operation) readAll(ctx context.Context, since time.Time) (allLeads, error) {
	calling, done := admission.Of(ctx).Calling(ctx)
	defer done()
	snapshot, state, err := op.options.Catalogue.Snapshot(calling, op.freshness)
	op.spendOnAll(snapshot, state, err)
	if state.Stale {
		op.markStale(ctx)
	}
	if err != nil {
		return allLeads{}, crowded(calling, err)
	}
	op.truth.Catalogue(snapshot)
	all, err := op.newer(calling, allLeads{snapshot, state.Age()}, since)
	if err != nil {
		return all, crowded(calling, err)
	}
	if first := op.only(all.Snapshot); first != all.Snapshot && !first.AsOf().Before(since) {
		all = allLeads{first, lead.AgeStale}
	}
	op.noteAge(all.age, all.AsOf())
	return all, nil
}

// only returns the snapshot that all fields of the operation show: this one, unless another
// field has shown one.
func (op *operation) only(s *catalogue.Snapshot) *catalogue.Snapshot {
	whole := cmp.Or(op.whole, op)
	if whole.shown.CompareAndSwap(nil, s) {
		return s
	}
	return whole.shown.Load()
}

// newer returns all leads, read at that moment or later. If the snapshot is older, as a
// replica's may be, the catalogue is refreshed first: a walk never goes back to older
// leads.
func (op *operation) newer(ctx context.Context, all allLeads, since time.Time) (allLeads, error) {
	var err error
	for want := newerThan(since); err == nil && all.AsOf().Before(since); want = (lead.Freshness{NoCache: true}) {
		var state catalogue.State
		all.Snapshot, state, err = op.options.Catalogue.Snapshot(ctx, want)
		all.age = state.Age()
		state.FromCache = false // it counts once
		op.spendOnAll(all.Snapshot, state, err)
		if err == nil {
			op.truth.Catalogue(all.Snapshot)
		}
		if want.NoCache {
			break
		}
	}
	return all, err
}

// ofTenants answers a list of the leads of some tenants from lookups.
//
// Without orderBy it is in the platform's order. Lookups do not tell the order of
// several tenants, but a catalogue does. If none is at hand, such a list is ordered
// by id, which a lead keeps when it moves to another tenant. A walk keeps the order that
// it began with. The list is as old as its order: leads may have moved since.
func (op *operation) ofTenants(ctx context.Context, q leadsQuery, window pagination.Window, tenants []string) (*generated.LeadConnection, error) {
	op.mu.Lock()
	op.tenants = true
	op.mu.Unlock()
	since := window.Since()
	tenants = slices.Compact(slices.Sorted(slices.Values(tenants)))
	asOf, age, err := op.lookedUp(ctx, tenants, since)
	if err != nil {
		return nil, err
	}
	if err := op.meet(ctx); err != nil {
		return nil, err
	}
	var leads []*lead.Lead
	for _, tenant := range tenants {
		leads = append(leads, op.truth.OfTenant(tenant)...)
	}
	if len(q.orders) == 0 && len(tenants) > 1 {
		var known *catalogue.Snapshot
		if !window.ByKey() {
			begun := window.After != nil || window.Before != nil
			if known, err = op.orderOf(ctx, leads, since, begun); err != nil {
				return nil, err
			}
		}
		if known == nil {
			q.orders = []lead.Order{{Field: lead.OrderID}}
		} else {
			slices.SortFunc(leads, func(a, b *lead.Lead) int { return compareIn(known, a, b) })
			if known.AsOf().Before(asOf) {
				asOf = known.AsOf()
			}
		}
	}
	q.filter = nil // the lookups have applied it
	return op.cut(ctx, q, window, allLeads{catalogue.Build(leads, asOf, nil), age})
}

// lookedUp looks up the tenants, at that moment or later, and returns when reading the
// oldest of their leads began, and whether they are as fresh as promised.
//
// They are read again if a lead that moved to another tenant in the meantime could be in
// neither: if some were read now and others are in memory, or if a tenant turned out to
// have lost a lead after another one was read.
func (op *operation) lookedUp(ctx context.Context, tenants []string, since time.Time) (asOf time.Time, age lead.Age, err error) {
	want := op.freshness
	if limit := newerThan(since); limit.NoCache {
		want = limit
	} else {
		want.NotBefore = since
	}
	now := op.options.Now()
	found, _ := waiting(ctx, func() ([]lookup.Lookup, error) {
		found := op.lookUp(ctx, tenants, want)
		if mixed(found, now) || len(tenants) > 1 && readBefore(found, op.truth.Memory().Left(tenants)) {
			if again := op.lookUp(ctx, tenants, lead.Freshness{NotBefore: op.options.Now()}); !slices.ContainsFunc(again, failed) {
				found = again
			}
		}
		return found, nil
	})
	asOf = now
	for _, of := range found {
		if of.Err != nil {
			return asOf, age, of.Err
		}
		if of.Stale {
			age = lead.AgeStale
		}
		if of.AsOf.Before(asOf) {
			asOf = of.AsOf
		}
	}
	return asOf, age, nil
}

func failed(of lookup.Lookup) bool { return of.Err != nil }

// readBefore reports whether some leads were read before that moment. If the platform
// fails they stay as they are.
func readBefore(found []lookup.Lookup, moment time.Time) bool {
	return !slices.ContainsFunc(found, func(of lookup.Lookup) bool { return failed(of) || of.Stale }) &&
		slices.ContainsFunc(found, func(of lookup.Lookup) bool { return of.AsOf.Before(moment) })
}

// mixed reports whether some leads were read before that moment and some later. If the
// platform fails they stay as they are.
func mixed(found []lookup.Lookup, now time.Time) bool {
	before, later := 0, 0
	for _, of := range found {
		switch {
		case failed(of) || of.Stale:
			return false
		case of.AsOf.Before(now):
			before++
		default:
			later++
		}
	}
	return before > 0 && later > 0
}

// orderOf returns a snapshot that tells the platform's order of the leads, or nil if
// none is at hand. A walk that has begun in this order needs one, of that moment or later.
func (op *operation) orderOf(ctx context.Context, leads []*lead.Lead, since time.Time, begun bool) (*catalogue.Snapshot, error) {
	known := op.options.Catalogue.Current(ctx)
	if known != nil && !known.AsOf().Before(since) && !slices.ContainsFunc(leads, func(l *lead.Lead) bool { return known.ByID(l.ID) == nil }) {
		return known, nil
	}
	if !begun {
		return nil, nil
	}
	all, err := waiting(ctx, func() (allLeads, error) {
		all, err := op.snapshot()
		if err != nil || known == nil {
			return all, err
		}
		return op.newer(ctx, all, since)
	})
	return all.Snapshot, err
}

// compareIn compares two leads by their positions in a snapshot. Leads that it does
// not have come last.
func compareIn(known *catalogue.Snapshot, a, b *lead.Lead) int {
	atA, hasA := known.Position(a.ID)
	atB, hasB := known.Position(b.ID)
	switch {
	case hasA && hasB:
		return cmp.Compare(atA, atB)
	case hasA:
		return -1
	case hasB:
		return 1
	default:
		return cmp.Compare(a.ID, b.ID)
	}
}
