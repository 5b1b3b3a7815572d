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

// clockSlack is how much older leads may seem than a cursor that was cut from the
// same reading: ages are measured a moment later than moments are compared.
const clockSlack = time.Millisecond

// newerThan demands leads whose reading began at that moment or later. If the
// moment is in the future, another server's clock is ahead, and only leads read
// from now on are surely newer.
func newerThan(since time.Time) lead.Freshness {
	age := time.Since(since)
	if age <= 0 {
		return lead.Freshness{NoCache: true}
	}
	age += clockSlack
	return lead.Freshness{MaxAge: &age}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// snapshotSince returns all leads, read at that moment or later. If the operation's
// snapshot is older, as a replica's may be, the catalogue is refreshed first: a
// walk never goes back to older leads.
func (op *operation) snapshotSince(ctx context.Context, since time.Time) (*catalogue.Snapshot, error) {
	slot := admission.Of(ctx)
	slot.Away()
	defer slot.Back(ctx)
	snapshot, err := op.snapshot()
	for want := newerThan(since); err == nil && snapshot.AsOf().Before(since); want = (lead.Freshness{NoCache: true}) {
		var state catalogue.State
		snapshot, state, err = op.options.Catalogue.Snapshot(ctx, want)
		report := lookup.Report{UpstreamCalls: state.Calls, Plan: lookup.PlanCatalogue}
		if state.Calls > 0 && err == nil {
			report.Rows = snapshot.Len()
		}
		op.spend(report)
		if want.NoCache {
			break
		}
	}
	return snapshot, err
}

// ofTenants answers a list of the leads of some tenants from lookups.
//
// Without orderBy it is in the platform's order. Lookups do not tell the order of
// several tenants, but a catalogue does. If none is at hand, such a list is ordered
// by tenant and id. A walk keeps the order that it began with.
func (op *operation) ofTenants(ctx context.Context, q leadsQuery, window pagination.Window, tenants []string) (*generated.LeadConnection, error) {
	since := window.Since()
	tenants = slices.Compact(slices.Sorted(slices.Values(tenants)))
	leads, asOf, err := op.lookedUp(ctx, tenants, since)
	if err != nil {
		return nil, err
	}
	if q.order.Field == lead.OrderAsRead && len(tenants) > 1 {
		var known *catalogue.Snapshot
		if !window.ByKey() {
			begun := window.After != nil || window.Before != nil
			if known, err = op.orderOf(ctx, leads, asOf, begun); err != nil {
				return nil, err
			}
		}
		if known == nil {
			q.order = lead.Order{Field: lead.OrderTenantID}
		} else {
			slices.SortFunc(leads, func(a, b *lead.Lead) int { return compareIn(known, a, b) })
		}
	}
	q.filter = nil // the lookups have applied it
	return op.cut(q, window, catalogue.Build(leads, asOf, nil)), nil
}

// lookedUp returns the leads of the tenants, read at that moment or later, and when
// reading the oldest of them began.
func (op *operation) lookedUp(ctx context.Context, tenants []string, since time.Time) (leads []*lead.Lead, asOf time.Time, err error) {
	asOf = op.options.Now()
	want := op.freshness
	if limit := newerThan(since); !since.IsZero() && !want.NoCache &&
		(limit.NoCache || want.MaxAge == nil || *limit.MaxAge < *want.MaxAge) {
		want = limit
	}
	found, _ := waiting(ctx, func() ([]lookup.Lookup, error) { return op.byTenants(ctx, tenants, want), nil })
	for _, of := range found {
		if of.Err != nil {
			return nil, asOf, of.Err
		}
		leads = append(leads, of.Leads...)
		if of.AsOf.Before(asOf) {
			asOf = of.AsOf
		}
	}
	return leads, asOf, nil
}

// orderOf returns a snapshot that tells the platform's order of the leads, or nil if
// none is at hand. A walk that has begun in this order needs one.
func (op *operation) orderOf(ctx context.Context, leads []*lead.Lead, asOf time.Time, begun bool) (*catalogue.Snapshot, error) {
	known := op.options.Catalogue.Current(ctx)
	if known != nil && !slices.ContainsFunc(leads, func(l *lead.Lead) bool { return known.ByID(l.ID) == nil }) {
		return known, nil
	}
	if !begun {
		return nil, nil
	}
	if known == nil {
		return waiting(ctx, op.snapshot)
	}
	return op.snapshotSince(ctx, asOf)
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
