package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/graph"
	"leadgraph/upstream/sandbox"
)

type holesPage struct {
	Leads struct {
		Unreadable int
		TotalCount *int
		Nodes      []struct{ ID string }
		Edges      []struct {
			Cursor string
			Node   struct{ ID string }
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   *string
		}
	}
}

// Rows that cannot be read take no other away: pages are full, each readable lead comes
// once, and the pages together count every hole once.
func TestUnreadableRowsOnPages(t *testing.T) {
	t.Parallel()
	for _, textbook := range []bool{false, true} {
		t.Run(fmt.Sprint("textbook ", textbook), func(t *testing.T) {
			t.Parallel()
			testHoles(t, textbook)
		})
	}
}

func testHoles(t *testing.T, textbook bool) {
	t.Helper()
	holes := []int{0, 1, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 33, 48, 49}
	const document = `query($after: Cursor) {leads(first: 5, after: $after) {unreadable edges {cursor node {id}} pageInfo {hasNextPage endCursor}}}`
	s := newService(t, serviceOptions{
		sandbox: sandbox.Options{Leads: 50},
		graph:   func(o *graph.Options) { o.Textbook = textbook },
	})
	want := s.platform.IDs()
	for i, at := range holes {
		s.platform.Spoil(at, []map[string]any{{"id": nil}, {"tenantId": "contoso"}, {"contacts": "none"}}[i%3])
	}
	for _, at := range slices.Backward(holes) {
		want = slices.Delete(want, at, at+1)
	}
	var seen []string
	unreadable, after := 0, (*string)(nil)
	for {
		page := data[holesPage](t, s.query(t, document, "after", after)).Leads
		unreadable += page.Unreadable
		for _, edge := range page.Edges {
			seen = append(seen, edge.Node.ID)
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		if len(page.Edges) != 5 {
			t.Errorf("a page of %d leads", len(page.Edges))
		}
		after = page.PageInfo.EndCursor
	}
	if diff := cmp.Diff(want, seen); diff != "" || unreadable != len(holes) {
		t.Errorf("%d unreadable; leads (-want +got):\n%s", unreadable, diff)
	}
	fromCatalogue := data[holesPage](t, s.query(t, `{leads(first: 40) {totalCount unreadable nodes {id}}}`)).Leads
	if *fromCatalogue.TotalCount != len(want) || fromCatalogue.Unreadable != len(holes) || len(fromCatalogue.Nodes) != len(want) {
		t.Errorf("from the catalogue: %+v", fromCatalogue)
	}
	stats := data[struct {
		LeadStats struct{ Total, Unreadable int }
	}](t, s.query(t, `{leadStats {total unreadable}}`)).LeadStats
	if got := fmt.Sprint(stats); got != fmt.Sprintf("{%d %d}", len(want), len(holes)) {
		t.Errorf("statistics are %s", got)
	}
}
