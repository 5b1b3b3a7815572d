package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/graph"
	"leadgraph/lead/catalogue"
	"leadgraph/upstream/sandbox"
)

// table selects what a front-end's table shows of a page.
type table struct {
	Leads struct {
		Nodes []struct {
			ID, Status     string
			ConsentedOn    *time.Time
			ContactDetails *struct{ CompanyName *string }
		}
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       *string
		}
		TotalCount *int
	}
}

const tableFields = `{ nodes { id status consentedOn contactDetails { companyName } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`

func TestFilteredSortedCountedTable(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 500}})
	all := data[table](t, s.query(t, `{ leads(first: 1000) `+tableFields+` }`))
	active := 0
	for _, l := range all.Leads.Nodes {
		if l.Status == "ACTIVE" && l.ConsentedOn != nil {
			active++
		}
	}
	const query = `query($after: Cursor) { leads(first: 20, after: $after, filter: {status: [ACTIVE], consentedOn: {from: "1990-01-01T00:00:00Z"}}, orderBy: {field: CONSENTED_ON, direction: DESC}) ` + tableFields + ` }`
	var got table
	var last *time.Time
	seen := map[string]bool{}
	for got.Leads.PageInfo.HasNextPage = true; got.Leads.PageInfo.HasNextPage; {
		got = data[table](t, s.query(t, query, "after", got.Leads.PageInfo.EndCursor))
		if got.Leads.TotalCount == nil || *got.Leads.TotalCount != active {
			t.Fatalf("totalCount %v, want %d", got.Leads.TotalCount, active)
		}
		for _, l := range got.Leads.Nodes {
			if seen[l.ID] || l.Status != "ACTIVE" || last != nil && l.ConsentedOn.After(*last) {
				t.Errorf("lead %+v is out of place", l)
			}
			seen[l.ID], last = true, l.ConsentedOn
		}
	}
	if len(seen) != active {
		t.Errorf("%d leads, want %d", len(seen), active)
	}
	s.wantCalls(t, 0, 2) // reading all leads takes a full page and the empty page after it
}

func TestLastWithoutBeforeIsTheEnd(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	ids := s.platform.IDs()
	page := data[leadsPage](t, s.query(t, backward, "n", 7, "c", nil))
	if !slices.Equal(page.ids(), ids[len(ids)-7:]) || page.Leads.PageInfo.HasNextPage || !page.Leads.PageInfo.HasPreviousPage {
		t.Errorf("the last seven: %+v", page)
	}
	// Its cursors continue without the catalogue.
	s.platform.ResetCalls()
	page = data[leadsPage](t, s.query(t, backward, "n", 7, "c", page.Leads.PageInfo.StartCursor))
	if !slices.Equal(page.ids(), ids[len(ids)-14:len(ids)-7]) {
		t.Errorf("the seven before: %+v", page)
	}
	s.wantCalls(t, 0, 1)
}

func TestSearchIsBlindToCaseAndAccents(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, text := range []string{"sIPtEST", "síptèst", " SIPTest "} {
		got := data[table](t, s.query(t, `query($s: String) { leads(filter: {search: $s}) `+tableFields+` }`, "s", text))
		if len(got.Leads.Nodes) != 1 || got.Leads.Nodes[0].ID != "da68eafc-d3c6-4d3b-9a10-c48b26c6086b" {
			t.Errorf("%q: %+v", text, got.Leads.Nodes)
		}
	}
}

func TestFilterByTenantAloneIsALookup(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	query := fmt.Sprintf(`{ leads(filter: {tenantId: [%q, %q, %q]}, orderBy: {field: STATUS}) `+tableFields+` }`, twinTenant, noTenant, seedTenant)
	got := data[table](t, s.query(t, query))
	if len(got.Leads.Nodes) != 3 || *got.Leads.TotalCount != 3 || got.Leads.Nodes[2].Status != "REMOVED" {
		t.Errorf("%+v", got)
	}
	s.wantCalls(t, 3, 0)
}

func TestCursorBelongsToItsFilterAndOrder(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	page := data[table](t, s.query(t, `{ leads(first: 3, filter: {status: [ACTIVE]}) `+tableFields+` }`))
	for _, arguments := range []string{`filter: {status: [REMOVED]}`, `filter: {status: [ACTIVE]}, orderBy: {field: STATUS}`, ``} {
		a := s.query(t, `query($c: Cursor) { leads(first: 3, after: $c, `+arguments+`) `+tableFields+` }`, "c", page.Leads.PageInfo.EndCursor)
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" || a.Errors[0].Extensions["argument"] != "after" {
			t.Errorf("%s: %s", arguments, a.Body)
		}
	}
}

func TestFilterLimits(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	deep := strings.Repeat(`{not: `, 6) + `{}` + strings.Repeat(`}`, 6)
	for _, query := range []string{
		`{ leads(filter: ` + deep + `) { totalCount } }`,
		`{ leadStats(filter: ` + deep + `) { total } }`,
		`{ leads(filter: {search: "` + strings.Repeat("x", 201) + `"}) { totalCount } }`,
		`{ leads(filter: {companyName: {starts: "` + strings.Repeat("x", 201) + `"}}) { totalCount } }`,
		`{ leads(filter: {search: "a", text: {equals: "b"}, or: [{companyName: {starts: "c"}}, {search: "d"}]}) { totalCount } }`,
		`{ leads(orderBy: [{field: STATUS}, {field: COUNTRY}, {field: TENANT_ID}, {field: COMPANY_SIZE}]) { totalCount } }`,
	} {
		a := s.query(t, query)
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "at most") {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	s.wantCalls(t, 0, 0)
}

func TestStats(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	got := data[struct {
		All, Removed struct {
			Total, Direct, Consented int
			ByStatus                 []struct {
				Status string
				Count  int
			}
			ByCountry []struct {
				Country string
				Count   int
			}
			ByCompanySize []struct {
				CompanySize      string
				CompanySizeRange *struct{ Min int }
				Count            int
			}
			AsOf time.Time
		}
	}](t, s.query(t, `query { all: leadStats { ...S } removed: leadStats(filter: {status: [REMOVED]}) { ...S } }
		fragment S on LeadStats { total direct consented byStatus { status count } byCountry { country count } byCompanySize { companySize companySizeRange { min } count } asOf }`))
	sum := 0
	for _, entry := range got.All.ByStatus {
		sum += entry.Count
		if entry.Status == "REMOVED" && (got.Removed.Total != entry.Count || len(got.Removed.ByStatus) != 1) {
			t.Errorf("removed: %+v, want %d", got.Removed, entry.Count)
		}
	}
	if total := len(s.platform.IDs()); got.All.Total != total || sum != total || got.All.Direct+got.All.Consented != total {
		t.Errorf("%+v, want %d leads", got.All, total)
	}
	if len(got.All.ByCountry) == 0 || len(got.All.ByCompanySize) == 0 || got.All.AsOf.IsZero() || !got.All.AsOf.Equal(got.Removed.AsOf) {
		t.Errorf("%+v", got.All)
	}
	s.wantCalls(t, 0, 2)
}

func TestNodes(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	ids := s.platform.IDs()
	a := s.query(t, `query($ids: [ID!]!) { node(id: "da68eafc-d3c6-4d3b-9a10-c48b26c6086b") { __typename id ... on Lead { status } } nodes(ids: $ids) { id } none: node(id: "nothing") { id } }`,
		"ids", []string{ids[5], "nothing", ids[4]})
	want := fmt.Sprintf(`{"node":{"__typename":"Lead","id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","status":"ACTIVE"},"nodes":[{"id":%q},null,{"id":%q}],"none":null}`, ids[5], ids[4])
	if string(a.Data) != want || len(a.Errors) > 0 {
		t.Errorf("got %s, want %s", a.Body, want)
	}
}

func TestNothingReadsAllLeadsUnlessItIsNeeded(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	data[any](t, s.query(t, `{ leads(first: 5) { nodes { id } pageInfo { hasNextPage } } }`))
	if calls := s.platform.Calls(); calls.Rows > 12 {
		t.Errorf("%d rows were read for five leads", calls.Rows)
	}
}

func TestMissingCountLeavesThePage(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Status: 500}) // reading all leads
	a := s.query(t, `{ leads(first: 1) { nodes { id } n: totalCount } }`)
	if want := `{"leads":{"nodes":[{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b"}],"n":null}}`; string(a.Data) != want {
		t.Errorf("data %s, want %s", a.Data, want)
	}
	if len(a.Errors) != 1 || fmt.Sprint(a.Errors[0].Path) != "[leads n]" {
		t.Errorf("errors: %s", a.Body)
	}
}

func TestClientForcesFreshness(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{catalogue: catalogue.Options{TTL: time.Hour}})
	count := func(header ...string) int {
		return *data[table](t, s.post(t, `{"query":"{ leads(filter: {not: {status: []}}) { nodes { id } totalCount } }"}`, header...)).Leads.TotalCount
	}
	before := count()
	s.platform.Insert(0, 3)
	if got := count(); got != before {
		t.Errorf("%d leads, though the catalogue is fresh", got)
	}
	if got := count("Cache-Control", "max-age=3600"); got != before {
		t.Errorf("%d leads, though an hour's age is allowed", got)
	}
	if got := count("Cache-Control", "no-cache"); got != before+3 {
		t.Errorf("%d leads after no-cache, want %d", got, before+3)
	}
	s.platform.ResetCalls()
	if got := count("Cache-Control", "max-age=0"); got != before+3 {
		t.Errorf("%d leads, want %d", got, before+3)
	}
	s.wantCalls(t, 0, 2)
}

func TestStaleCatalogueIsMarked(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{catalogue: catalogue.Options{TTL: 1, StaleIfError: time.Hour}})
	data[any](t, s.query(t, `{ leadStats { total } }`))
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 503})
	a := s.query(t, `{ leadStats { total } }`)
	if !strings.Contains(a.Body, `"extensions":{"stale":true}`) || len(a.Errors) > 0 {
		t.Errorf("answer %s", a.Body)
	}
	// A request that refuses stale data gets the error.
	a = s.post(t, `{"query":"{ leadStats { total } }"}`, "Cache-Control", "no-cache")
	if string(a.Data) != `{"leadStats":null}` || len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" {
		t.Errorf("answer %s", a.Body)
	}
}

// A walk goes on through old leads while the platform fails, as long as they are not
// older than those of its last page.
func TestAWalkGoesOnWhileThePlatformFails(t *testing.T) {
	t.Parallel()
	const page = `query($c: Cursor) { leads(first: 3, after: $c, orderBy: {field: COMPANY_NAME}) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }`
	s := newService(t, serviceOptions{catalogue: catalogue.Options{TTL: 1, StaleIfError: time.Hour}})
	first := data[leadsPage](t, s.query(t, page))
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 503})
	a := s.query(t, page, "c", first.Leads.PageInfo.EndCursor)
	if second := data[leadsPage](t, a); len(second.ids()) != 3 || second.ids()[0] == first.ids()[0] || !strings.Contains(a.Body, `"stale":true`) {
		t.Errorf("answer %s", a.Body)
	}
}

// A cursor may need newer leads than the catalogue has. All fields of its operation then
// show these.
func TestACursorsCatalogueIsThatOfAllFields(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	data[any](t, s.query(t, `{ leadStats { asOf } }`))
	window := data[leadsPage](t, s.query(t, forward, "n", 3, "c", nil))
	got := data[struct {
		Stats, More struct{ AsOf time.Time }
		Page        struct {
			AsOf       time.Time
			TotalCount int
		}
	}](t, s.query(t, `query($c: Cursor) { stats: leadStats { asOf } page: leads(first: 3, after: $c) { asOf totalCount } more: leadStats { asOf } }`,
		"c", window.Leads.PageInfo.EndCursor))
	if got.Stats != got.More || !got.Stats.AsOf.Equal(got.Page.AsOf) {
		t.Errorf("one operation shows catalogues of %v, %v and %v", got.Stats.AsOf, got.More.AsOf, got.Page.AsOf)
	}
	s.wantCalls(t, 0, 5) // the catalogue twice, which takes two calls, and a window
}

func TestManyTenantsAreOneReadingOfAllLeads(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{
		sandbox: sandbox.Options{Leads: 5000, Latency: 20 * time.Millisecond},
		graph:   func(o *graph.Options) { o.ExposeCost = true },
	})
	tenants := s.platform.Tenants()[:500]
	body, err := json.Marshal(map[string]any{
		"query": `query($ids: [UUID!]!) { leadsByTenantIds(tenantIds: $ids) { tenantId } }`, "variables": map[string]any{"ids": tenants},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := s.post(t, string(body))
	got := data[struct{ LeadsByTenantIDs [][]struct{ TenantID string } }](t, a)
	for i, list := range got.LeadsByTenantIDs {
		if len(list) == 0 || list[0].TenantID != tenants[i] {
			t.Fatalf("tenant %d: %v", i, list)
		}
	}
	if calls := s.platform.Calls(); calls.ByTenant+calls.Pages > 3 {
		t.Errorf("%d calls by tenant and %d pages, want at most 3 in all", calls.ByTenant, calls.Pages)
	}
	if !strings.Contains(a.Body, `"cost":{"requested":{"upstreamCalls":1000,"rows":1000,"fields":1001},"actual":{"upstreamCalls":2,"rows":5000,"cacheHits":0,"plan":["catalogue"]},"upstreamCalls":2,"rows":5000}`) {
		t.Errorf("cost: %s", a.Body[max(0, len(a.Body)-200):])
	}
}

func TestStatusTextIsNullWithoutOne(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{``: `null`, `,"status":null`: `null`, `,"status":""`: `""`, `,"status":"Odd"`: `"Odd"`} {
		for _, textbook := range []bool{false, true} {
			s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Textbook = textbook }})
			s.platform.Inject(sandbox.Fault{Kind: "tenant:" + seedTenant, Body: `[{"id":"x","tenantId":"` + seedTenant + `"` + status + `}]`})
			a := s.query(t, fmt.Sprintf(`{ lead(tenantId: %q) { status statusText } }`, seedTenant))
			if string(a.Data) != `{"lead":{"status":"UNKNOWN","statusText":`+want+`}}` {
				t.Errorf("%s, textbook %v: %s", status, textbook, a.Body)
			}
		}
	}
}

// Reading all leads may take longer than a request can wait. The request is told when
// to come back, the reading goes on, and a later request gets its result.
func TestAReadingMayOutlastItsRequests(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Timeout = 200 * time.Millisecond }})
	again := make(chan struct{})
	s.platform.OnPage(func(sandbox.PageCall) { <-again })
	for range 2 {
		a := s.query(t, `{ leadStats { total } }`)
		if string(a.Data) != `{"leadStats":null}` || !slices.Equal(a.Codes(), []string{"UPSTREAM_TIMEOUT"}) || a.Errors[0].Extensions["retryAfterMs"] != 1000.0 {
			t.Errorf("answer %s", a.Body)
		}
	}
	close(again)
	for total := 0; total != len(s.platform.IDs()); {
		var stats struct{ LeadStats struct{ Total int } }
		if a := s.query(t, `{ leadStats { total } }`); len(a.Errors) == 0 {
			if err := json.Unmarshal(a.Data, &stats); err != nil {
				t.Fatal(err)
			}
			if total = stats.LeadStats.Total; total != len(s.platform.IDs()) {
				t.Fatalf("%d leads", total)
			}
		}
	}
	s.wantCalls(t, 0, 2) // one reading
}
