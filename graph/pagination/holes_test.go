package pagination_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

// readHoles reads a window of a list whose holes are empty texts. The functions that
// never get a hole fail if they do.
func (s *server) readHoles(t rapid.TB, w pagination.Window) pagination.Result[string] {
	t.Helper()
	s.plans = nil
	source := pagination.Source[string]{
		MaxSize: func() int { return s.maxSize }, Fetch: s.fetch,
		Hole: func(id string) bool { return id == "" },
		Hash: func(id string) uint64 {
			if id == "" {
				t.Fatal("the hash of a hole")
			}
			return lead.AnchorHash(id)
		},
	}
	r, err := source.Read(w, pagination.Wants{Next: true, Cursors: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawHoles draws a list with runs of holes of any length at any place.
func drawHoles(t *rapid.T) *server {
	s := &server{maxSize: rapid.IntRange(1000, 2000).Draw(t, "maximum")}
	for range rapid.IntRange(0, 12).Draw(t, "runs") {
		for range rapid.SampledFrom([]int{0, 1, 2, 5, 40}).Draw(t, "holes") {
			s.ids = append(s.ids, "")
		}
		for range rapid.SampledFrom([]int{0, 1, 3, 9}).Draw(t, "rows") {
			s.ids = append(s.ids, fmt.Sprintf("lead-%d", len(s.ids)))
		}
	}
	return s
}

// Every page but the last is full, the pages together have every readable row once and
// every hole once, and hasNextPage and hasPreviousPage are true exactly if a readable
// row follows.
func TestWalkOverHoles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawHoles(t)
		rows := slices.DeleteFunc(slices.Clone(s.ids), func(id string) bool { return id == "" })
		holes := len(s.ids) - len(rows)
		w := pagination.Window{List: plain, Size: rapid.IntRange(1, 12).Draw(t, "size")}
		var seen []string
		unreadable := 0
		for {
			r := s.readHoles(t, w)
			checkHoles(t, s, w, r)
			seen, unreadable = append(seen, r.Rows...), unreadable+r.Unreadable
			if more := len(seen) < len(rows); r.HasNextPage != more || more && len(r.Rows) < w.Size {
				t.Fatalf("after %d of %d rows: %d on the page, hasNextPage %v", len(seen), len(rows), len(r.Rows), r.HasNextPage)
			}
			if w.After = r.EndCursor(); !r.HasNextPage {
				break
			}
		}
		// Holes after the last row belong to its page only if that page is not full.
		trailing := len(s.ids) - len(strings.TrimRight(strings.Join(mapHoles(s.ids), ""), "."))
		if diff := cmp.Diff(append([]string(nil), rows...), seen); diff != "" || unreadable != holes && unreadable != holes-trailing {
			t.Fatalf("%d of %d holes; rows (-want +got):\n%s", unreadable, holes, diff)
		}
		if w.After == nil {
			return
		}
		w = pagination.Window{List: plain, Size: w.Size, Backward: true, Before: w.After}
		var back []string
		for {
			r := s.readHoles(t, w)
			back = append(slices.Clone(r.Rows), back...)
			if more := len(back) < len(rows)-1; r.HasPreviousPage != more || more && len(r.Rows) < w.Size {
				t.Fatalf("back %d of %d rows: %d on the page, hasPreviousPage %v", len(back), len(rows)-1, len(r.Rows), r.HasPreviousPage)
			}
			if w.Before = r.StartCursor(); !r.HasPreviousPage {
				break
			}
		}
		if diff := cmp.Diff(append([]string(nil), rows[:len(rows)-1]...), append([]string(nil), back...)); diff != "" {
			t.Fatalf("backward (-want +got):\n%s", diff)
		}
	})
}

func mapHoles(ids []string) []string {
	marks := make([]string, len(ids))
	for i, id := range ids {
		if marks[i] = "x"; id == "" {
			marks[i] = "."
		}
	}
	return marks
}

// checkHoles checks that cursors are those of readable rows at their places in the list.
func checkHoles(t *rapid.T, s *server, w pagination.Window, r pagination.Result[string]) {
	t.Helper()
	for i, id := range r.Rows {
		c := r.Cursor(i)
		if id == "" || s.ids[c.Ordinal] != id || c.Anchor != lead.AnchorHash(id) || c.List != w.List {
			t.Fatalf("row %q has the cursor %+v", id, c)
		}
	}
}

// A hole at each place of a page and of the pages around it.
func TestHoleAtEachPlace(t *testing.T) {
	t.Parallel()
	for place := range 30 {
		s := newServer(30, 100)
		w := pagination.Window{List: plain, Size: 10, After: s.cursor(9)}
		s.ids[place] = ""
		r := s.readHoles(t, w)
		want, holes := s.ids[10:20], 0
		if place == 9 { // it replaces the row of the cursor
			holes = 1
		}
		if 10 <= place && place < 20 {
			want, holes = slices.Delete(slices.Clone(s.ids[10:21]), place-10, place-9), 1
		}
		if diff := cmp.Diff(want, r.Rows); diff != "" || r.Unreadable != holes || !r.HasNextPage || !r.HasPreviousPage {
			t.Errorf("hole at %d: %d unreadable, %+v (-want +got):\n%s", place, r.Unreadable, see(r), diff)
		}
	}
}
