package truth_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph/truth"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/recent"
)

// Whatever is remembered of its tenant and its leads, an operation that shows nothing else
// shows what OfTenant shows.
func TestOnlyShowsWhatOfTenantShows(t *testing.T) {
	t.Parallel()
	tenants := []string{"6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510", "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"}
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		moment := func() time.Time {
			return begun.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "second")) * time.Second)
		}
		leads := func(tenant string, asOf time.Time) (all []*lead.Lead) {
			for _, id := range []string{"a", "b"} {
				if rapid.Bool().Draw(t, "has "+id) {
					all = append(all, &lead.Lead{ID: id, TenantID: tenant, Status: lead.Status(rapid.IntRange(1, 3).Draw(t, "status")), AsOf: asOf})
				}
			}
			return all
		}
		memory := recent.New()
		for range rapid.IntRange(0, 4).Draw(t, "events") {
			tenant, asOf := rapid.SampledFrom(tenants).Draw(t, "tenant"), moment()
			if rapid.IntRange(0, 3).Draw(t, "event") == 0 {
				memory.Publish(catalogue.Build(leads(tenant, asOf), asOf, nil))
			} else {
				memory.Tenant(tenant, leads(tenant, asOf), asOf)
			}
		}
		asOf := moment().Add(time.Millisecond) // no two reads begin at once
		found := leads(tenants[0], asOf)
		if rapid.Bool().Draw(t, "noted") {
			memory.Tenant(tenants[0], found, asOf)
		}
		shown := func(by func(*truth.Operation) []*lead.Lead) []*lead.Lead {
			o := truth.New(func() *recent.Memory { return memory }, true, func() lead.Parts { return lead.AllParts })
			o.Tenant(tenants[0], found, asOf)
			return by(o)
		}
		only := shown(func(o *truth.Operation) []*lead.Lead { return o.Only(tenants[0]) })
		if all := shown(func(o *truth.Operation) []*lead.Lead { return o.OfTenant(tenants[0]) }); !slices.Equal(ids(only), ids(all)) {
			t.Fatalf("found %v at %v: only %v, all %v", ids(found), asOf, ids(only), ids(all))
		}
	})
}

func ids(leads []*lead.Lead) (all []string) {
	for _, l := range leads {
		all = append(all, fmt.Sprint(l.ID, l.Status, l.AsOf.Format("05.000")))
	}
	return all
}
