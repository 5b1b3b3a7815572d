package upstream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// crowd is a tenant with many leads on a platform that has others, too.
type crowd struct {
	*sandbox.Server
	client *upstream.Client
	ids    []string // of the tenant
	others int
	calls  int
	before func() // called before each call for the tenant
}

func newCrowd(t *testing.T, paging sandbox.Paging, firstPage int, leads, others int) *crowd {
	t.Helper()
	platform, err := sandbox.New(sandbox.Options{Empty: true, NoAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{Server: platform, others: others}
	platform.SetPaging(paging)
	for i := range leads {
		c.ids = append(c.ids, fmt.Sprintf("mine-%d", i))
	}
	c.show(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("msTenantID") != "" {
			if c.calls++; c.before != nil {
				c.before()
			}
		}
		platform.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	if c.client, err = upstream.NewClient(upstream.Options{BaseURL: server.URL + sandbox.BasePath, StaticToken: "token", FirstPage: firstPage}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.Close)
	return c
}

// show gives the platform its leads: those of the tenant between others.
func (c *crowd) show(t interface{ Fatal(...any) }) {
	var rows []json.RawMessage
	add := func(id, tenant string) {
		rows = append(rows, json.RawMessage(fmt.Sprintf(`{"id": %q, "tenantId": %q}`, id, tenant)))
	}
	for i := range c.others {
		add(fmt.Sprintf("other-%d", i), fmt.Sprintf("9e2d4c10-77aa-4b7e-8f53-%012d", i))
	}
	for _, id := range c.ids {
		add(id, tenantA)
	}
	if err := c.Replace(rows); err != nil {
		t.Fatal(err)
	}
}

func (c *crowd) lookUp(t interface {
	Fatal(args ...any)
	Context() context.Context
}) []string {
	leads, err := c.client.LeadsByTenant(t.Context(), tenantA, false)
	if err != nil {
		t.Fatal(err)
	}
	return ids(leads)
}

// A lookup has all leads of a tenant, wherever the platform cuts its pages, whatever is
// known of it, and although leads come and go while they are read.
func TestAllLeadsOfATenant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		paging := sandbox.Paging{
			FirstPage: rapid.IntRange(0, 1).Draw(rt, "first page"), CutAbove: rapid.SampledFrom([]int{0, 3, 10, 99, 100, 101}).Draw(rt, "cut above"),
			CutKeepsOffset: rapid.Bool().Draw(rt, "keeps offset"), PageZero: rapid.SampledFrom([]string{sandbox.PageZeroRepeat, sandbox.PageZeroEmpty}).Draw(rt, "page zero"),
			PastEnd: rapid.SampledFrom([]string{"", sandbox.NothingNull, "404"}).Draw(rt, "past the end"),
		}
		told := rapid.SampledFrom([]int{0, paging.FirstPage}).Draw(rt, "told")
		c := newCrowd(t, paging, told, rapid.SampledFrom([]int{0, 1, 2, 3, 10, 12, 99, 100, 101, 230}).Draw(rt, "leads"), rapid.IntRange(25, 40).Draw(rt, "others"))
		if rapid.Bool().Draw(rt, "all leads were read") {
			_, _ = c.client.AllLeads(t.Context(), 1000) // what it learns before it fails counts, too
		}
		for range 2 {
			if got := c.lookUp(rt); !slices.Equal(got, c.ids) {
				rt.Fatalf("%d leads of %d: %v", len(got), len(c.ids), got)
			}
		}
		stay, at := slices.Clone(c.ids), c.calls+rapid.IntRange(1, 4).Draw(rt, "change at call")
		place := rapid.IntRange(0, 230).Draw(rt, "gone")
		c.before = func() {
			if c.calls != at || len(c.ids) == 0 {
				return
			}
			gone := c.ids[place%len(c.ids)]
			c.ids = slices.DeleteFunc(slices.Clone(c.ids), func(id string) bool { return id == gone })
			stay = c.ids
			c.show(rt)
		}
		got := c.lookUp(rt)
		for _, id := range stay {
			if !slices.Contains(got, id) {
				rt.Fatalf("%s was there throughout: %v", id, got)
			}
		}
	})
}

// A lookup takes one call if the platform is known to fill larger pages.
func TestLookupsOfFewLeadsTakeOneCall(t *testing.T) {
	t.Parallel()
	for leads := range 4 {
		c := newCrowd(t, sandbox.Paging{}, 0, leads, 30)
		if _, err := c.client.LeadsPage(t.Context(), 0, 10, lead.AllParts); err != nil {
			t.Fatal(err)
		}
		if got := c.lookUp(t); len(got) != leads || c.calls != 1 {
			t.Errorf("%d calls for %d leads: %v", c.calls, leads, got)
		}
	}
	c := newCrowd(t, sandbox.Paging{}, 0, 1, 30) // nothing is known
	if c.lookUp(t); c.calls != 1 {
		t.Errorf("%d calls for the first lead of a process", c.calls)
	}
}
