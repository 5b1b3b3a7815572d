package pagination_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/graph/pagination"
)

func TestPlanPages(t *testing.T) {
	t.Parallel()
	type pages = []pagination.Page
	for name, test := range map[string]struct {
		offset, count, maxSize int
		want                   pages
	}{
		"none":                 {7, 0, 100, nil},
		"first page":           {0, 50, 100, pages{{0, 50}}},
		"aligned":              {100, 50, 100, pages{{2, 50}}},
		"one larger page":      {36, 39, 20_000, pages{{0, 75}}},
		"second of two":        {39, 39, 20_000, pages{{1, 39}}},
		"a small page":         {11, 2, 20_000, pages{{2, 5}}},
		"larger than maximum":  {5, 6, 5, pages{{1, 5}, {2, 4}}},
		"maximum in the way":   {1, 10, 10, pages{{0, 10}, {2, 4}}},
		"more than two":        {1, 3, 1, pages{{1, 1}, {2, 1}, {3, 1}}},
		"of the largest size":  {95, 210, 100, pages{{1, 95}, {2, 94}, {10, 28}}},
		"far out":              {math.MaxInt32, 1000, 20_000, pages{{2_113_665, 1016}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := pagination.PlanPages(test.offset, test.count, test.maxSize)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

// One page holds the rows if one of at most twice as many rows, or 64, can. The smallest
// is taken. Otherwise each page begins at least two rows before the end of the one
// before, and none could reach further.
func TestPlanPagesIsLeast(t *testing.T) {
	t.Parallel()
	for offset := range 150 {
		for count := 1; count <= 40; count++ {
			for _, maxSize := range []int{1, 7, 20, 1000} {
				high, end := offset, offset+count
				for i, page := range pagination.PlanPages(offset, count, maxSize) {
					from := high
					if i > 0 && maxSize > 2 {
						from = max(offset, high-2)
					}
					want := bruteForce(from, end, maxSize)
					if (want.Number+1)*want.Size <= high { // they cannot overlap
						want = bruteForce(high, end, maxSize)
					}
					if page != want {
						t.Fatalf("PlanPages(%d, %d, %d): page %d is %v, want %v", offset, count, maxSize, i, page, want)
					}
					high = (page.Number + 1) * page.Size
				}
				if high < end {
					t.Fatalf("PlanPages(%d, %d, %d) ends at %d", offset, count, maxSize, high)
				}
			}
		}
	}
}

// bruteForce tries every size: the smallest page that holds the rows [from, end), or the
// largest of those that reach furthest.
func bruteForce(from, end, maxSize int) (best pagination.Page) {
	reach := func(p pagination.Page) int { return min((p.Number+1)*p.Size, end) }
	for size := min(max(2*(end-from), 64), maxSize); size > 0; size-- {
		page := pagination.Page{Number: from / size, Size: size}
		if reach(page) >= reach(best) {
			best = page
		}
	}
	return best
}

// The largest window with a look-ahead row on both sides exceeds the upstream's
// largest page. One page size fails only at offsets just before a multiple of
// it, so these are all.
func TestPlanPagesLargestWindow(t *testing.T) {
	t.Parallel()
	const maxSize = 20_000
	for offset := maxSize - 1; offset <= math.MaxInt32; offset += maxSize {
		if got := pagination.PlanPages(offset, maxSize+2, maxSize); len(got) > 3 {
			t.Fatalf("PlanPages(%d) = %v", offset, got)
		}
	}
}

func FuzzPlanPages(f *testing.F) {
	f.Add(uint32(0), uint16(0), uint16(0))
	f.Add(uint32(36), uint16(39), uint16(20_000))
	f.Add(uint32(39_999), uint16(20_002), uint16(20_000))
	f.Fuzz(func(t *testing.T, offset uint32, n, most uint16) {
		from, count, maxSize := int(offset>>1), int(n), int(most)+1
		pages := pagination.PlanPages(from, count, maxSize)
		if len(pages) == 0 {
			if count > 0 {
				t.Fatal("no plan")
			}
			return
		}
		high := pages[0].Number * pages[0].Size
		for i, page := range pages {
			low := page.Number * page.Size
			if page.Size > maxSize || low > high || i > 0 && low+page.Size <= high {
				t.Fatalf("page %d of %v is too large, leaves a gap or reaches no further", i, pages)
			}
			high = low + page.Size
		}
		if pages[0].Number*pages[0].Size > from || high < from+count {
			t.Errorf("rows [%d, %d) not held: %v", from, from+count, pages)
		}
	})
}
