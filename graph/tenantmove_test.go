package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
	"leadgraph/lead"
)

// TestLeadThatMovesToAnotherTenantIsNotLost remembers the leads of one of two tenants. A
// lead then moves to that tenant. A list of both has it, though the memory does not.
func TestLeadThatMovesToAnotherTenantIsNotLost(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"", ", orderBy: {field: STATUS}"} {
		moving := &lead.Lead{ID: "00000001-0000-4000-8000-000000000001", TenantID: walkTenants[0], Status: lead.StatusActive}
		staying := &lead.Lead{ID: "00000002-0000-4000-8000-000000000002", TenantID: walkTenants[1], Status: lead.StatusActive}
		platform := &shelf{leads: []*lead.Lead{moving, staying}}
		r := newReplica(t, platform)
		r.restart(t)
		ask := func(document string) (ids []string) {
			t.Helper()
			a := apptest.Post(t, r.url, apptest.Body(document, nil))
			var data walkedPage
			if err := json.Unmarshal(a.Data, &data); err != nil || a.Errors != nil {
				t.Fatalf("%s: %v", a.Body, err)
			}
			for _, node := range data.Leads.Nodes {
				ids = append(ids, node.ID)
			}
			return ids
		}
		ask(fmt.Sprintf(`{ lead(tenantId: %q) { id } }`, walkTenants[1]))
		platform.edit(func([]*lead.Lead) []*lead.Lead {
			moved := *moving
			moved.TenantID = walkTenants[1]
			return []*lead.Lead{&moved, staying}
		})
		if got := ask(fmt.Sprintf(`{ leads(filter: {tenantId: [%q, %q]}%s) { nodes { id } } }`, walkTenants[0], walkTenants[1], order)); len(got) != 2 {
			t.Errorf("order %q: %v", order, got)
		}
	}
}

// TestLeadThatMovesDuringTheReadingIsNotLost moves a known lead after the tenant that it
// moves to was read, and before the one that it leaves is. Or both are in memory, each
// from the time when it did not have the lead.
func TestLeadThatMovesDuringTheReadingIsNotLost(t *testing.T) {
	t.Parallel()
	for _, catalogue := range []bool{false, true} {
		for from := range 2 {
			moving := &lead.Lead{ID: "00000001-0000-4000-8000-000000000001", TenantID: walkTenants[from], Status: lead.StatusActive}
			platform := &shelf{leads: []*lead.Lead{moving}}
			r := newReplica(t, platform)
			r.restart(t)
			ask := func(document string) string { return string(apptest.Post(t, r.url, apptest.Body(document, nil)).Data) }
			one := func(tenant int) string { return fmt.Sprintf(`{ lead(tenantId: %q) { id } }`, walkTenants[tenant]) }
			if catalogue {
				ask(`{ leadStats { total } }`)
			}
			ask(one(from))
			ask(one(1 - from))
			platform.edit(func([]*lead.Lead) []*lead.Lead {
				moved := *moving
				moved.TenantID = walkTenants[1-from]
				return []*lead.Lead{&moved}
			})
			apptest.Post(t, r.url, apptest.Body(one(from), nil), "Cache-Control", "no-cache") // sees that it has gone
			list := ask(fmt.Sprintf(`{ leads(filter: {tenantId: [%q, %q]}) { nodes { id } } }`, walkTenants[0], walkTenants[1]))
			if !strings.Contains(list, moving.ID) {
				t.Errorf("catalogue %t, from tenant %d: %s", catalogue, from, list)
			}
		}
	}
}
