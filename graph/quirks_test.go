package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"leadgraph/graph"
	"leadgraph/upstream/sandbox"
)

const forwardCounted = `query($n: Int!, $c: Cursor) { leads(first: $n, after: $c) { totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`

// pagingQuirks are the ways in which a platform may page, by name.
func pagingQuirks() map[string]sandbox.Options {
	quirks := map[string]sandbox.Options{
		"plain":                {},
		"from 1, page 0 empty": {FirstPage: 1, PageZero: sandbox.PageZeroEmpty},
		"from 1, page repeats": {FirstPage: 1, PageZero: sandbox.PageZeroRepeat},
	}
	for _, limit := range []int{2, 5, 10, 100} {
		quirks[fmt.Sprint("cut at ", limit)] = sandbox.Options{CutAbove: limit}
		quirks[fmt.Sprint("cut, offsets kept, at ", limit)] = sandbox.Options{CutAbove: limit, CutKeepsOffset: true}
	}
	for _, end := range []string{sandbox.NothingNull, sandbox.NothingBlank, sandbox.NothingNoContent, sandbox.NothingBare404,
		sandbox.NothingHTML404, sandbox.NothingNamed404, "400", "404", "416"} {
		quirks["past the end "+end] = sandbox.Options{PastEnd: end}
		quirks["everything, past the end "+end] = sandbox.Options{
			PastEnd: end, UnknownTenant: end, CutAbove: 10, CutKeepsOffset: true, FirstPage: 1, PageZero: sandbox.PageZeroEmpty,
		}
	}
	for name, quirk := range quirks {
		quirk.Leads = 250
		quirks[name] = quirk
	}
	return quirks
}

// walked reads all pages of leads with the query.
func (s service) walked(t *testing.T, query string, size int) (all []string) {
	t.Helper()
	var page leadsPage
	for page.Leads.PageInfo.HasNextPage = true; page.Leads.PageInfo.HasNextPage; {
		page = data[leadsPage](t, s.query(t, query, "n", size, "c", page.Leads.PageInfo.EndCursor))
		if all = append(all, page.ids()...); len(all) > 1000 {
			t.Fatal("the walk has no end")
		}
	}
	return all
}

// A walk gives every lead once, whatever the platform does with its pages.
func TestWalkWithQuirks(t *testing.T) {
	t.Parallel()
	for name, quirk := range pagingQuirks() {
		for _, textbook := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", textbook ", textbook), func(t *testing.T) {
				t.Parallel()
				o := serviceOptions{sandbox: quirk, detects: true, graph: func(o *graph.Options) { o.Textbook = textbook }}
				s := newService(t, o)
				for _, size := range []int{7, 50, 250, 300} {
					if got := s.walked(t, forward, size); !slices.Equal(got, s.platform.IDs()) {
						t.Errorf("first: %d gives %d leads, not the platform's", size, len(got))
					}
				}
				type counted struct{ Leads struct{ TotalCount int } }
				if got := data[counted](t, s.query(t, `{ leads(first: 3) { totalCount } }`)); got.Leads.TotalCount != 250 {
					t.Errorf("totalCount %d", got.Leads.TotalCount)
				}
				if got := s.walked(t, forwardCounted, 60); !slices.Equal(got, s.platform.IDs()) {
					t.Errorf("with the count: %d leads, not the platform's", len(got))
				}
				if got := s.walked(t, forward, 30); !slices.Equal(got, s.platform.IDs()) {
					t.Errorf("after the count: %d leads, not the platform's", len(got))
				}
			})
		}
	}
}

// The last page of one process may be the first read of the next.
func TestCursorIsTheFirstReadOfAProcess(t *testing.T) {
	t.Parallel()
	for name, quirk := range pagingQuirks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, serviceOptions{sandbox: quirk, detects: true})
			page := data[leadsPage](t, s.query(t, forward, "n", 211))
			restarted := newService(t, serviceOptions{sandbox: quirk, detects: true})
			rest := data[leadsPage](t, restarted.query(t, forward, "n", 40, "c", page.Leads.PageInfo.EndCursor))
			if got := append(page.ids(), rest.ids()...); !slices.Equal(got, s.platform.IDs()) || rest.Leads.PageInfo.HasNextPage {
				t.Errorf("%d leads, not the platform's; next page %v", len(got), rest.Leads.PageInfo.HasNextPage)
			}
			if !rest.Leads.PageInfo.HasPreviousPage {
				t.Error("no previous page")
			}
		})
	}
}

func TestPagingChangesWhileItRuns(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 250}, detects: true})
	for _, paging := range []sandbox.Paging{
		{}, {PastEnd: "404"}, {CutAbove: 30}, {CutAbove: 10, CutKeepsOffset: true}, {CutAbove: 10, FirstPage: 1, PageZero: sandbox.PageZeroEmpty},
	} {
		s.platform.SetPaging(paging)
		if got := s.walked(t, forward, 45); !slices.Equal(got, s.platform.IDs()) {
			t.Errorf("%+v: %d leads, not the platform's", paging, len(got))
		}
	}
}

// A tenant without leads is null and no error, however the platform says so.
func TestEveryUnknownTenantIsNull(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{sandbox.NothingEmpty, sandbox.NothingNull, sandbox.NothingBlank, sandbox.NothingNoContent,
		sandbox.NothingBare404, sandbox.NothingNamed404, "404"} {
		s := newService(t, serviceOptions{sandbox: sandbox.Options{Leads: 20, UnknownTenant: kind}, detects: true})
		a := s.query(t, `query($id: UUID!) { lead(tenantId: $id) { id } leadsByTenantIds(tenantIds: [$id]) { id } }`, "id", noTenant)
		if want := `{"lead":null,"leadsByTenantIds":[[]]}`; string(a.Data) != want || len(a.Errors) > 0 {
			t.Errorf("%s: %s", kind, a.Body)
		}
	}
}
