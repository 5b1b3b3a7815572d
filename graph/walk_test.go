package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph"
	"leadgraph/graph/pagination"
	"leadgraph/internal/apptest"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
)

// shelf is a platform in memory whose leads can be edited.
type shelf struct {
	mu    sync.Mutex
	leads []*lead.Lead
}

func (s *shelf) all() []*lead.Lead {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.leads)
}

func (s *shelf) edit(change func([]*lead.Lead) []*lead.Lead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leads = change(s.leads)
}

// AllLeads implements catalogue.Source.
func (s *shelf) AllLeads(context.Context, time.Time) (catalogue.Reading, error) {
	return catalogue.Reading{Leads: s.all(), Complete: true, Calls: 1}, nil
}

// LeadsByTenant implements lookup.TenantSource.
func (s *shelf) LeadsByTenant(_ context.Context, tenant string, _ bool) ([]*lead.Lead, error) {
	return slices.DeleteFunc(s.all(), func(l *lead.Lead) bool { return l.TenantID != tenant }), nil
}

// LeadsPage implements graph.PageReader.
func (s *shelf) LeadsPage(_ context.Context, page, size int, _ lead.Parts) ([]*lead.Lead, error) {
	all := s.all()
	from := min(page*size, len(all))
	return all[from:min(from+size, len(all))], nil
}

// EachLead implements graph.PageReader.
func (s *shelf) EachLead(ctx context.Context, page, size int, parts lead.Parts, _ func(), each func(*lead.Lead) error) error {
	leads, err := s.LeadsPage(ctx, page, size, parts)
	for _, l := range leads {
		if err == nil {
			err = each(l)
		}
	}
	return err
}

// replica is a server over HTTP that can be restarted.
type replica struct {
	platform *shelf
	url      string
	handler  atomic.Pointer[graph.Handler]
	close    func()
}

func newReplica(t *testing.T, platform *shelf) *replica {
	t.Helper()
	r := &replica{platform: platform, close: func() {}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.handler.Load().ServeHTTP(w, req) }))
	t.Cleanup(func() { server.Close(); r.close() })
	r.url = server.URL
	return r
}

// restart forgets everything but the key of cursors. Caches are kept for an hour, so
// that replicas differ in age.
func (r *replica) restart(t *testing.T) {
	t.Helper()
	r.close()
	memory := recent.New()
	var lookups *lookup.Lookups
	all := catalogue.New(r.platform, catalogue.Options{TTL: time.Hour, NoCacheInterval: -1, OnPublish: func(_ context.Context, s *catalogue.Snapshot) {
		memory.Publish(s)
		lookups.Feed(s)
	}})
	lookups = lookup.New(r.platform, all, lookup.Options{TTL: time.Hour, NegativeTTL: time.Hour, NoCacheInterval: -1, OnRead: func(tenant string, found lookup.Found) {
		memory.Tenant(tenant, found.Leads, found.AsOf)
	}})
	r.close = func() { lookups.Close(); all.Close() }
	handler, err := graph.NewHandler(graph.Options{
		Leads: r.platform, Lookups: lookups, Catalogue: all,
		Cursors:     pagination.NewSeal("account", []byte("the key of the tests")),
		Caller:      func(context.Context) string { return "" },
		Recent:      func(context.Context) *recent.Memory { return memory },
		SeesPII:     func(context.Context) bool { return true },
		MaxPageSize: func() int { return 20_000 }, MaxBody: 64 << 10, Timeout: 10 * time.Second,
		RequestID: func(context.Context) string { return "" }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.handler.Store(handler)
}

// walkedPage is the part of a page that a walk looks at.
type walkedPage struct {
	Leads struct {
		Nodes    []struct{ ID string }
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       *string
		}
		TotalCount int
		AsOf       time.Time
	}
}

const walkDocument = `query($first: Int, $after: Cursor, $last: Int, $before: Cursor, $filter: LeadFilter, $order: LeadOrder) {
	leads(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
		nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount asOf } }`

// walkKind is a kind of list. The functions say in plain Go which leads it holds and
// what it is ordered by; value is nil for the platform's order.
type walkKind struct {
	filter, order any
	holds         func(*lead.Lead) bool
	value         func(*lead.Lead) string
}

var walkTenants = []string{
	"f94238e5-4f2c-4e1b-8125-2d27122ca75f", "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902", "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510",
}

func walkKinds() map[string]walkKind {
	all := func(*lead.Lead) bool { return true }
	active := func(l *lead.Lead) bool { return l.Status != lead.StatusRemoved }
	ours := func(l *lead.Lead) bool { return l.TenantID != walkTenants[2] }
	modified := func(l *lead.Lead) string { return l.LastModifiedOn.Format(time.RFC3339Nano) }
	kinds := map[string]walkKind{
		"platform's order": {nil, nil, all, nil},
		"filter":           {map[string]any{"status": []string{"ACTIVE", "NOT_ACTIVE"}}, nil, active, nil},
		"tenants":          {map[string]any{"tenantId": walkTenants[:2]}, nil, ours, nil},
		"one tenant":       {map[string]any{"tenantId": walkTenants[:1]}, nil, func(l *lead.Lead) bool { return l.TenantID == walkTenants[0] }, nil},
		"tenants in order": {map[string]any{"tenantId": walkTenants[:2]}, map[string]any{"field": "LAST_MODIFIED_ON", "direction": "DESC"}, ours, modified},
	}
	for field, value := range map[string]func(*lead.Lead) string{
		"LAST_MODIFIED_ON": modified,
		"COMPANY_NAME":     func(l *lead.Lead) string { return *l.ContactDetails.CompanyName },
		"STATUS":           func(l *lead.Lead) string { return fmt.Sprint(l.Status) },
		"TENANT_ID":        func(l *lead.Lead) string { return l.TenantID },
	} {
		for _, direction := range []string{"ASC", "DESC"} {
			kinds[field+" "+direction] = walkKind{nil, map[string]any{"field": field, "direction": direction}, all, value}
		}
	}
	return kinds
}

// walker walks one list and edits it between pages. It keeps its own notes.
type walker struct {
	*rapid.T
	kind     walkKind
	backward bool
	platform *shelf
	replicas []*replica
	made     int
	kept     map[string]bool // leads that match throughout and keep their value
	seen     map[string]int
	loose    bool // the list has changed, after which leads of the platform's order may repeat
}

func (w *walker) fresh() *lead.Lead {
	w.made++
	name := rapid.SampledFrom([]string{"Contoso", "contoso", "Fabrikam", "Łódź Transport", "Österreich"}).Draw(w.T, "name")
	return &lead.Lead{
		ID:             fmt.Sprintf("%08d-0000-4000-8000-%012d", rapid.IntRange(0, 999).Draw(w.T, "id"), w.made),
		TenantID:       rapid.SampledFrom(walkTenants).Draw(w.T, "tenant"),
		Status:         rapid.SampledFrom([]lead.Status{lead.StatusActive, lead.StatusNotActive, lead.StatusRemoved}).Draw(w.T, "status"),
		LastModifiedOn: time.Date(2025, 1, 1, 0, 0, rapid.IntRange(0, 20).Draw(w.T, "modified"), 0, time.UTC),
		ContactDetails: &lead.ContactDetails{CompanyName: &name},
	}
}

// change edits the list once, four times in ten at the lead with the id.
func (w *walker) change(anchor string, shown []string) {
	w.loose = true
	w.platform.edit(func(leads []*lead.Lead) []*lead.Lead {
		at := rapid.IntRange(0, len(leads)).Draw(w.T, "at")
		find := func(id string) int { return slices.IndexFunc(leads, func(l *lead.Lead) bool { return l.ID == id }) }
		if i := find(anchor); i >= 0 && rapid.IntRange(0, 9).Draw(w.T, "at the anchor") < 4 {
			at = i
		}
		gone := []string{}
		switch kind := rapid.SampledFrom([]string{"value", "value", "delete", "insert", "page"}).Draw(w.T, "edit"); {
		case kind == "insert" || at == len(leads):
			return slices.Insert(leads, at, w.fresh())
		case kind == "delete":
			gone = []string{leads[at].ID}
		case kind == "page":
			gone = shown
		default:
			old, updated := leads[at], w.fresh()
			updated.ID = old.ID
			if !w.kind.holds(updated) || w.kind.value != nil && w.kind.value(updated) != w.kind.value(old) {
				w.kept[old.ID] = false
			}
			leads[at] = updated
		}
		for _, id := range gone {
			w.kept[id] = false
			if i := find(id); i >= 0 {
				leads = slices.Delete(leads, i, i+1)
			}
		}
		return leads
	})
}

// page reads one page at any replica, which may just have restarted or been asked for
// fresh leads by somebody else.
func (w *walker) page(t *testing.T, size int, cursor *string) walkedPage {
	t.Helper()
	at := rapid.SampledFrom(w.replicas).Draw(w.T, "replica")
	switch rapid.IntRange(0, 5).Draw(w.T, "before the page") {
	case 0:
		at.restart(t)
	case 1:
		apptest.Post(t, at.url, `{"query":"{ leadStats { total } }"}`, "Cache-Control", "no-cache")
	}
	variables := map[string]any{"filter": w.kind.filter, "order": w.kind.order, "first": size, "after": cursor}
	if w.backward {
		variables = map[string]any{"filter": w.kind.filter, "order": w.kind.order, "last": size, "before": cursor}
	}
	answer := apptest.Post(t, at.url, apptest.Body(walkDocument, variables))
	var page walkedPage
	if err := json.Unmarshal(answer.Data, &page); err != nil || len(answer.Errors) > 0 {
		w.Fatalf("%v in %s", err, answer.Body)
	}
	return page
}

// walk walks to the end. A page has no row twice, and asOf never goes backwards.
func (w *walker) walk(t *testing.T) {
	t.Helper()
	size := rapid.IntRange(1, 8).Draw(w.T, "size")
	var cursor *string
	var asOf time.Time
	for pages := 1; ; pages++ {
		got := w.page(t, size, cursor).Leads
		if got.AsOf.Before(asOf) {
			w.Fatalf("as of %v after %v", got.AsOf, asOf)
		}
		asOf = got.AsOf
		rows := make([]string, len(got.Nodes))
		once := map[string]bool{}
		for i, node := range got.Nodes {
			rows[i] = node.ID
			w.seen[node.ID]++
			once[node.ID] = true
		}
		if len(once) != len(rows) || len(rows) > size || len(rows) > got.TotalCount {
			w.Fatalf("rows %v of %d", rows, got.TotalCount)
		}
		more, edge := got.PageInfo.HasNextPage, len(rows)-1
		cursor = got.PageInfo.EndCursor
		if w.backward {
			more, edge, cursor = got.PageInfo.HasPreviousPage, 0, got.PageInfo.StartCursor
		}
		if !more {
			return
		}
		if pages > 300 {
			w.Fatal("the walk does not end")
		}
		if pages > 12 {
			continue // otherwise new leads could stay ahead of the walk
		}
		for range rapid.IntRange(0, 4).Draw(w.T, "edits") {
			w.change(rows[edge], rows)
		}
	}
}

// A walk over HTTP answers every lead that matches throughout and keeps its value
// exactly once, whichever replica answers and whatever happens between two pages.
// In the platform's order a lead may be answered twice once the list has changed.
func TestWalksOverReplicas(t *testing.T) {
	t.Parallel()
	for name, kind := range walkKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform := &shelf{}
			replicas := []*replica{newReplica(t, platform), newReplica(t, platform)}
			repeats, rows := 0, 0
			leadtest.Walks(t, func(rt *rapid.T) {
				w := &walker{T: rt, kind: kind, backward: rapid.Bool().Draw(rt, "backward"), platform: platform, replicas: replicas, kept: map[string]bool{}, seen: map[string]int{}}
				platform.leads = nil
				for range rapid.IntRange(0, 30).Draw(rt, "leads") {
					platform.leads = append(platform.leads, w.fresh())
				}
				for _, l := range platform.leads {
					w.kept[l.ID] = kind.holds(l)
				}
				for _, r := range replicas {
					r.restart(t)
				}
				w.walk(t)
				for id, kept := range w.kept {
					if n := w.seen[id]; kept && (n == 0 || n > 1 && (kind.value != nil || !w.loose)) {
						rt.Fatalf("lead %s was answered %d times", id, n)
					}
				}
				for _, n := range w.seen {
					repeats, rows = repeats+n-1, rows+n
				}
			})
			t.Logf("%d of %d rows were repeated", repeats, rows)
		})
	}
}
