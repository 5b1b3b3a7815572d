package pagination_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

// TestRowsThatRepeatCountOnce walks lists in which some rows are repeated
// several times in a row, as a platform with a careless table join would send
// them.
func TestRowsThatRepeatCountOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newServer(rapid.IntRange(1, 40).Draw(t, "rows"), 20_000)
		once := s.ids
		s.ids = nil
		for _, id := range once {
			s.ids = append(s.ids, slices.Repeat([]string{id}, rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "times"))...)
		}
		w := pagination.Window{List: plain, Size: rapid.IntRange(1, 10).Draw(t, "size")}
		var seen []string
		for {
			r := s.read(t, w, true)
			seen = append(seen, r.Rows...)
			if !r.HasNextPage || len(seen) > len(once) {
				break
			}
			w.After = r.EndCursor()
		}
		if diff := cmp.Diff(once, seen); diff != "" {
			t.Fatalf("forward (-want +got):\n%s", diff)
		}
		w = pagination.Window{List: plain, Size: w.Size, Backward: true, Before: w.After}
		if w.Before == nil {
			return
		}
		want := once[:slices.Index(once, seen[slices.IndexFunc(once, func(id string) bool { return lead.AnchorHash(id) == w.Before.Anchor })])]
		var back []string
		for {
			r := s.read(t, w, false)
			back = append(slices.Clone(r.Rows), back...)
			if !r.HasPreviousPage || len(back) > len(want) {
				break
			}
			w.Before = r.StartCursor()
		}
		if diff := cmp.Diff(slices.Clone(want), back); diff != "" {
			t.Fatalf("backward (-want +got):\n%s", diff)
		}
	})
}

// A page has as many rows as the client asked for, although rows are repeated
// anywhere among them.
func TestRowsThatRepeatAnywhereOnAPageCountOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newServer(0, 20_000)
		once := newIDs(rapid.IntRange(1, 20).Draw(t, "rows"))
		for i := range once {
			s.ids = append(s.ids, once[i])
			for range rapid.IntRange(0, 2).Draw(t, "repeats") {
				s.ids = append(s.ids, once[rapid.IntRange(0, i).Draw(t, "again")])
			}
		}
		size := rapid.IntRange(1, 20).Draw(t, "size")
		r := s.read(t, pagination.Window{List: plain, Size: size}, true)
		if diff := cmp.Diff(once[:min(size, len(once))], r.Rows); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if want := size < len(once); r.HasNextPage != want {
			t.Fatalf("next page: %v", r.HasNextPage)
		}
	})
}
