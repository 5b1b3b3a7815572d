package graph_test

import (
	"testing"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
)

// Pages, statistics and changes name the revision that they show. The name stays while no
// lead changes, and there is none where an answer does not show exactly one revision.
func TestAnswersNameTheirRevision(t *testing.T) {
	t.Parallel()
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Textbook = textbook }})
		type named struct{ Revision string }
		type answer struct {
			Stats, Page, All named
			Window, Tenant   struct{ Revision *string }
		}
		const query = `{ stats: leadStats { revision } page: leads(first: 3, orderBy: {field: COMPANY_NAME}) { revision }
			all: leads(first: 1000, filter: {isDirectLead: true}) { revision changeCursor }
			window: leads(first: 2) { revision } tenant: leads(filter: {tenantId: ["` + seedTenant + `"]}) { revision } }`
		ask := func() string {
			t.Helper()
			a := data[answer](t, s.post(t, apptest.Body(query, nil), "Cache-Control", "no-cache"))
			if a.Stats.Revision == "" || a.Stats != a.Page || a.Stats != a.All {
				t.Errorf("%+v", a)
			}
			return a.Stats.Revision
		}
		window := data[answer](t, s.query(t, `{ window: leads(first: 2) { revision } tenant: leads(filter: {tenantId: ["`+seedTenant+`"]}) { revision } }`))
		if window.Window.Revision != nil || window.Tenant.Revision != nil {
			t.Errorf("what was read from the platform has a revision: %+v", window)
		}
		ask() // the platform fills in addresses when a lead is read for the first time
		_, from := s.list(t, nil)
		first := ask()
		if again := ask(); again != first {
			t.Errorf("nothing has changed, but %s is now %s", first, again)
		}
		for _, id := range s.platform.IDs()[:3] {
			s.platform.Edit(id, values{"channelId": "5"})
		}
		type some struct {
			Revision *string
			Nodes    []change
		}
		polled := func(first int) some {
			t.Helper()
			query := `query($after: ChangeCursor!, $first: Int!) { leadChanges(after: $after, first: $first) { revision nodes { kind } } }`
			return data[struct{ LeadChanges some }](t, s.query(t, query, "after", from, "first", first)).LeadChanges
		}
		second := ask()
		if part := polled(2); second == first || len(part.Nodes) != 2 || part.Revision != nil {
			t.Errorf("a part of revision %s is named %+v", second, part)
		}
		if whole := polled(3); len(whole.Nodes) != 3 || whole.Revision == nil || *whole.Revision != second {
			t.Errorf("the changes lead to %+v, and the list is %s", whole, second)
		}
		stream := s.subscribe(t, `subscription($after: ChangeCursor) { leadChanges(after: $after) { revision } }`, values{"after": from})
		if got := data[struct{ LeadChanges named }](t, stream.answer()).LeadChanges.Revision; got != second {
			t.Errorf("the batch leads to %s, and the list is %s", got, second)
		}
	}
}
