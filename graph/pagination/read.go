package pagination

import (
	"errors"
	"slices"
)

// searchRows is the number of rows on either side of the window in which an
// anchor is searched before the largest pages are read. A page of this size is
// still fast.
const searchRows = 500

// Source is a list that can only be read in pages.
type Source[T any] struct {
	// MaxSize returns the number of rows of the largest page.
	MaxSize func() int
	// Cut reports whether Fetch failed because a page had fewer rows than it should.
	// MaxSize is smaller then, and Read plans again.
	Cut func(error) bool
	// Hash returns a row's anchor, a hash of its id. Clients keep cursors, and any
	// replica of any release must read them, so the hash never changes.
	Hash func(T) uint64
	// Same reports whether two rows have the same id.
	Same func(a, b T) bool
	// Hole reports whether a row cannot be read; nil if all can. A hole has a place in
	// the list but no id, so the other functions never get one.
	Hole func(T) bool
	// Fetch reads pages concurrently and returns the rows of each. If the last page
	// has fewer rows than its size, the list ends there.
	Fetch func(pages []Page) ([][]T, error)
}

// span is the rows [offset, offset+count) of a list.
type span struct{ offset, count int }

// known is the rows of a list that have been read.
type known[T any] struct {
	reach
	rows     []T
	repeated bool // some rows occurred twice
}

func (k known[T]) slice(from, to int) []T { return k.rows[from-k.low : to-k.low : to-k.low] }

// ErrTooManyPages is the error of a window that takes more than MaxPages pages,
// because the pages are small.
var ErrTooManyPages = errors.New("pagination: the window takes too many pages")

// MaxPages is the largest number of pages that are read for a window.
const MaxPages = 32

// replans is how often a window is planned again because a page was cut.
const replans = 4

// Read returns the window. It fetches only the window's rows, the row of the
// cursor at which it starts and, if next is true, the row that decides
// HasNextPage. That is one fetch. If the cursor's row is not there, Read
// fetches at most twice more: around the row's old position, then the two
// largest pages there. If neither has the row, it counts as gone. If holes leave the
// window short, Read fetches until it is full or the list ends.
//
// Read returns an *ArgumentError for a window that is counted from the end, and
// ErrTooManyPages. All other errors come from Fetch.
func (s Source[T]) Read(w Window, next bool) (r Result[T], err error) {
	if w.FromEnd() {
		return r, &ArgumentError{"last", "requires before"}
	}
	for range replans {
		if r, err = s.read(w, next); err == nil || !s.Cut(err) {
			break
		}
	}
	return r, err
}

func (s Source[T]) read(w Window, next bool) (Result[T], error) {
	start, bound := w.anchors()
	hand, startMark, err := s.search(w, start, next)
	if err != nil {
		return Result[T]{}, err
	}
	for {
		var boundMark *mark
		if bound != nil {
			near := bound.Ordinal
			if start != nil {
				near += startMark.position - start.Ordinal // most likely both rows moved by the same distance
			}
			m := s.locate(hand, bound.Anchor, near)
			boundMark = &m
		}
		after, before := startMark, boundMark
		if w.Backward {
			after, before = boundMark, startMark
		}
		readable := s.sift(hand)
		siftedAfter, siftedBefore := readable.mark(after), readable.mark(before)
		if readable.places == nil || readable.enough(w, next, siftedAfter, siftedBefore) {
			r := cut(w, readable.reach, siftedAfter, siftedBefore, readable.slice, s.Hash)
			return readable.describe(r, w, hand, after, before), nil
		}
		if hand, err = s.grow(hand, w.Backward); err != nil {
			return Result[T]{}, err
		}
		if start != nil {
			*startMark = s.locate(hand, start.Anchor, startMark.position)
		}
	}
}

// search fetches until it has the start cursor's row and the window next to it,
// or until searching further is pointless.
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
			want = s.widen(rows, rows.count) // the list may change again while it is read
		case fetches == 1 || at.found:
			want = s.widen(rows, max(searchRows, 2*rows.count))
		default:
			// The page with the position and the neighbour that is nearer to
			// it.
			most := s.MaxSize()
			page := max(0, at.position-most/2) / most
			want = span{page * most, 2 * most}
		}
		if fetches == 3 || hand.holds(want) {
			return hand, at, nil
		}
	}
}

// widen adds a margin on both sides, as far as the largest page allows.
func (s Source[T]) widen(rows span, margin int) span {
	margin = min(margin, max(0, s.MaxSize()-rows.count)/2)
	offset := max(0, rows.offset-margin)
	return span{offset, rows.offset + rows.count + margin - offset}
}

// needs returns the rows to read if the row of the start cursor is at the
// position. The bounding cursor does not reduce them, because rows inserted
// before its row would be lost.
func (w Window) needs(position int, next bool) span {
	if w.Backward {
		// The cursor's own row decides HasNextPage. The row before the window, which
		// may be the bound or a hole, decides HasPreviousPage.
		offset := max(0, position-w.Size-1)
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
	pages := PlanPages(want.offset, want.count, max(1, s.MaxSize()))
	if len(pages) > MaxPages {
		return hand, ErrTooManyPages
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

// join concatenates adjacent pages. Rows that moved from the first page to the
// next while both were read occur twice and count once. So do rows that occur
// twice in the list. Within a single page, only adjacent repeats are removed:
// finding others would cost as much as rendering a small row.
func (s Source[T]) join(pages [][]T) (rows []T, repeated bool) {
	if len(pages) == 1 {
		rows = slices.CompactFunc(pages[0], func(a, b T) bool { return !s.isHole(a) && !s.isHole(b) && s.Same(a, b) })
		return rows, len(rows) < len(pages[0])
	}
	most := 0
	for _, page := range pages {
		most += len(page)
	}
	seen := make(map[uint64]bool, most)
	rows = make([]T, 0, most)
	for _, page := range pages {
		for _, row := range page {
			if s.isHole(row) {
				rows = append(rows, row)
			} else if h := s.Hash(row); !seen[h] {
				seen[h] = true
				rows = append(rows, row)
			}
		}
	}
	return rows, len(rows) < most
}

// locate searches the rows that were read, starting with those nearest to the
// position. If the anchor's row is not among them, it assumes that position.
func (s Source[T]) locate(hand known[T], anchor uint64, near int) mark {
	rows := hand.rows
	middle := min(max(near-hand.low, 0), len(rows)-1)
	is := func(i int) bool { return !s.isHole(rows[i]) && s.Hash(rows[i]) == anchor }
	for distance := range rows {
		if i := middle - distance; i >= 0 && is(i) {
			return mark{hand.low + i, true}
		}
		if i := middle + distance; i < len(rows) && is(i) {
			return mark{hand.low + i, true}
		}
	}
	return mark{near, false}
}
