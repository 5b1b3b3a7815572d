package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// stir is a change of the list before a call.
type stir struct{ call, kind, at, rows int }

func drawStir(t *rapid.T) stir {
	return stir{
		call: rapid.IntRange(1, 9).Draw(t, "call"), kind: rapid.IntRange(0, 4).Draw(t, "kind"),
		at: rapid.IntRange(0, 120).Draw(t, "at"), rows: rapid.IntRange(1, 30).Draw(t, "rows"),
	}
}

// apply changes the list and returns the leads that are gone or have moved.
func (s stir) apply(platform *sandbox.Server) (gone []string) {
	ids := platform.IDs()
	n := len(ids)
	at := s.at % (n + 1)
	gone = ids[at:min(at+1, n)]
	switch s.kind {
	case 0, 1:
		return platform.Remove(at, s.rows)
	case 2:
		platform.Insert(at, s.rows)
		return nil
	case 3:
		platform.Move(at, 0)
	default:
		platform.Move(at, n)
	}
	return gone
}

// A walk that saw no change has all leads that were there throughout. One that saw a
// change has nearly all: see backend for the second reading.
func TestWalkSeesChanges(t *testing.T) {
	t.Parallel()
	walks, changed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		platform, err := sandbox.New(sandbox.Options{
			Leads: rapid.IntRange(1, 120).Draw(rt, "leads"), NoAuth: true,
			FirstPage: rapid.IntRange(0, 1).Draw(rt, "first page"),
			CutAbove:  rapid.SampledFrom([]int{0, 0, 12, 25}).Draw(rt, "cut"),
			PastEnd:   rapid.SampledFrom([]string{"", "404"}).Draw(rt, "past the end"),
		})
		if err != nil {
			rt.Fatal(err)
		}
		server := httptest.NewServer(platform)
		defer server.Close()
		client, err := upstream.NewClient(upstream.Options{BaseURL: server.URL + sandbox.BasePath, Retries: -1})
		if err != nil {
			rt.Fatal(err)
		}
		defer client.Close()
		stay := platform.IDs()
		plan := rapid.SliceOfN(rapid.Custom(drawStir), 0, 3).Draw(rt, "changes")
		size := rapid.IntRange(8, 50).Draw(rt, "page size")
		calls := 0
		platform.OnPage(func(sandbox.PageCall) {
			calls++
			for _, s := range plan {
				if s.call == calls {
					gone := s.apply(platform)
					if len(plan) == 1 && s.kind > 2 {
						gone = nil // a single move shows, two can hide each other
					}
					stay = slices.DeleteFunc(stay, func(id string) bool { return slices.Contains(gone, id) })
				}
			}
		})
		walk, err := client.AllLeads(t.Context(), size)
		platform.OnPage(nil)
		if source, ok := errors.AsType[*lead.SourceError](err); ok && source.Status == http.StatusNotFound && len(plan) > 0 {
			return // the end has moved, so nothing proves that it is one
		}
		if err != nil || calls > 300 {
			rt.Fatalf("%d calls, error %v", calls, err)
		}
		if !walk.Complete {
			if !walk.Changed {
				rt.Fatal("the end was not reached")
			}
			return
		}
		walks++
		got := ids(walk.Leads)
		lost := slices.DeleteFunc(slices.Clone(stay), func(id string) bool { return slices.Contains(got, id) })
		if walk.Changed {
			changed++
		} else if len(lost) > 0 {
			rt.Fatalf("lost without a sign: %v", lost)
		}
	})
	if changed == 0 || changed == walks {
		t.Errorf("%d of %d walks saw a change", changed, walks)
	}
}

// Unreadable rows count once, although pages overlap.
func TestHolesInOverlaps(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 100}, nil)
	want := platform.IDs()
	for _, at := range []int{0, 1, 17, 18, 19, 20, 21, 22, 23, 24, 25, 40, 60, 61, 98, 99} {
		platform.Spoil(at, map[string]any{"id": nil})
		want[at] = ""
	}
	want = slices.DeleteFunc(want, func(id string) bool { return id == "" })
	for _, size := range []int{5, 9, 20, 50, 200} {
		walk, err := client.AllLeads(t.Context(), size)
		if diff := cmp.Diff(want, ids(walk.Leads)); err != nil || !walk.Complete || walk.Changed || walk.Unreadable != 16 || diff != "" {
			t.Errorf("pages of %d: complete %v, changed %v, %d unreadable, error %v (-want +got):\n%s",
				size, walk.Complete, walk.Changed, walk.Unreadable, err, diff)
		}
	}
}

// A page costs no more than its overlap: a long list takes hardly more calls than pages.
func TestCallsOfALongWalk(t *testing.T) {
	t.Parallel()
	platform, client, _ := newSandbox(t, sandbox.Options{Leads: 5000}, nil)
	for size, most := range map[int]int{20: 500, 100: 65, 1000: 8, 5000: 2, upstream.MaxPageSize: 2} {
		platform.ResetCalls()
		walk, err := client.AllLeads(t.Context(), size)
		if err != nil || !walk.Complete || len(walk.Leads) != 5000 || platform.Calls().Pages > most || walk.Calls != platform.Calls().Pages {
			t.Errorf("pages of %d: %d leads, %d calls, at most %d, error %v", size, len(walk.Leads), platform.Calls().Pages, most, err)
		}
	}
}

// A list without a stable order is reported once in a walk, and a list that only grows or
// shrinks is not.
func TestDisorderIsReported(t *testing.T) {
	t.Parallel()
	for _, unordered := range []bool{true, false} {
		reported := 0
		platform, client, log := newSandbox(t, sandbox.Options{Leads: 400, Unordered: unordered}, func(o *upstream.Options) {
			o.ObserveDisorder = func(context.Context) { reported++ }
		})
		if !unordered {
			platform.OnPage(func(sandbox.PageCall) { platform.Remove(0, 15); platform.Insert(3, 11) })
		}
		walk, err := client.AllLeads(t.Context(), 40)
		want := 0
		if unordered {
			want = 1
		}
		if n := strings.Count(log.String(), "level=WARN"); err != nil || reported != want || n < want || !walk.Changed || walk.Calls > 80 {
			t.Errorf("unordered %v: %d reports, %d warnings, changed %v, %d calls, error %v", unordered, reported, n, walk.Changed, walk.Calls, err)
		}
	}
}

// A short list without an order is not taken for one whose pages count from 1: page 1 can
// begin like page 0 by chance. Lookups would find nothing then.
func TestDisorderTellsNothingOfTheFirstPage(t *testing.T) {
	t.Parallel()
	for range 40 {
		platform, client, _ := newSandbox(t, sandbox.Options{Leads: 5, Unordered: true}, nil)
		if walk, err := client.AllLeads(t.Context(), 0); err != nil || len(walk.Leads) != 5 {
			t.Fatalf("%d leads, error %v", len(walk.Leads), err)
		}
		if leads, err := client.LeadsByTenant(t.Context(), platform.Tenants()[0], false); err != nil || len(leads) == 0 {
			t.Fatalf("%d leads of a tenant, error %v", len(leads), err)
		}
	}
}

// Leads that are inserted before the first page can make the second page repeat it. The
// list has not ended, and the platform does not ignore the number of a page.
func TestInsertedLeadsAreNoRepeatedPage(t *testing.T) {
	t.Parallel()
	for _, first := range []int{0, 1} {
		platform, err := sandbox.New(sandbox.Options{Leads: 20, NoAuth: true, FirstPage: first})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(platform)
		t.Cleanup(server.Close)
		client, err := upstream.NewClient(upstream.Options{BaseURL: server.URL + sandbox.BasePath, FirstPage: first, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		for size := 4; size < 10; size++ {
			for rows := range size { // as many as come before the second page are among them
				calls := 0
				platform.OnPage(func(sandbox.PageCall) {
					if calls++; calls == 2 {
						platform.Insert(0, rows+1)
					}
				})
				walk, err := client.AllLeads(t.Context(), size)
				if err != nil || !walk.Complete {
					t.Errorf("first page %d, size %d, %d rows: complete %t, %v", first, size, rows+1, walk.Complete, err)
				}
			}
		}
	}
}
