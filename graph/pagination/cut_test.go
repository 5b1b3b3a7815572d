package pagination_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
)

// A window is the same whether the list is in large pages or in pages that are cut.
func TestCutPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newServer(rapid.IntRange(0, 200).Draw(t, "rows"), 20_000)
		w := drawWindow(t, s)
		if w.FromEnd() {
			t.Skip("needs the whole list")
		}
		s.limit = rapid.IntRange(2, 60).Draw(t, "limit")
		if diff := cmp.Diff(s.expect(w), see(s.read(t, w, true))); diff != "" {
			t.Fatalf("%+v (-want +got):\n%s", w, diff)
		}
		last := s.plans[len(s.plans)-1]
		if len(s.plans) > 1 && slices.ContainsFunc(last, func(p pagination.Page) bool { return p.Size > s.limit }) {
			t.Fatalf("plans %v with pages of at most %d", s.plans, s.limit)
		}
	})
}
