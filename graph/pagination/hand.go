package pagination

import (
	"slices"
	"sort"
)

// hand is the part of a list that has been read. Rows that repeat an earlier one and
// rows that cannot be read (holes) are left out, but they keep their positions.
type hand[T any] struct {
	rows    []T
	anchors []uint64 // of rows
	at      []int    // the positions of rows in the list
	holes   []int    // the positions of the holes

	low, high int      // the positions that have been read: [low, high)
	end       bool     // the list ends at high
	places    []uint64 // the anchors at those positions, 0 for a hole
}

// fetch reads the pages that hold the span. If the list changes between two of them,
// it reads them once more.
func (s Source[T]) fetch(want span) (h hand[T], err error) {
	if want.count == 0 {
		return hand[T]{low: want.offset, high: want.offset}, nil
	}
	pages := PlanPages(want.offset, want.count, max(1, s.MaxSize()))
	if len(pages) > MaxPages || !overlapping(pages) {
		return h, ErrNeedsWhole
	}
	for range 2 {
		got, err := s.Fetch(pages)
		if err != nil {
			return h, err
		}
		if h, whole := s.join(pages, got); whole {
			return h, nil
		}
	}
	return h, ErrNeedsWhole
}

// join puts pages together that overlap. It reports false if they do not agree where
// they overlap, because the list changed while they were read.
func (s Source[T]) join(pages []Page, got [][]T) (h hand[T], whole bool) {
	most := 0
	for _, page := range got {
		most += len(page)
	}
	h = hand[T]{
		rows: make([]T, 0, most), anchors: make([]uint64, 0, most), at: make([]int, 0, most), places: make([]uint64, 0, most),
		low: pages[0].Number * pages[0].Size,
	}
	h.high = h.low
	seen := make(map[uint64]struct{}, most)
	for i, page := range got {
		low := pages[i].Number * pages[i].Size
		if h.end {
			if len(page) > 0 && low+len(page) > h.high {
				return h, false
			}
			continue
		}
		shared := h.high - low
		if len(page) < shared {
			return h, false
		}
		for k, row := range page {
			anchor := uint64(0)
			if !s.isHole(row) {
				anchor = s.Hash(row)
			}
			if k < shared {
				if at := low + k; at >= h.low && h.places[at-h.low] != anchor {
					return h, false
				}
				continue
			}
			h.add(row, anchor, s.isHole(row), seen)
		}
		h.end = len(page) < pages[i].Size
	}
	return h, true
}

func (h *hand[T]) add(row T, anchor uint64, hole bool, seen map[uint64]struct{}) {
	if _, repeated := seen[anchor]; hole {
		h.holes = append(h.holes, h.high)
	} else if !repeated {
		seen[anchor] = struct{}{}
		h.rows, h.anchors, h.at = append(h.rows, row), append(h.anchors, anchor), append(h.at, h.high)
	}
	h.places = append(h.places, anchor)
	h.high++
}

// isHole reports whether a row cannot be read. Such a row has a place in the list, so
// positions count it, but it is not shown and has no cursor.
func (s Source[T]) isHole(row T) bool { return s.Hole != nil && s.Hole(row) }

// whole reports whether the hand has the whole list.
func (h hand[T]) whole() bool { return h.low == 0 && h.end }

// place returns a cursor's place among the rows of the hand.
func (h hand[T]) place(c *Cursor, after bool) spot {
	find := func(anchor uint64) (before int, found, known bool) {
		at := slices.Index(h.anchors, anchor)
		return max(at, 0), at >= 0, at >= 0
	}
	return c.place(len(h.rows), find, after)
}

// position returns the position in the list of the row before the place, as if it were
// the cursor's.
func (h hand[T]) position(place int, after bool) int {
	switch {
	case after && place > 0:
		return h.at[place-1]
	case after:
		return h.low - 1
	case place < len(h.at):
		return h.at[place]
	default:
		return h.high
	}
}

// enough reports whether the rows next to the place fill the window and give its cursors
// enough anchors, or the list ends. If only the row that decides whether there are more is
// wanted, that is enough.
func (h hand[T]) enough(w Window, place int, wants Wants) bool {
	size := w.Size
	switch {
	case size > 0 && wants.Cursors:
		size += leastAnchors
	case w.Backward || wants.Next:
		size++
	}
	if w.Backward {
		return h.low == 0 || place >= size
	}
	return h.end || len(h.rows)-place >= size
}

// result cuts the window from the hand. The places of its cursors are numbers of rows,
// or nil.
func (h hand[T]) result(w Window, after, before *int) Result[T] {
	from, to := w.bounds(len(h.rows), after, before)
	r := Result[T]{
		Rows:            h.rows[from:to:to],
		HasNextPage:     to < len(h.rows) || !h.end,
		HasPreviousPage: from > 0 || h.low > 0,
		AllHoles:        h.whole() && len(h.rows) == 0 && len(h.holes) > 0,
		window:          w,
		at:              h.at[from:to],
		around:          surround(from, to, len(h.rows), func(from, to int) []uint64 { return h.anchors[from:to] }),
	}
	r.stop()
	r.Unreadable = h.holesAround(w, from, to)
	h.carry(&r.around, w)
	return r
}

// holesAround returns the number of holes among the rows [from, to) of the page. Those
// between two pages count for the page on which a walk comes to them.
func (h hand[T]) holesAround(w Window, from, to int) int {
	low, high, full := h.low, h.high, to-from == w.Size && to > from
	switch {
	case full && w.Backward:
		low = h.at[from]
	case from > 0:
		low = h.at[from-1] + 1
	}
	switch {
	case full && !w.Backward:
		high = h.at[to-1] + 1
	case to < len(h.at):
		high = h.at[to]
	}
	return sort.SearchInts(h.holes, high) - sort.SearchInts(h.holes, low)
}

// carry adds the anchors of the cursor at which the page starts, so that a walk with
// small pages can hold on to rows that are further away than a page.
func (h hand[T]) carry(s *surroundings, w Window) {
	start, _ := w.anchors()
	if start == nil {
		return
	}
	anchors, far := start.Before, &s.farBefore
	if w.Backward {
		anchors, far = start.After, &s.farAfter
	}
	*far = append(*far, slices.DeleteFunc(slices.Clone(anchors), h.has)...)
}
