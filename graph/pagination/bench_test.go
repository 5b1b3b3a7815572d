package pagination_test

import (
	"testing"

	"leadgraph/graph/pagination"
)

// BenchmarkPlanPages plans the pages of a walk with first: 37, and the largest
// window far into the list.
func BenchmarkPlanPages(b *testing.B) {
	for name, window := range map[string]struct{ offset, count int }{"walk": {1369, 39}, "largest": {2_000_000_011, 20_000}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				pagination.PlanPages(window.offset, window.count, 20_000)
			}
		})
	}
}
