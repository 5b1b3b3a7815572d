package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"leadgraph/graph"
	"leadgraph/graph/pagination"
	"leadgraph/upstream/sandbox"
)

func TestAnEmptyCursorMeansNone(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	ids := s.platform.IDs()
	if page := data[leadsPage](t, s.query(t, forward, "n", 3, "c", "")); !slices.Equal(page.ids(), ids[:3]) {
		t.Errorf(`after "": %v`, page.ids())
	}
	if page := data[leadsPage](t, s.query(t, backward, "n", 3, "c", "")); !slices.Equal(page.ids(), ids[len(ids)-3:]) {
		t.Errorf(`before "": %v`, page.ids())
	}
}

func TestARefusedCursorSaysWhy(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	other := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Cursors = pagination.NewSeal("other", []byte("key")) }})
	filtered := data[table](t, s.query(t, `{ leads(first: 1, filter: {status: [ACTIVE]}) `+tableFields+` }`))
	foreign := data[table](t, other.query(t, `{ leads(first: 1) `+tableFields+` }`))
	for cursor, reason := range map[string]string{
		"37":                               "malformed",
		*foreign.Leads.PageInfo.EndCursor:  "foreign",
		*filtered.Leads.PageInfo.EndCursor: "list",
		"AQEAAAAAkoZXfB1Fnf8AAAAAAAAAAL9U6XaWoNuqqUD3BVgHESE": "expired",
	} {
		a := s.query(t, forward, "n", 1, "c", cursor)
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" || a.Errors[0].Extensions["reason"] != reason {
			t.Errorf("%s: %s", reason, a.Body)
		}
	}
}

// A page says whether the list has leads on both sides, although a cursor bounds it.
func TestBoundedPagesTellTheTruth(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, list := range []string{``, `, filter: {not: {status: []}}`, `, orderBy: {field: STATUS}`} {
		all := data[leadsPage](t, s.query(t, `{ leads(first: 5`+list+`) { edges { cursor node { id } } } }`))
		for arguments, want := range map[string]string{
			`first: 5, after: %[2]q, before: %[4]q`: "[2] true true",
			`last: 5, after: %[2]q, before: %[4]q`:  "[2] true true",
			`first: 5, before: %[3]q`:               "[0 1] true false",
			`last: 1, before: %[1]q`:                "[] true false",
			`first: 5, after: %[3]q, before: %[4]q`: "[] false true", // nothing follows an empty page
		} {
			cursors := make([]any, 5)
			for i := range all.Leads.Edges {
				cursors[i] = all.Leads.Edges[i].Cursor
			}
			text := fmt.Sprintf(`{ leads(`+arguments+list+`) { edges { node { id } } pageInfo { hasNextPage hasPreviousPage } } }`, cursors...)
			text, _, _ = strings.Cut(text, "%!(EXTRA")
			page := data[leadsPage](t, s.query(t, text))
			got := []int{}
			for _, id := range page.ids() {
				got = append(got, slices.Index(all.ids(), id))
			}
			if text := fmt.Sprint(got, page.Leads.PageInfo.HasNextPage, page.Leads.PageInfo.HasPreviousPage); text != want {
				t.Errorf("leads(%s%s): %s, want %s", arguments, list, text, want)
			}
		}
	}
}

// A page of older leads must not follow a page of newer ones: if the replica cannot
// refresh its leads, the page is an error.
func TestAReplicaThatCannotCatchUpAnswersAnError(t *testing.T) {
	t.Parallel()
	key := func(o *graph.Options) { o.Cursors = pagination.NewSeal("account", []byte("key")) }
	older, newer := newService(t, serviceOptions{graph: key}), newService(t, serviceOptions{graph: key})
	const query = `query($c: Cursor) { leads(first: 3, after: $c, orderBy: {field: STATUS}) ` + tableFields + ` }`
	data[table](t, older.query(t, query, "c", nil)) // reads its catalogue first
	page := data[table](t, newer.query(t, query, "c", nil))
	older.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: 503})
	a := older.query(t, query, "c", page.Leads.PageInfo.EndCursor)
	if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "UPSTREAM_UNAVAILABLE" {
		t.Errorf("answer %s", a.Body)
	}
}

// The list of several tenants has the platform's order once a catalogue is at hand.
// Before that it is ordered by tenant and id, whatever the order in the filter.
func TestTheOrderOfATenantListDoesNotDependOnTheRequest(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	tenants := s.platform.Tenants()[:6]
	ask := func() [2][]string {
		var lists [2][]string
		for i := range lists {
			page := data[leadsPage](t, s.query(t, `query($f: LeadFilter) { leads(filter: $f) { edges { node { id } } } }`, "f", map[string]any{"tenantId": tenants}))
			lists[i] = page.ids()
			slices.Reverse(tenants)
		}
		return lists
	}
	if lists := ask(); !slices.Equal(lists[0], lists[1]) {
		t.Errorf("without a catalogue: %v", lists)
	}
	data[any](t, s.query(t, `{ leadStats { total } }`))
	lists := ask()
	position := func(id string) int { return slices.Index(s.platform.IDs(), id) }
	inOrder := slices.IsSortedFunc(lists[0], func(a, b string) int { return position(a) - position(b) })
	if !slices.Equal(lists[0], lists[1]) || !inOrder || len(lists[0]) < 6 {
		t.Errorf("with a catalogue: %v", lists)
	}
}
