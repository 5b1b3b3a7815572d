package upstream_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// quirks are platforms that page oddly, by name.
func quirks() map[string]sandbox.Options {
	all := map[string]sandbox.Options{
		"plain":                  {},
		"from 1, page 0 empty":   {FirstPage: 1, PageZero: sandbox.PageZeroEmpty},
		"from 1, page 0 repeats": {FirstPage: 1, PageZero: sandbox.PageZeroRepeat},
	}
	for _, limit := range []int{7, 100, 250} {
		all[fmt.Sprintf("cut at %d", limit)] = sandbox.Options{CutAbove: limit}
		all[fmt.Sprintf("cut at %d, offsets kept", limit)] = sandbox.Options{CutAbove: limit, CutKeepsOffset: true}
	}
	for _, end := range []string{sandbox.NothingNull, sandbox.NothingBlank, sandbox.NothingNoContent, sandbox.NothingBare404,
		sandbox.NothingHTML404, sandbox.NothingNamed404, "400", "404", "416"} {
		all["past the end "+end] = sandbox.Options{PastEnd: end}
		all["cut, from 1, past the end "+end] = sandbox.Options{CutAbove: 60, CutKeepsOffset: true, FirstPage: 1, PageZero: sandbox.PageZeroEmpty, PastEnd: end}
	}
	for name, o := range all {
		o.Leads = quirkLeads
		all[name] = o
	}
	return all
}

// The leads are as many as pages of 50 or 25 hold exactly.
const quirkLeads = 250

func TestWalkWithQuirks(t *testing.T) {
	t.Parallel()
	for name, o := range quirks() {
		for _, size := range []int{50, 70, upstream.MaxPageSize} {
			t.Run(fmt.Sprint(name, ", pages of ", size), func(t *testing.T) {
				t.Parallel()
				platform, client, log := newSandbox(t, o, nil)
				for range 2 {
					walk, err := client.AllLeads(t.Context(), size)
					if diff := cmp.Diff(platform.IDs(), ids(walk.Leads)); err != nil || !walk.Complete || diff != "" {
						t.Fatalf("complete %v, error %v (-want +got):\n%s", walk.Complete, err, diff)
					}
				}
				facts := client.Facts()
				if want := o.CutAbove; want > 0 && want < size && want < quirkLeads/2 && facts.Cap != want {
					t.Errorf("facts %+v, want a cap of %d", facts, want)
				}
				if facts.FirstPage != o.FirstPage {
					t.Errorf("facts %+v", facts)
				}
				for _, text := range []string{"cuts pages", "numbers pages from 1", "past the end"} {
					if n := strings.Count(log.String(), text); n > 1 {
						t.Errorf("%q is logged %d times", text, n)
					}
				}
			})
		}
	}
}

// readAll reads the list with LeadsPage as graph/pagination does: pages of at most
// size leads, smaller ones when the platform has cut one.
func readAll(t *testing.T, client *upstream.Client, size int) (all []string) {
	t.Helper()
	for start := 0; ; {
		s := min(size, client.MaxPageSize())
		for start%s != 0 {
			s-- // a divisor begins a page at start
		}
		leads, err := client.LeadsPage(t.Context(), start/s, s, lead.AllParts)
		if errors.Is(err, lead.ErrPageCut) && client.MaxPageSize() < s {
			continue
		}
		if err != nil {
			t.Fatalf("page %d of %d: %v", start/s, s, err)
		}
		all = append(all, ids(leads)...)
		if start += len(leads); len(leads) < s {
			return all
		}
	}
}

func TestPagesWithQuirks(t *testing.T) {
	t.Parallel()
	for name, o := range quirks() {
		for _, size := range []int{50, 70, 1000} {
			t.Run(fmt.Sprint(name, ", pages of ", size), func(t *testing.T) {
				t.Parallel()
				platform, client, _ := newSandbox(t, o, nil)
				for range 2 {
					if diff := cmp.Diff(platform.IDs(), readAll(t, client, size)); diff != "" {
						t.Fatalf("leads (-want +got):\n%s", diff)
					}
				}
			})
		}
	}
}

// The first page that a new process reads may be any.
func TestFirstReadIsAnyPage(t *testing.T) {
	t.Parallel()
	for name, o := range quirks() {
		for _, at := range []upstream.Facts{{FirstPage: 3, Filled: 70}, {FirstPage: 2, Filled: 100}, {FirstPage: 5, Filled: 50}, {FirstPage: 9, Filled: 40}} {
			page, size := at.FirstPage, at.Filled
			t.Run(fmt.Sprint(name, ", page ", page, " of ", size), func(t *testing.T) {
				t.Parallel()
				platform, client, _ := newSandbox(t, o, nil)
				leads, err := client.LeadsPage(t.Context(), page, size, lead.AllParts)
				if errors.Is(err, lead.ErrPageCut) && client.MaxPageSize() == o.CutAbove {
					return // planned again with smaller pages
				}
				all := platform.IDs()
				want := append([]string(nil), all[min(page*size, len(all)):min((page+1)*size, len(all))]...)
				if diff := cmp.Diff(want, ids(leads)); err != nil || diff != "" {
					t.Errorf("error %v (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

// Reads cost no extra call once the paging is known.
func TestKnownPagingCostsNoCall(t *testing.T) {
	t.Parallel()
	for name, o := range quirks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Leads = 70
			platform, client, _ := newSandbox(t, o, nil)
			pages := [][2]int{{0, 100}, {1, 50}, {1, 40}, {2, 30}, {1, 70}, {3, 30}} // page and size
			for try := range 2 {
				platform.ResetCalls()
				for _, p := range pages {
					size := min(p[1], client.MaxPageSize())
					_, err := client.LeadsPage(t.Context(), p[0], size, lead.AllParts)
					if err != nil && !errors.Is(err, lead.ErrPageCut) {
						t.Fatal(err)
					}
				}
				if calls := platform.Calls().Pages; try > 0 && calls != len(pages) {
					t.Errorf("%d calls for %d pages", calls, len(pages))
				}
			}
		})
	}
}

func TestPagingChangesWhileItRuns(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]sandbox.Paging{
		"begins to cut":           {{}, {CutAbove: 30}},
		"begins to cut, in place": {{}, {CutAbove: 30, CutKeepsOffset: true}},
		"cuts more":               {{CutAbove: 100}, {CutAbove: 40}},
		"ends otherwise":          {{}, {PastEnd: "404"}},
		"counts from 1":           {{}, {FirstPage: 1, PageZero: sandbox.PageZeroEmpty}},
		"counts from 0":           {{FirstPage: 1, PageZero: sandbox.PageZeroEmpty}, {}},
	} {
		for _, order := range [][]int{{0, 2}, {2, 0}} {
			t.Run(fmt.Sprintf("%s, page %d first", name, order[0]), func(t *testing.T) {
				t.Parallel()
				platform, client, _ := newSandbox(t, sandbox.Options{Leads: quirkLeads}, nil)
				for _, paging := range change {
					platform.SetPaging(paging)
					walk, err := client.AllLeads(t.Context(), 1000)
					if diff := cmp.Diff(platform.IDs(), ids(walk.Leads)); err != nil || !walk.Complete || diff != "" {
						t.Fatalf("walk: complete %v, error %v (-want +got):\n%s", walk.Complete, err, diff)
					}
					if diff := cmp.Diff(platform.IDs(), readAll(t, client, 1000)); diff != "" {
						t.Fatalf("pages (-want +got):\n%s", diff)
					}
				}
			})
		}
		// Without a walk, pages notice it as well.
		platform, client, _ := newSandbox(t, sandbox.Options{Leads: quirkLeads}, nil)
		for _, paging := range []sandbox.Paging{{}, {CutAbove: 90}, {CutAbove: 30, CutKeepsOffset: true}, {CutAbove: 30, FirstPage: 1, PageZero: sandbox.PageZeroEmpty}} {
			platform.SetPaging(paging)
			if diff := cmp.Diff(platform.IDs(), readAll(t, client, 200)); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", paging, diff)
			}
		}
	}
}

// A platform that refuses large pages is no platform whose list ends. Once it has filled
// a page, the sizes that it accepts are found.
func TestRefusedSizes(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"", "400"} {
		for name, read := range map[string]func(*upstream.Client) error{
			"first page": func(c *upstream.Client) error {
				_, err := c.LeadsPage(t.Context(), 0, 100, lead.AllParts)
				return err
			},
			"later page": func(c *upstream.Client) error {
				_, err := c.LeadsPage(t.Context(), 1, 100, lead.AllParts)
				return err
			},
			"walk": func(c *upstream.Client) error {
				walk, err := c.AllLeads(t.Context(), 0)
				if err == nil && len(walk.Leads) == 250 && walk.Complete {
					err = lead.ErrPageCut // as expected of the others
				}
				return err
			},
		} {
			platform, client, log := newSandbox(t, sandbox.Options{Leads: 250, RefuseAbove: 80, PastEnd: end}, nil)
			_, fresh := client.LeadsPage(t.Context(), 0, 100, lead.AllParts)
			wantKind(t, fresh, lead.FailureRejected)
			readAll(t, client, 50) // which shows how the list ends
			if err := read(client); !errors.Is(err, lead.ErrPageCut) || client.MaxPageSize() < 64 || client.MaxPageSize() > 80 {
				t.Errorf("%s: error %v, pages of %d", name, err, client.MaxPageSize())
			}
			if diff := cmp.Diff(platform.IDs(), readAll(t, client, 1000)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if n := strings.Count(log.String(), "refuses large pages"); n != 1 {
				t.Errorf("%s: %d warnings", name, n)
			}
		}
	}
}

// The number of the first page may change while the server runs. Pages notice it at once
// where page 0 has no leads, and after a minute everywhere.
func TestFirstPageChangesUnderPages(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]sandbox.Paging{
		"0 to 1, empty":   {{}, {FirstPage: 1, PageZero: sandbox.PageZeroEmpty}},
		"0 to 1, repeats": {{}, {FirstPage: 1, PageZero: sandbox.PageZeroRepeat}},
		"0 to 1, refused": {{}, {FirstPage: 1, PageZero: sandbox.PageZeroError}},
		"1 to 0":          {{FirstPage: 1, PageZero: sandbox.PageZeroRepeat}, {}},
		"1 to 0, empty":   {{FirstPage: 1, PageZero: sandbox.PageZeroEmpty}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform, client, _ := newSandbox(t, sandbox.Options{Leads: quirkLeads}, nil)
			for _, paging := range change {
				platform.SetPaging(paging)
				upstream.Forget(client)
				for page, want := range map[int][]string{2: platform.IDs()[100:150], 0: platform.IDs()[:50]} {
					leads, err := client.LeadsPage(t.Context(), page, 50, lead.AllParts)
					if diff := cmp.Diff(want, ids(leads)); err != nil || diff != "" {
						t.Fatalf("page %d: error %v (-want +got):\n%s", page, err, diff)
					}
				}
				platform.ResetCalls()
				if _, err := client.LeadsPage(t.Context(), 2, 50, lead.AllParts); err != nil || platform.Calls().Pages != 1 {
					t.Errorf("%d calls, error %v", platform.Calls().Pages, err)
				}
			}
			if paging := change[1]; paging.FirstPage == 1 && paging.PageZero != sandbox.PageZeroRepeat {
				platform.SetPaging(change[0])
				readAll(t, client, 50)
				platform.SetPaging(paging)
				upstream.Forget(client)
				if diff := cmp.Diff(platform.IDs(), readAll(t, client, 50)); diff != "" {
					t.Errorf("pages (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestNoEndWithoutLeads(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"HTML": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound); write(w, "<html>") },
		"JSON": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			write(w, `{"status":404}`)
		},
		"blank": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
	} {
		client := newPagedClient(t, answer, nil)
		_, first := client.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		_, later := client.LeadsPage(t.Context(), 3, 10, lead.AllParts)
		_, all := client.AllLeads(t.Context(), 10)
		_, tenant := client.LeadsByTenant(t.Context(), tenantA, false)
		for _, err := range []error{first, later, all, tenant} {
			wantKind(t, err, lead.FailureRejected)
		}
		if facts := client.Facts(); facts.Answered || facts.End != "" {
			t.Errorf("%s: facts %+v", name, facts)
		}
	}
}

func TestEveryWayToSayNoLead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{sandbox.NothingEmpty, sandbox.NothingNull, sandbox.NothingBlank, sandbox.NothingNoContent,
		sandbox.NothingBare404, sandbox.NothingNamed404, "404"} {
		for _, first := range []int{0, 1} {
			_, client, _ := newSandbox(t, sandbox.Options{Leads: 20, UnknownTenant: kind, FirstPage: first, PageZero: sandbox.PageZeroEmpty}, nil)
			leads, err := client.LeadsByTenant(t.Context(), "00000000-0000-4000-8000-000000000000", false)
			if err != nil || len(leads) != 0 {
				t.Errorf("%s, first page %d: %d leads, error %v", kind, first, len(leads), err)
			}
		}
	}
	_, client, _ := newSandbox(t, sandbox.Options{Leads: 20, UnknownTenant: sandbox.NothingHTML404}, nil)
	_, err := client.LeadsByTenant(t.Context(), "00000000-0000-4000-8000-000000000000", false)
	wantKind(t, err, lead.FailureRejected)
}
