package sandbox_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/upstream/sandbox"
)

func TestPagingQuirks(t *testing.T) {
	t.Parallel()
	all := open(t, sandbox.Options{}).IDs()
	for name, c := range map[string]struct {
		opts  sandbox.Options
		query []string
		want  []string
	}{
		"number ignored":       {sandbox.Options{IgnorePageNumber: true}, []string{"PageNumber", "3", "PageSize", "5"}, all[:5]},
		"cut":                  {sandbox.Options{CutAbove: 20}, []string{"PageNumber", "1", "PageSize", "50"}, all[20:40]},
		"not cut":              {sandbox.Options{CutAbove: 20}, []string{"PageNumber", "1", "PageSize", "10"}, all[10:20]},
		"cut at its offset":    {sandbox.Options{CutAbove: 20, CutKeepsOffset: true}, []string{"PageNumber", "1", "PageSize", "30"}, all[30:50]},
		"empty":                {sandbox.Options{Empty: true}, nil, []string{}},
		"tenants are in order": {sandbox.Options{Unordered: true}, []string{"msTenantID", twinTenant}, all[2:4]},
	} {
		if diff := cmp.Diff(c.want, ids(t, open(t, c.opts).leads(t, c.query...))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnordered(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{Unordered: true})
	first, second := ids(t, p.leads(t, "PageSize", "60")), ids(t, p.leads(t, "PageSize", "60"))
	if slices.Equal(first, second) {
		t.Error("the same order twice")
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(p.IDs())), slices.Sorted(slices.Values(first))); diff != "" {
		t.Error(diff)
	}
}

func TestRefuseAbove(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{RefuseAbove: 30})
	if got := p.leads(t, "PageSize", "31"); got.status != http.StatusBadRequest {
		t.Errorf("31: status %d", got.status)
	}
	if got := ids(t, p.leads(t, "PageSize", "30")); len(got) != 30 {
		t.Errorf("30: %d leads", len(got))
	}
}

func TestSingle(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{Single: true})
	if got := p.leads(t, "msTenantID", seedTenant); got.body != string(p.Row(seedLead)) {
		t.Errorf("body %s", got.body)
	}
	if got := ids(t, p.leads(t, "PageSize", "2")); len(got) != 2 {
		t.Errorf("%d leads", len(got))
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]struct {
		status int
		body   string
	}{
		"":                       {http.StatusOK, "[]"},
		sandbox.NothingEmpty:     {http.StatusOK, "[]"},
		sandbox.NothingNull:      {http.StatusOK, "null"},
		sandbox.NothingBlank:     {http.StatusOK, ""},
		sandbox.NothingNoContent: {http.StatusNoContent, ""},
		sandbox.NothingBare404:   {http.StatusNotFound, ""},
		sandbox.NothingNamed404:  {http.StatusNotFound, `"Invalild lead"`},
	} {
		p := open(t, sandbox.Options{Leads: 20, PastEnd: kind, UnknownTenant: kind})
		for _, query := range [][]string{{"PageNumber", "4", "PageSize", "5"}, {"msTenantID", noTenant}} {
			if got := p.leads(t, query...); got.status != want.status || got.body != want.body {
				t.Errorf("%q, %v: status %d, body %s", kind, query, got.status, got.body)
			}
		}
	}
	p := open(t, sandbox.Options{Leads: 20, PastEnd: "416"})
	if got := p.leads(t, "PageNumber", "9"); got.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("status %d", got.status)
	}
}

func TestPagingChanges(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{})
	p.SetPaging(sandbox.Paging{FirstPage: 1, PageZero: sandbox.PageZeroEmpty, CutAbove: 4})
	if got := ids(t, p.leads(t, "PageNumber", "0", "PageSize", "10")); len(got) != 0 {
		t.Errorf("page 0: %v", got)
	}
	if diff := cmp.Diff(p.IDs()[4:8], ids(t, p.leads(t, "PageNumber", "2", "PageSize", "10"))); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownTenant404(t *testing.T) {
	t.Parallel()
	p := open(t, sandbox.Options{UnknownTenant404: true})
	if got := p.leads(t, "msTenantID", noTenant); got.status != http.StatusNotFound || got.body != `"Invalild lead"` {
		t.Errorf("status %d, body %s", got.status, got.body)
	}
}
