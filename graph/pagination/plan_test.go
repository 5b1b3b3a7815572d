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
		"no page of twice two": {11, 2, 20_000, pages{{11, 1}, {12, 1}}},
		"larger than maximum":  {5, 6, 5, pages{{1, 4}, {2, 4}}},
		"maximum in the way":   {1, 10, 10, pages{{0, 6}, {1, 6}}},
		"more than two":        {1, 3, 1, pages{{1, 1}, {2, 1}, {3, 1}}},
		"of the largest size":  {95, 210, 100, pages{{0, 100}, {1, 100}, {2, 100}, {3, 100}}},
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

// bruteForce finds the smallest plan by trying every size. If no two pages hold the
// rows, it takes pages of the largest size.
func bruteForce(offset, count, maxSize int) []pagination.Page {
	last := offset + count - 1
	for size := 1; size <= min(2*count, maxSize); size++ {
		if offset/size == last/size {
			return []pagination.Page{{Number: offset / size, Size: size}}
		}
	}
	for size := 1; size <= min(count, maxSize); size++ {
		if offset/size+1 == last/size {
			return []pagination.Page{{Number: offset / size, Size: size}, {Number: offset/size + 1, Size: size}}
		}
	}
	var pages []pagination.Page
	for number := range last/maxSize + 1 {
		if number >= offset/maxSize {
			pages = append(pages, pagination.Page{Number: number, Size: maxSize})
		}
	}
	return pages
}

func TestPlanPagesIsLeast(t *testing.T) {
	t.Parallel()
	for offset := range 150 {
		for count := 1; count <= 40; count++ {
			for _, maxSize := range []int{1, 7, 20, 1000} {
				want := bruteForce(offset, count, maxSize)
				if diff := cmp.Diff(want, pagination.PlanPages(offset, count, maxSize)); diff != "" {
					t.Fatalf("PlanPages(%d, %d, %d) (-want +got):\n%s", offset, count, maxSize, diff)
				}
			}
		}
	}
}

// The largest window with a look-ahead row on both sides exceeds the upstream's
// largest page. One page size fails only at offsets just before a multiple of
// it, so these are all.
func TestPlanPagesLargestWindow(t *testing.T) {
	t.Parallel()
	const maxSize = 20_000
	for offset := maxSize - 1; offset <= math.MaxInt32; offset += maxSize {
		if got := pagination.PlanPages(offset, maxSize+2, maxSize); len(got) != 2 {
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
		first, last := pages[0], pages[len(pages)-1]
		size := first.Size
		switch {
		case len(pages) > 2 && (count <= maxSize || size != maxSize), last.Size != size, last.Number != first.Number+len(pages)-1:
			t.Errorf("not one page or two adjacent ones: %v", pages)
		case size > maxSize:
			t.Errorf("size above %d: %v", maxSize, pages)
		case len(pages) > 2 && len(pages)*size > count+2*size, len(pages) <= 2 && len(pages)*size > 2*count:
			t.Errorf("more than twice %d rows: %v", count, pages)
		case first.Number*size > from, (last.Number+1)*size < from+count:
			t.Errorf("rows [%d, %d) not held: %v", from, from+count, pages)
		}
	})
}
