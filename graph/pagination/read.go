package pagination

import (
	"fmt"
	"slices"
)

// searchRows is how many rows on either side of the window are searched for an
// anchor before the largest pages are: still one quick upstream page.
const searchRows = 500

// Source is a list that can only be read in pages.
type Source[T any] struct {
	// MaxSize is the size of the largest page.
	MaxSize int
	// Hash returns the AnchorHash of a row's id.
	Hash func(T) uint64
	// Same tells whether two rows have the same id.
	Same func(a, b T) bool
	// Fetch reads one page, or two at once, and returns the rows of each. A last
	// page with fewer rows than its size is taken for the end of the list.
	Fetch func(pages []Page) ([][]T, error)
}

// span is the rows [offset, offset+count) of a list.
type span struct{ offset, count int }

// known is the rows of a list that are in hand.
type known[T any] struct {
	reach
	rows     []T
	repeated bool // some stood twice in what was read
}

func (k known[T]) slice(from, to int) []T { return k.rows[from-k.low : to-k.low : to-k.low] }

// Read returns the window and fetches only what it takes: the window's rows, the
// row of the cursor that it starts from and, if next is set, the one that tells
// HasNextPage. That is one fetch, and at most two more if the cursor's row is
// not among them: around the place that it had, then in the two largest pages
// there. A row that is in neither counts as gone.
//
// A window counted from the end is an *ArgumentError; all other errors are those
// of Fetch, or say that Sizes and MaxSize do not fit.
func (s Source[T]) Read(w Window, next bool) (Result[T], error) {
	if w.FromEnd() {
		return Result[T]{}, &ArgumentError{"last", "needs before"}
	}
	start, bound := w.anchors()
	hand, startMark, err := s.search(w, start, next)
	if err != nil {
		return Result[T]{}, err
	}
	var boundMark *mark
	if bound != nil {
		near := bound.Ordinal
		if start != nil {
			near += startMark.position - start.Ordinal // both rows moved, most likely
		}
		m := s.locate(hand, bound.Anchor, near)
		boundMark = &m
	}
	after, before := startMark, boundMark
	if w.Backward {
		after, before = boundMark, startMark
	}
	return cut(w, hand.reach, after, before, hand.slice, s.Hash), nil
}

// search fetches until the start cursor's row and the window beside it are in
// hand, or there is no use in looking further.
func (s Source[T]) search(w Window, start *Cursor, next bool) (hand known[T], at *mark, err error) {
	if start == nil {
		hand, err = s.fetch(w.needs(0, next))
		return hand, nil, err
	}
	at = &mark{position: start.Ordinal}
	want := w.needs(at.position, next)
	for fetches := 1; ; fetches++ {
		if hand, err = s.fetch(want); err != nil {
			return hand, nil, err
		}
		*at = s.locate(hand, start.Anchor, at.position)
		rows := w.needs(at.position, next)
		if at.found && hand.holds(rows) {
			return hand, at, nil
		}
		switch {
		case at.found && !hand.repeated:
			want = s.widen(rows, rows.count) // the list may move on while it is read
		case fetches == 1 || at.found:
			want = s.widen(rows, max(searchRows, 2*rows.count))
		default:
			// The page with the position and the neighbour that is nearer to it.
			page := max(0, at.position-s.MaxSize/2) / s.MaxSize
			want = span{page * s.MaxSize, 2 * s.MaxSize}
		}
		if fetches == 3 || hand.holds(want) {
			return hand, at, nil
		}
	}
}

// widen adds a margin on both sides, as far as the largest page allows.
func (s Source[T]) widen(rows span, margin int) span {
	margin = min(margin, max(0, s.MaxSize-rows.count)/2)
	offset := max(0, rows.offset-margin)
	return span{offset, rows.offset + rows.count + margin - offset}
}

// needs returns the rows to read when the row of the start cursor is at the
// position. The bounding cursor does not shorten them: rows that were inserted
// before its row would be lost.
func (w Window) needs(position int, next bool) span {
	if w.Backward {
		// The cursor's own row tells HasNextPage and the position HasPreviousPage,
		// unless the row before the window may be the bound or all there is.
		before := max(1, w.Size)
		if w.After != nil {
			before = w.Size + 1
		}
		offset := max(0, position-before)
		return span{offset, position - offset + 1}
	}
	count := w.Size
	if w.After != nil {
		count++
	}
	if next {
		count++
	}
	return span{position, count}
}

// fetch reads the pages that hold the span.
func (s Source[T]) fetch(want span) (known[T], error) {
	hand := known[T]{reach: reach{low: want.offset, high: want.offset}}
	if want.count == 0 {
		return hand, nil
	}
	pages := PlanPages(want.offset, want.count, s.MaxSize)
	if pages == nil {
		return hand, fmt.Errorf("pagination: no two pages of at most %d rows hold %d rows", s.MaxSize, want.count)
	}
	got, err := s.Fetch(pages)
	if err != nil {
		return hand, err
	}
	hand.low = pages[0].Number * pages[0].Size
	hand.end = len(got[len(got)-1]) < pages[0].Size
	hand.rows, hand.repeated = s.join(got)
	hand.high = hand.low + len(hand.rows)
	return hand, nil
}

// join puts adjacent pages together. Rows that moved from the first page to the
// second while both were read come twice and count once. So do rows that stand
// twice in the list; in a single page only one behind the other, because looking
// for others costs as much as rendering a small row.
func (s Source[T]) join(pages [][]T) (rows []T, repeated bool) {
	if len(pages) == 1 {
		rows = slices.CompactFunc(pages[0], s.Same)
		return rows, len(rows) < len(pages[0])
	}
	most := len(pages[0]) + len(pages[1])
	seen := make(map[uint64]bool, most)
	rows = make([]T, 0, most)
	for _, page := range pages {
		for _, row := range page {
			if h := s.Hash(row); !seen[h] {
				seen[h] = true
				rows = append(rows, row)
			}
		}
	}
	return rows, len(rows) < most
}

// locate searches the rows in hand, those nearest to the position first. If the
// anchor's row is not among them, it is taken to be at the position.
func (s Source[T]) locate(hand known[T], anchor uint64, near int) mark {
	rows := hand.rows
	middle := min(max(near-hand.low, 0), len(rows)-1)
	for distance := range rows {
		if i := middle - distance; i >= 0 && s.Hash(rows[i]) == anchor {
			return mark{hand.low + i, true}
		}
		if i := middle + distance; i < len(rows) && s.Hash(rows[i]) == anchor {
			return mark{hand.low + i, true}
		}
	}
	return mark{near, false}
}
