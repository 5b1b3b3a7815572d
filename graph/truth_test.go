package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/upstream/sandbox"
)

const shownFields = `{ __typename id tenantId status comments asOf }`

// shown is a lead in an answer.
type shown struct {
	ID, TenantID, Status string
	AsOf                 time.Time
	Comments             []string
}

// ways are the root fields that show a lead of a tenant. %s is its id, %t its tenant.
var ways = []string{
	`lead(tenantId: "%t") ` + shownFields,
	`leadsByTenantIds(tenantIds: ["%t"]) ` + shownFields,
	`node(id: "%s") { ... on Lead ` + shownFields + ` }`,
	`nodes(ids: ["%s"]) { ... on Lead ` + shownFields + ` }`,
	`leads(first: 50) { nodes ` + shownFields + ` }`,
	`leads(first: 50) { edges { node ` + shownFields + ` } pageInfo { hasNextPage } }`,
	`leads(first: 50) { totalCount freshness nodes ` + shownFields + ` }`,
	`leads(first: 50, orderBy: {field: STATUS}) { nodes ` + shownFields + ` }`,
	`leads(first: 50, filter: {status: [ACTIVE]}) { nodes ` + shownFields + ` }`,
	`leads(first: 50, filter: {tenantId: ["%t"]}) { nodes ` + shownFields + ` }`,
}

func way(n int, id, tenant string) string {
	return strings.NewReplacer("%s", id, "%t", tenant).Replace(ways[n])
}

// leadsIn returns the leads in a value of an answer.
func leadsIn(value any) (leads []shown) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			leads = append(leads, leadsIn(element)...)
		}
	case map[string]any:
		if value["__typename"] == "Lead" {
			var l shown
			text, _ := json.Marshal(value)
			_ = json.Unmarshal(text, &l)
			return []shown{l}
		}
		for _, member := range value {
			leads = append(leads, leadsIn(member)...)
		}
	}
	return leads
}

// contradiction describes two fields of an answer that contradict each other about a
// lead of a tenant.
func contradiction(data map[string]any, id, tenant string) string {
	versions := map[string]string{}
	for _, l := range leadsIn(data) {
		text := fmt.Sprint(l)
		if other, known := versions[l.ID]; known && other != text {
			return fmt.Sprintf("%s and %s", other, text)
		}
		versions[l.ID] = text
	}
	_, exists := versions[id]
	for key, value := range data {
		if exists && (key == "w0" || key == "w2") && value == nil {
			return fmt.Sprintf("%s is null, but another field shows the lead", key)
		}
		if key == "w8" && slices.ContainsFunc(leadsIn(value), func(l shown) bool { return l.Status != "ACTIVE" }) {
			return "a row does not match the filter"
		}
		ofTenant := leadsIn(value)
		if exists && (key == "w1" || key == "w9") && !slices.ContainsFunc(ofTenant, func(l shown) bool { return l.ID == id }) {
			return fmt.Sprintf("%s lacks a lead of the tenant %s", key, tenant)
		}
	}
	return ""
}

type cacheState struct {
	name      string
	catalogue catalogue.Options
	lookups   lookup.Options
}

var cacheStates = []cacheState{
	{"caches", catalogue.Options{TTL: time.Minute}, lookup.Options{}},
	{"expired catalogue", catalogue.Options{TTL: time.Nanosecond, StaleWhileRevalidate: time.Nanosecond}, lookup.Options{}},
	{"revalidated catalogue", catalogue.Options{TTL: time.Nanosecond, StaleWhileRevalidate: time.Minute}, lookup.Options{}},
	{"no lookups", catalogue.Options{TTL: time.Minute}, lookup.Options{TTL: -1}},
}

func truthService(t *testing.T, state cacheState, textbook bool) service {
	t.Helper()
	return newService(t, serviceOptions{
		sandbox: sandbox.Options{Leads: 12}, catalogue: state.catalogue, lookups: state.lookups, feeds: true,
		graph: func(o *graph.Options) { o.Textbook = textbook },
	})
}

// TestOneOperationOneTruth edits leads between reads that leave the caches of different
// ages, and then asks for a lead in every way.
func TestOneOperationOneTruth(t *testing.T) {
	t.Parallel()
	for _, state := range cacheStates {
		for _, textbook := range []bool{false, true} {
			t.Run(fmt.Sprint(state.name, textbook), func(t *testing.T) {
				t.Parallel()
				s := truthService(t, state, textbook)
				rapid.Check(t, func(r *rapid.T) { asking{s, t}.checkTruth(r) })
			})
		}
	}
}

// asking is a service that is asked in a test.
type asking struct {
	service
	outer *testing.T
}

// checkTruth runs random edits and operations.
func (s asking) checkTruth(t *rapid.T) {
	for step := range rapid.IntRange(1, 8).Draw(t, "steps") {
		ids, tenants := s.platform.IDs(), s.platform.Tenants()
		if len(ids) < 8 {
			s.platform.Insert(rapid.IntRange(0, len(ids)).Draw(t, "at"), 4)
			continue
		}
		id := rapid.SampledFrom(ids).Draw(t, "id")
		tenant := s.tenantOf(id)
		fresh := []string{}
		if rapid.Bool().Draw(t, "no-cache") {
			fresh = []string{"Cache-Control", "no-cache"}
		}
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			s.platform.Edit(id, map[string]any{
				"status":   rapid.SampledFrom([]string{"Active", "Removed", "Suspended"}).Draw(t, "status"),
				"comments": []string{fmt.Sprint(step, id)},
			})
		case 1:
			s.platform.Remove(slices.Index(ids, id), 1)
		case 2:
			s.platform.Insert(rapid.IntRange(0, len(ids)).Draw(t, "at"), 1)
		case 3: // one cache gets newer than the others
			n := rapid.IntRange(0, len(ways)-1).Draw(t, "way")
			s.truth(t, `{ w`+fmt.Sprint(n)+`: `+way(n, id, tenant)+` }`, id, tenant, fresh)
		case 4:
			s.showsNodes(t, rapid.SampledFrom([]int{0, 1, 4, 5}).Draw(t, "way"), id, rapid.SampledFrom(tenants).Draw(t, "tenant"), fresh)
		default:
			var document strings.Builder
			for n := range ways {
				field := fmt.Sprintf(" w%d: %s", n, way(n, id, tenant))
				switch rapid.IntRange(0, 5).Draw(t, "asked") {
				case 0:
				case 1:
					fmt.Fprintf(&document, ` ... @defer(label: "d%d") {%s}`, n, field)
				default:
					document.WriteString(field)
				}
			}
			if rapid.Bool().Draw(t, "two") {
				other := rapid.SampledFrom(ids).Draw(t, "other")
				fmt.Fprintf(&document, " other: %s", way(0, other, s.tenantOf(other)))
			}
			s.truth(t, `{ __typename`+document.String()+` }`, id, tenant, fresh)
		}
	}
}

func (s service) tenantOf(id string) string {
	var row struct{ TenantID string }
	_ = json.Unmarshal(s.platform.Row(id), &row)
	return row.TenantID
}

// truth runs a document and fails if its answer contradicts itself.
func (s asking) truth(t *rapid.T, document, id, tenant string, header []string) map[string]any {
	t.Helper()
	var data map[string]any
	if strings.Contains(document, "@defer") {
		merged, errs := s.merge(s.outer, byPath, document)
		if data, _ = merged.(map[string]any); len(errs) > 0 || data == nil {
			t.Fatalf("%s: %v %v", document, merged, errs)
		}
	} else if a := apptest.Post(s.outer, s.url, apptest.Body(document, nil), header...); len(a.Errors) > 0 || json.Unmarshal(a.Data, &data) != nil {
		t.Fatalf("%s: %s", document, a.Body)
	}
	if found := contradiction(data, id, tenant); found != "" {
		t.Fatalf("%s\n%s", found, document)
	}
	return data
}

// showsNodes shows leads in one way. The next operation must find them by their ids, unless
// the platform has removed them since they were read.
func (s asking) showsNodes(t *rapid.T, n int, id, tenant string, header []string) {
	for _, l := range leadsIn(s.truth(t, `{ w`+fmt.Sprint(n)+`: `+way(n, id, tenant)+` }`, id, tenant, header)) {
		data := s.truth(t, `{ w2: `+way(2, l.ID, "")+` }`, l.ID, "", nil)
		if data["w2"] == nil && slices.Contains(s.platform.IDs(), l.ID) {
			t.Fatalf("node of lead %s, which way %d has just shown, is null", l.ID, n)
		}
	}
}

// A row that contradicts the filter is left out, and the page is filled from the rows
// after it. Order and counts are those of the catalogue.
func TestChangedLeadLeavesItsPage(t *testing.T) {
	t.Parallel()
	s := truthService(t, cacheStates[0], false)
	const page = `leads(first: 3, filter: {status: [ACTIVE]}) { totalCount asOf freshness nodes ` + shownFields + ` pageInfo { endCursor } }`
	type answer struct {
		Leads struct {
			TotalCount int
			AsOf       time.Time
			Freshness  string
			Nodes      []shown
		}
		Node, Lead *shown
	}
	before := data[answer](t, s.query(t, `{ `+page+` }`))
	if before.Leads.TotalCount < 5 || before.Leads.Freshness != "FRESH" || before.Leads.Nodes[0].AsOf != before.Leads.AsOf {
		t.Fatalf("%+v", before)
	}
	changed, gone := before.Leads.Nodes[0], before.Leads.Nodes[1]
	s.platform.Edit(changed.ID, map[string]any{"status": "Removed"})
	s.platform.Remove(slices.Index(s.platform.IDs(), gone.ID), 1)
	for _, l := range []shown{changed, gone} { // lookups find out
		data[any](t, s.post(t, apptest.Body(`{ lead(tenantId: "`+l.TenantID+`") { id } }`, nil), "Cache-Control", "no-cache"))
	}
	after := data[answer](t, s.query(t, `{ `+page+` node(id: "`+changed.ID+`") { ... on Lead `+shownFields+` } lead(tenantId: "`+gone.TenantID+`") `+shownFields+` }`))
	if n := after.Leads; len(n.Nodes) != 3 || n.Nodes[0].ID != before.Leads.Nodes[2].ID || n.TotalCount != before.Leads.TotalCount || n.AsOf != before.Leads.AsOf {
		t.Errorf("page %+v", n)
	}
	if after.Node == nil || after.Node.Status != "REMOVED" || after.Node.AsOf.Before(before.Leads.AsOf) || after.Lead != nil {
		t.Errorf("node %+v, lead %+v", after.Node, after.Lead)
	}
	if s.memory.Len() != 2 {
		t.Errorf("%d leads are remembered, want the two that changed", s.memory.Len())
	}
}

// A lead that a page of the platform has just shown is found although the catalogue is
// older, at no more than one call.
func TestNodeAfterPage(t *testing.T) {
	t.Parallel()
	s := truthService(t, cacheStates[0], false)
	data[any](t, s.query(t, `{ leadStats { total } }`))
	inserted := s.platform.Insert(0, 1)[0]
	s.platform.ResetCalls()
	data[any](t, s.query(t, `{ leads(first: 2) { nodes { id status } } }`))
	s.wantCalls(t, 0, 1)
	for _, test := range []struct {
		selection string
		calls     int
	}{{"status", 0}, {"comments", 1}, {"comments", 1}} {
		got := data[struct{ Node *shown }](t, s.query(t, `{ node(id: "`+inserted+`") { ... on Lead { id `+test.selection+` } } }`))
		if got.Node == nil || got.Node.ID != inserted {
			t.Errorf("%s: %+v", test.selection, got)
		}
		s.wantCalls(t, test.calls, 1)
	}
	got := data[struct{ Node *shown }](t, s.query(t, `{ node(id: "none") { id } }`)) // the catalogue is young
	if got.Node != nil {
		t.Errorf("%+v", got.Node)
	}
	s.wantCalls(t, 1, 1)
}

func TestFreshnessOfAFailingPlatform(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{catalogue: catalogue.Options{TTL: time.Nanosecond, StaleIfError: time.Hour}})
	const query = `{ leads(last: 1) { freshness } leadStats { freshness } window: leads(first: 1) { freshness } }`
	if got := fmt.Sprint(data[any](t, s.query(t, query))); strings.Count(got, "FRESH") != 3 {
		t.Error(got)
	}
	s.platform.Inject(sandbox.Fault{Status: 503, Times: -1})
	const two = `{ leads(last: 1) { freshness } leadStats { freshness } }`
	if got := fmt.Sprint(data[any](t, s.query(t, two))); strings.Count(got, "STALE") != 2 {
		t.Error(got)
	}
}

// A page that the platform fails to answer is taken from the catalogue that the other
// fields show, although a newer one has been read meanwhile.
func TestOldLeadsOfOneOperationAreOneCatalogue(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{catalogue: catalogue.Options{TTL: 1, StaleWhileRevalidate: time.Hour, StaleIfError: time.Hour, ResortAge: time.Hour}})
	const stats = `{ leadStats { asOf } }`
	s.query(t, stats)
	first := data[leadsPage](t, s.query(t, `{ leads(first: 5) { nodes { id } pageInfo { endCursor } } }`))
	s.platform.Insert(0, 30) // the page after it is not where it was, so a second read must find it
	s.platform.OnPage(func(call sandbox.PageCall) {
		if call.Size < 50 {
			s.post(t, apptest.Body(stats, nil), "Cache-Control", "no-cache")
			s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Status: 503, Times: -1})
		}
	})
	a := s.query(t, `query($c: Cursor) { stats: leadStats { asOf } leads(first: 5, after: $c) { asOf freshness } }`, "c", first.Leads.PageInfo.EndCursor)
	got := data[struct {
		Stats, Leads struct {
			AsOf      time.Time
			Freshness string
		}
	}](t, a)
	if !got.Stats.AsOf.Equal(got.Leads.AsOf) || got.Leads.Freshness != "STALE" {
		t.Errorf("one operation shows catalogues of %v and %v, %s", got.Stats.AsOf, got.Leads.AsOf, got.Leads.Freshness)
	}
}
