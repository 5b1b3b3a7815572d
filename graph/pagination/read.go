package pagination

import "fmt"

// searchRows is the number of rows on either side of the window in which an
// anchor is searched before the largest pages are read. A page of this size is
// still fast.
const searchRows = 500

// Source is a list that can only be read in pages.
type Source[T any] struct {
	// MaxSize is the number of rows of the largest page.
	MaxSize int
	// Hash returns a row's anchor, a hash of its id. Clients keep cursors, and any
	// replica of any release must read them, so the hash never changes.
	Hash func(T) uint64
	// Fetch reads one page, or two concurrently, and returns the rows of each.
	// If the last page has fewer rows than its size, the list ends there.
	Fetch func(pages []Page) ([][]T, error)
}

// span is the rows [offset, offset+count) of a list.
type span struct{ offset, count int }

// known is the rows of a list that have been read.
type known[T any] struct {
	reach
	rows     []T
	hashes   []uint64 // the anchors of rows
	repeated bool     // some rows occurred twice
}

func (k known[T]) slice(from, to int) []T { return k.rows[from-k.low : to-k.low : to-k.low] }

// Read returns the window. It fetches only the window's rows, the row of the
// cursor at which it starts and, if next is true, the row that decides
// HasNextPage. That is one fetch. If the cursor's row is not there, Read
// fetches at most twice more: around the row's old position, then the two
// largest pages there. If neither has the row, it counts as gone.
//
// Read returns an *ArgumentError for a window that is counted from the end. All
// other errors come from Fetch, or say that Sizes and MaxSize do not match.
func (s Source[T]) Read(w Window, next bool) (Result[T], error) {
	if w.FromEnd() {
		return Result[T]{}, &ArgumentError{Argument: "last", Reason: "requires before"}
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
			near += startMark.position - start.Ordinal // most likely both rows moved by the same distance
		}
		m := hand.locate(bound.Anchor, near)
		boundMark = &m
	}
	after, before := startMark, boundMark
	if w.Backward {
		after, before = boundMark, startMark
	}
	from, to := w.bounds(hand.reach, after.through(), before.upTo())
	r := newResult(w, hand.reach, from, to, hand.slice(from, to))
	r.around = surround(from, to, hand.reach, func(from, to int) []uint64 { return hand.hashes[from-hand.low : to-hand.low] })
	if start != nil {
		r.turns = start.Turns
	}
	return r, nil
}

// mark is the position of a cursor's row. If the row was not found, it is the
// position where it should be.
type mark struct {
	position int
	found    bool
}

// through returns the number of rows up to the mark's row and with it, or nil
// without a mark.
func (m *mark) through() *int {
	if m == nil {
		return nil
	}
	rows := m.position
	if m.found {
		rows++ // otherwise the next row has taken the position of the missing one
	}
	return &rows
}

// upTo returns the number of rows before the mark's row, or nil without a mark.
func (m *mark) upTo() *int {
	if m == nil {
		return nil
	}
	return &m.position
}

// search fetches until it has the start cursor's row and the window next to it,
// or until searching further is pointless.
func (s Source[T]) search(w Window, start *Cursor, next bool) (hand known[T], at *mark, err error) {
	if start == nil {
		hand, err = s.front(w.needs(0, next))
		return hand, nil, err
	}
	at = &mark{position: start.Ordinal}
	want := w.needs(at.position, next)
	for fetches := 1; ; fetches++ {
		if hand, err = s.fetch(want); err != nil {
			return hand, nil, err
		}
		*at = hand.locate(start.Anchor, at.position)
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
			page := max(0, at.position-s.MaxSize/2) / s.MaxSize
			want = span{page * s.MaxSize, 2 * s.MaxSize}
		}
		if fetches == 3 || hand.holds(want) {
			return hand, at, nil
		}
	}
}

// front fetches rows at the front of the list. If rows are repeated, it fetches at
// most twice more, so that as many are left as the window needs.
func (s Source[T]) front(rows span) (hand known[T], err error) {
	want := rows
	for fetches := 1; ; fetches++ {
		if hand, err = s.fetch(want); err != nil || hand.holds(rows) || fetches == 3 {
			return hand, err
		}
		want.count = min(2*want.count, s.MaxSize)
	}
}

// widen adds a margin on both sides, as far as the largest page allows.
func (s Source[T]) widen(rows span, margin int) span {
	margin = min(margin, max(0, s.MaxSize-rows.count)/2)
	offset := max(0, rows.offset-margin)
	return span{offset, rows.offset + rows.count + margin - offset}
}

// needs returns the rows to read if the row of the start cursor is at the
// position. The bounding cursor does not reduce them, because rows inserted
// before its row would be lost.
func (w Window) needs(position int, next bool) span {
	if w.Backward {
		// The cursor's own row decides HasNextPage, and the position decides
		// HasPreviousPage, unless the row before the window is the bound or the
		// only row.
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
	s.join(&hand, got)
	hand.high = hand.low + len(hand.rows)
	return hand, nil
}

// join concatenates adjacent pages. A row that occurs twice counts once: it moved
// from the first page to the second while both were read, or the list repeats it.
func (s Source[T]) join(hand *known[T], pages [][]T) {
	most := 0
	for _, page := range pages {
		most += len(page)
	}
	seen := make(map[uint64]struct{}, most)
	hand.rows, hand.hashes = make([]T, 0, most), make([]uint64, 0, most)
	for _, page := range pages {
		for _, row := range page {
			anchor := s.Hash(row)
			if _, repeated := seen[anchor]; repeated {
				hand.repeated = true
				continue
			}
			seen[anchor] = struct{}{}
			hand.rows, hand.hashes = append(hand.rows, row), append(hand.hashes, anchor)
		}
	}
}

// locate searches the rows that were read, starting with those nearest to the
// position. If the anchor's row is not among them, it assumes that position.
func (k known[T]) locate(anchor uint64, near int) mark {
	middle := min(max(near-k.low, 0), len(k.rows)-1)
	for distance := range k.rows {
		if i := middle - distance; i >= 0 && k.hashes[i] == anchor {
			return mark{k.low + i, true}
		}
		if i := middle + distance; i < len(k.rows) && k.hashes[i] == anchor {
			return mark{k.low + i, true}
		}
	}
	return mark{near, false}
}
