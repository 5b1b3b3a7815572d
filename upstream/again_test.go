package upstream_test

import (
	"testing"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// Leads that have not changed share the memory of the first reading, and nothing in that
// changes.
func TestAllLeadsAgainSharesMemory(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 300}, nil)
	first, err := client.AllLeads(t.Context(), 50)
	if err != nil {
		t.Fatal(err)
	}
	known, kept := map[string]*lead.Lead{}, map[string]*lead.Lead{}
	for _, l := range first.Leads {
		known[l.ID], kept[l.ID] = l, lead.Copy(l)
	}
	edited := first.Leads[7].ID
	platform.Edit(edited, map[string]any{"status": "Suspended", "contacts": nil})
	platform.Remove(100, 3)
	platform.Insert(20, 2)
	rests := 0
	second, err := client.AllLeadsAgain(t.Context(), 50, upstream.Again{Known: func(id string) *lead.Lead { return known[id] }, Rest: func() { rests++ }})
	if err != nil {
		t.Fatal(err)
	}
	if err != nil || rests < len(second.Leads) {
		t.Fatalf("%d rests, %v", rests, err)
	}
	plain, err := client.AllLeads(t.Context(), 50)
	if err != nil || len(second.Leads) != 299 || len(plain.Leads) != 299 {
		t.Fatalf("%d and %d leads, %v", len(second.Leads), len(plain.Leads), err)
	}
	for i, l := range second.Leads {
		if !lead.Same(l, plain.Leads[i]) {
			t.Errorf("lead %d differs from one that was read alone", i)
		}
		before := known[l.ID]
		if shares := before != nil && lead.Shared(l, before); shares != (before != nil && l.ID != edited) || l == before {
			t.Errorf("lead %d: shares memory %v", i, shares)
		}
	}
	for id, l := range known {
		if !lead.Same(l, kept[id]) {
			t.Errorf("lead %s was changed", id)
		}
	}
}
