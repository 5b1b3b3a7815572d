package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/upstream/sandbox"
)

// TestMutations inserts and removes leads at random. The list must always equal
// a plain slice with the same changes, and each lead must be found by its tenant.
func TestMutations(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{Leads: 30})
	model := p.IDs()
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.IntRange(-2, 60).Draw(rt, "at")
		n := rapid.IntRange(-1, 5).Draw(rt, "n")
		from := min(max(at, 0), len(model))
		if rapid.Bool().Draw(rt, "insert") {
			added := p.Insert(at, n)
			if len(added) != max(n, 0) {
				rt.Fatalf("%d ids for %d leads", len(added), n)
			}
			model = slices.Insert(model, from, added...)
		} else {
			to := min(from+max(n, 0), len(model))
			if diff := cmp.Diff(model[from:to], p.Remove(at, n)); diff != "" {
				rt.Fatal(diff)
			}
			model = slices.Delete(model, from, to)
		}
		if diff := cmp.Diff(model, p.IDs()); diff != "" {
			rt.Fatal(diff)
		}
	})
	var found []string
	for _, tenant := range p.Tenants() {
		found = append(found, ids(t, p.leads(t, "msTenantID", tenant))...)
	}
	slices.Sort(found)
	slices.Sort(model)
	if diff := cmp.Diff(model, found); diff != "" {
		t.Error(diff)
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	if got := string(p.Row(seedLead)); "["+got+"]" != p.leads(t, "PageSize", "1").body {
		t.Errorf("row %s", got)
	}
	p.Remove(0, 1)
	if got := p.Row(seedLead); got != nil {
		t.Errorf("removed row %s", got)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{NoAuth: true})
	const (
		b = `{"id":"b","tenantId":"Two"}`
		a = `{"id":"a","tenantId":"one"}`
	)
	if err := p.Replace([]json.RawMessage{[]byte(b), []byte(a)}); err != nil {
		t.Fatal(err)
	}
	if got := p.leads(t, "PageSize", "10").body; got != "["+b+","+a+"]" {
		t.Error("a page: ", got)
	}
	if got := p.leads(t, "msTenantID", "two").body; got != "["+b+"]" {
		t.Error("a lookup: ", got)
	}
	for _, wrong := range []string{`{"id":"a"}`, `{"tenantId":"one"}`, `[`} {
		if p.Replace([]json.RawMessage{[]byte(wrong)}) == nil {
			t.Errorf("%s was accepted", wrong)
		}
	}
	if got := p.IDs(); len(got) != 2 {
		t.Errorf("leads %v", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Options{Leads: 500, NoAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	get := func(query string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, leadPath+query, nil))
		idsOf(t, w.Body.String()) // an inconsistent answer would not be valid JSON
	}
	tasks := []func(){
		func() { get("?PageSize=200&PageNumber=1") },
		func() { get("?msTenantID=" + seedTenant) },
		func() { get("?checkOnline=true&msTenantID=" + s.OnlineTenants()[0]) },
		func() { s.Insert(3, 2) },
		func() { s.Remove(5, 2) },
		func() { s.Inject(sandbox.Fault{Shift: &sandbox.Shift{At: 9, Insert: 1, Remove: 1}}) },
		func() { s.Calls() },
		func() { s.ResetCalls() },
		func() { s.Tenants() },
	}
	var wg sync.WaitGroup
	for _, task := range tasks {
		wg.Go(func() {
			for range 50 {
				task()
			}
		})
	}
	wg.Wait()
	if all := s.IDs(); len(all) != len(slices.Compact(slices.Sorted(slices.Values(all)))) {
		t.Error("a lead is listed twice")
	}
}
