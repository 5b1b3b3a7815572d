package graph_test

import (
	"encoding/json"
	"fmt"
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
