package graph_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/graph"
	"leadgraph/upstream/sandbox"
)

var update = flag.Bool("update", false, "write the golden answers")

// TestGolden runs testdata/*.graphql against the sandbox's documented leads and
// compares the responses byte by byte.
func TestGolden(t *testing.T) {
	t.Parallel()
	// Cursors hold the time of reading.
	atNoon := func(o *graph.Options) {
		o.Now = func() time.Time { return time.Date(2025, 1, 2, 12, 0, 0, 0, time.UTC) }
	}
	s := newService(t, serviceOptions{graph: atNoon})
	textbook := newService(t, serviceOptions{graph: func(o *graph.Options) { atNoon(o); o.Textbook = true }})
	files, err := filepath.Glob("testdata/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatal("no queries", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			document, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := s.query(t, string(document)).Body + "\n"
			golden := strings.TrimSuffix(file, ".graphql") + ".json"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if other := textbook.query(t, string(document)).Body + "\n"; other != got {
				t.Errorf("the generated executor answers otherwise:\n%s\n%s", other, got)
			}
		})
	}
}

func TestAliasedLookupsAreOneBatch(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	tenants := s.platform.Tenants()[:16]
	var document strings.Builder
	for i := range 20 {
		_, _ = fmt.Fprintf(&document, "a%d: lead(tenantId: %q) { tenantId } ", i, tenants[i%16])
	}
	got := data[map[string]struct{ TenantID string }](t, s.query(t, "{"+document.String()+"}"))
	for i := range 20 {
		if id := got[fmt.Sprintf("a%d", i)].TenantID; id != tenants[i%16] {
			t.Errorf("a%d is of tenant %s", i, id)
		}
	}
	s.wantCalls(t, 16, 0)
}

func TestOneTenantIsReadOnceHoweverItIsSpelt(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	data[any](t, s.query(t, `query($id: UUID!, $ids: [UUID!]!) { lead(tenantId: $id) { id } leadsByTenantIds(tenantIds: $ids) { id } }`,
		"id", strings.ToUpper(seedTenant), "ids", []string{seedTenant, strings.ToUpper(seedTenant)}))
	s.wantCalls(t, 1, 0)
}

func TestFailedTenantLeavesAHole(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Status: 500})
	a := s.query(t, `query($ids: [UUID!]!) { leadsByTenantIds(tenantIds: $ids) { id } }`,
		"ids", []string{seedTenant, fullTenant, noTenant})
	want := `{"leadsByTenantIds":[[{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b"}],null,[]]}`
	if string(a.Data) != want {
		t.Errorf("data %s, want %s", a.Data, want)
	}
	if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" {
		t.Fatalf("errors: %s", a.Body)
	}
	if path := fmt.Sprint(a.Errors[0].Path); path != "[leadsByTenantIds 1]" {
		t.Errorf("path %s", path)
	}
	s.wantCalls(t, 3, 0)
}

// leadsPage is the part of a connection that walks need.
type leadsPage struct {
	Leads struct {
		Edges []struct {
			Cursor string
			Node   struct{ ID string }
		}
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       *string
		}
	}
}

func (p leadsPage) ids() []string {
	ids := make([]string, len(p.Leads.Edges))
	for i, edge := range p.Leads.Edges {
		ids[i] = edge.Node.ID
	}
	return ids
}

const (
	forward  = `query($n: Int!, $c: Cursor) { leads(first: $n, after: $c) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
	backward = `query($n: Int!, $c: Cursor) { leads(last: $n, before: $c) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
)

func TestWalkThereAndBack(t *testing.T) {
	t.Parallel()
	for _, firstPage := range []int{0, 1} {
		t.Run(fmt.Sprintf("first page %d", firstPage), func(t *testing.T) {
			t.Parallel()
			s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 2000, FirstPage: firstPage, Nested: firstPage == 1}})
			want := s.platform.IDs()
			var got []string
			var page leadsPage
			pages := 0
			for page.Leads.PageInfo.HasNextPage = true; page.Leads.PageInfo.HasNextPage; pages++ {
				page = data[leadsPage](t, s.query(t, forward, "n", 37, "c", page.Leads.PageInfo.EndCursor))
				got = append(got, page.ids()...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("forward: %d leads, not the platform's %d in order", len(got), len(want))
			}
			s.wantCalls(t, 0, pages+1) // one confirms the end

			s.platform.ResetCalls()
			last := page.Leads.Edges[len(page.Leads.Edges)-1]
			got, page.Leads.PageInfo.StartCursor = []string{last.Node.ID}, &last.Cursor
			pages = 0
			for page.Leads.PageInfo.HasPreviousPage = true; page.Leads.PageInfo.HasPreviousPage; pages++ {
				page = data[leadsPage](t, s.query(t, backward, "n", 37, "c", page.Leads.PageInfo.StartCursor))
				ids := page.ids()
				slices.Reverse(ids)
				got = append(got, ids...)
			}
			slices.Reverse(want)
			if !slices.Equal(got, want) {
				t.Errorf("backward: %d leads, not the platform's %d in reverse", len(got), len(want))
			}
			s.wantCalls(t, 0, pages)
		})
	}
}

func TestWalkSurvivesShiftingRows(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	before := s.platform.IDs()
	// Before every call, one lead is removed from the front and two are
	// inserted there.
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Shift: &sandbox.Shift{At: 1, Insert: 2, Remove: 1}})
	var got []string
	var page leadsPage
	for page.Leads.PageInfo.HasNextPage = true; page.Leads.PageInfo.HasNextPage; {
		page = data[leadsPage](t, s.query(t, forward, "n", 13, "c", page.Leads.PageInfo.EndCursor))
		got = append(got, page.ids()...)
	}
	seen := map[string]int{}
	for _, id := range got {
		if seen[id]++; seen[id] > 1 {
			t.Errorf("lead %s came twice", id)
		}
	}
	for _, id := range before[2:] { // the one at 1 was removed before it could be read
		if seen[id] != 1 {
			t.Errorf("lead %s came %d times", id, seen[id])
		}
	}
}

func TestWindowCostsNoRowThatIsNotSelected(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for selected, rows := range map[string]int{
		`edges { node { id } }`:                                 10,
		`edges { node { id } } pageInfo { hasNextPage }`:        11,
		`edges { cursor node { id } }`:                          16, // six more rows for cursors to hold on to
		`edges { node { id } } pageInfo { start: startCursor }`: 16,
		`edges { node { id } } ... on LeadConnection { pageInfo { ... on PageInfo { x: endCursor } } }`: 16,
	} {
		s.platform.ResetCalls()
		page := data[leadsPage](t, s.query(t, `{ leads(first: 10) { `+selected+` } }`))
		if !slices.Equal(page.ids(), s.platform.IDs()[:10]) {
			t.Error("not the first ten leads")
		}
		if calls := s.platform.Calls(); calls.Rows != rows {
			t.Errorf("%s: %d rows were read, want %d", selected, calls.Rows, rows)
		}
	}
}

func TestEmptyPageEchoesItsCursor(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	all := data[leadsPage](t, s.query(t, forward, "n", 1000, "c", nil))
	end := all.Leads.PageInfo.EndCursor
	page := data[leadsPage](t, s.query(t, forward, "n", 5, "c", end))
	if len(page.Leads.Edges) != 0 || page.Leads.PageInfo.EndCursor == nil || *page.Leads.PageInfo.EndCursor != *end {
		t.Errorf("after the end: %+v, want the cursor %s again", page, *end)
	}
	if page.Leads.PageInfo.HasNextPage {
		t.Error("after the end there is a next page")
	}
	s.platform.ResetCalls()
	if page = data[leadsPage](t, s.query(t, `{ leads(first: 0) { edges { node { id } } } }`)); len(page.Leads.Edges) != 0 {
		t.Error("first: 0 gave leads")
	}
	s.wantCalls(t, 0, 0)
}

func TestCivicAddressFilters(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	got := data[any](t, s.query(t, `query($id: UUID!) { lead(tenantId: $id) {
		us: civicAddresses(country: "us") { country } unchecked: civicAddresses(validationStatus: NOT_VALIDATED) { country } none: civicAddresses(country: "FR") { id } } }`,
		"id", fullTenant))
	want := map[string]any{"lead": map[string]any{
		"us":        []any{map[string]any{"country": "US"}},
		"unchecked": []any{map[string]any{"country": "GB"}},
		"none":      []any{},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCheckOnlineFindsWhatThePlatformDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	got := data[struct {
		Local, Online *struct{ TenantID string }
	}](t, s.query(t, `query($id: UUID!) { local: lead(tenantId: $id) { tenantId } online: lead(tenantId: $id, checkOnline: true) { tenantId } }`,
		"id", s.platform.OnlineTenants()[0]))
	if got.Online == nil || got.Online.TenantID != s.platform.OnlineTenants()[0] {
		t.Errorf("online lookup: %+v", got.Online)
	}
	s.wantCalls(t, 2, 0)
}
