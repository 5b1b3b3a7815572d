package catalogue_test

import (
	"slices"
	"testing"
	"time"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
)

// A page of a catalogue must equal filter + sort + slice in plain Go.
func TestPagingEqualsPlainGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 100).Draw(t, "leads")
		f, o := leadtest.GenFilter(3).Draw(t, "filter"), leadtest.GenOrders().Draw(t, "orders")
		all := plainSelect(leads, f, o...)
		w := pagination.Window{Size: rapid.IntRange(0, 40).Draw(t, "size"), Backward: rapid.Bool().Draw(t, "backward")}
		after, before := -1, len(all)
		view := catalogue.Build(leads, time.Time{}, nil).Select(f, o...)
		whole := pagination.Cut(pagination.Window{Size: len(all)}, view)
		cursor := func(position int) *pagination.Cursor {
			c := whole.Cursor(position)
			c.Ordinal = rapid.IntRange(0, 100).Draw(t, "ordinal") // it may be out of date
			return &c
		}
		if len(all) > 0 {
			position := rapid.IntRange(0, len(all)-1)
			if rapid.Bool().Draw(t, "after given") {
				after = position.Draw(t, "after")
				w.After = cursor(after)
			}
			if rapid.Bool().Draw(t, "before given") {
				before = position.Draw(t, "before")
				w.Before = cursor(before)
			}
		}
		kept := all[after+1 : max(after+1, before)]
		want := kept[:min(w.Size, len(kept))]
		if w.Backward {
			want = kept[len(kept)-min(w.Size, len(kept)):]
		}
		from, to := after+1, after+1
		if w.Backward {
			from, to = before, before
		}
		if len(want) > 0 {
			from = slices.Index(all, want[0])
			to = from + len(want)
		}
		stuck := len(want) == 0 && w.Size > 0 // nothing follows an empty page
		next, previous := to < len(all) && (w.Backward || !stuck), from > 0 && (!w.Backward || !stuck)
		got := pagination.Cut(w, view)
		if diff := gocmp.Diff(leadtest.IDs(want), leadtest.IDs(got.Rows)); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
		if got.HasNextPage != next || got.HasPreviousPage != previous {
			t.Fatalf("next %v, previous %v, want %v, %v", got.HasNextPage, got.HasPreviousPage, next, previous)
		}
		for i, l := range want {
			if c := got.Cursor(i); all[c.Ordinal] != l || (c.Key == nil) != (len(o) == 0) {
				t.Fatalf("cursor of row %d is %+v", i, c)
			}
		}
	})
}
