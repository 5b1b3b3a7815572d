package pagination_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead/leadtest"
)

// A walk answers every row that stays exactly once while no row of a cursor is deleted
// and none is moved, wherever rows are inserted and other rows are deleted.
func TestWalksRepeatNoRowWhileCursorsStay(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pages", "whole list", "both"} {
		for _, backward := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, backward %v", kind, backward), func(t *testing.T) {
				t.Parallel()
				leadtest.Walks(t, func(t *rapid.T) { walkAcrossInsertions(t, kind, backward) })
			})
		}
	}
}

func walkAcrossInsertions(t *rapid.T, kind string, backward bool) {
	s := newServer(rapid.IntRange(1, 120).Draw(t, "rows"), rapid.SampledFrom([]int{20, 1000}).Draw(t, "maximum"))
	want, anchor, inserted := slices.Clone(s.ids), "", 0
	w := pagination.Window{List: plain, Size: rapid.IntRange(1, 40).Draw(t, "size"), Backward: backward}
	if backward {
		w.Before = s.cut(pagination.Window{List: plain, Size: 1000}).EndCursor()
		anchor, want = want[len(want)-1], want[:len(want)-1]
	}
	insert := func() {
		at := rapid.IntRange(0, len(s.ids)).Draw(t, "at")
		if i := slices.Index(s.ids, anchor); i >= 0 && rapid.IntRange(0, 9).Draw(t, "beside the anchor") < 6 {
			at = i + rapid.IntRange(0, 1).Draw(t, "after it")
		}
		for range rapid.IntRange(1, 5).Draw(t, "insertions") {
			inserted++
			s.ids = slices.Insert(slices.Clone(s.ids), at, fmt.Sprintf("new-%d", inserted))
		}
	}
	var seen []string
	pages := 0
	walk(w, func(w pagination.Window) pagination.Result[string] {
		s.between = nil
		if rapid.IntRange(0, 4).Draw(t, "while reading") == 0 && pages < 20 {
			s.between = insert
		}
		var r pagination.Result[string]
		if kind == "whole list" || kind == "both" && rapid.Bool().Draw(t, "whole") {
			r = s.cut(w)
		} else {
			r = s.read(t, w, rapid.Bool().Draw(t, "next") || !w.Backward)
		}
		if len(r.Rows) > 0 {
			if anchor = r.Rows[len(r.Rows)-1]; backward {
				anchor = r.Rows[0]
			}
		}
		seen = append(seen, r.Rows...)
		return r
	}, func(*pagination.Cursor) {
		if pages++; pages > 20 {
			return // otherwise insertions could keep ahead of the walk forever
		}
		for range rapid.IntRange(0, 2).Draw(t, "insertions between") {
			insert()
		}
		if at := rapid.IntRange(0, len(s.ids)-1).Draw(t, "deleted"); s.ids[at] != anchor && rapid.Bool().Draw(t, "delete") {
			want = slices.DeleteFunc(want, func(id string) bool { return id == s.ids[at] })
			s.ids = slices.Delete(slices.Clone(s.ids), at, at+1)
		}
	})
	for _, id := range want {
		if n := len(slices.DeleteFunc(slices.Clone(seen), func(other string) bool { return other != id })); n != 1 {
			t.Fatalf("%s was answered %d times: %v", id, n, seen)
		}
	}
}
