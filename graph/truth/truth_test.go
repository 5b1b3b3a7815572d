package truth_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"leadgraph/graph/truth"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/recent"
)

// TestALeadThatMovedIsShownOnce reads the tenant that a lead has left and the one that it
// has come to, in any order and at any time, with what was known before.
func TestALeadThatMovedIsShownOnce(t *testing.T) {
	t.Parallel()
	const from, to = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510", "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	of := func(tenant string, after time.Duration) *lead.Lead {
		return &lead.Lead{ID: "a", TenantID: tenant, AsOf: begun.Add(after)}
	}
	for run := range 1 << 7 {
		flag := func(bit int) bool { return run>>bit&1 == 1 }
		memory := recent.New()
		before := catalogue.Build([]*lead.Lead{of(from, 0)}, begun, nil)
		if flag(0) {
			memory.Publish(before)
		}
		leftAt, cameAt := time.Second, 2*time.Second
		if flag(1) {
			leftAt, cameAt = cameAt, leftAt
		}
		o := truth.New(func() *recent.Memory { return memory }, flag(2), func() lead.Parts { return 0 })
		if flag(3) {
			o.Catalogue(before)
		}
		note := memory.Tenant
		if flag(6) {
			memory.Tenant("f94238e5-4f2c-4e1b-8125-2d27122ca75f", []*lead.Lead{{ID: "b", TenantID: "f94238e5-4f2c-4e1b-8125-2d27122ca75f"}}, begun.Add(1))
			note = func(string, []*lead.Lead, time.Time) {} // it has forgotten these tenants
		}
		reads := []func(){
			func() {
				note(from, nil, begun.Add(leftAt))
				o.Tenant(from, nil, begun.Add(leftAt))
			},
			func() {
				moved := []*lead.Lead{of(to, cameAt)}
				note(to, moved, begun.Add(cameAt))
				o.Tenant(to, moved, begun.Add(cameAt))
			},
		}
		tenants := []string{from, to}
		if flag(4) {
			slices.Reverse(reads)
		}
		if flag(5) {
			slices.Reverse(tenants)
		}
		for _, read := range reads {
			read()
		}
		var shown []string
		for _, tenant := range tenants {
			for _, l := range o.OfTenant(tenant) {
				shown = append(shown, fmt.Sprint(l.ID, " of ", l.TenantID))
			}
		}
		if !slices.Equal(shown, []string{"a of " + to}) {
			t.Errorf("run %07b: %v", run, shown)
		}
	}
}
