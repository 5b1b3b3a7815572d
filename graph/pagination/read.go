package pagination

import (
	"errors"
	"slices"
)

// Source is a list that can only be read in pages.
type Source[T any] struct {
	// MaxSize returns the number of rows of the largest page.
	MaxSize func() int
	// Cut reports whether Fetch failed because a page had fewer rows than it should.
	// MaxSize is smaller then, and Read plans again. It may be nil.
	Cut func(error) bool
	// Hash returns a row's anchor, a hash of its id. Clients keep cursors, and any
	// replica of any release must read them, so the hash never changes.
	Hash func(T) uint64
	// Hole reports whether a row cannot be read; nil if all can. A hole has a place in
	// the list but no id, so Hash never gets one.
	Hole func(T) bool
	// Fetch reads pages concurrently and returns the rows of each. If a page has fewer
	// rows than its size, the list ends there.
	Fetch func(pages []Page) ([][]T, error)
}

// span is the rows [offset, offset+count) of a list.
type span struct{ offset, count int }

// ErrNeedsWhole is the error of a window that pages cannot answer: they are too small,
// the list changes while they are read, or the rows around the cursor are gone or have
// moved. Cut it from the whole list then.
var ErrNeedsWhole = errors.New("pagination: the window must be cut from the whole list")

const (
	// MaxPages is the largest number of pages that are read for a window.
	MaxPages = 32
	// replans is how often a window is planned again because a page was cut.
	replans = 4
	// searchRows is the number of rows on either side of the window in which anchors
	// are searched. A page of this size is still fast.
	searchRows = 500
	// neighbours is the number of rows that are read beyond the cursor's to see that
	// it has not moved.
	neighbours = 2
	// lookAhead is the number of rows read beyond a window. Its cursors hold on to
	// leastAnchors of them. The others are there in case some are inserted before the
	// window, are repeated or are holes.
	lookAhead = leastAnchors + 2
	// RowsAround is the number of rows that are read around those of a window: the
	// cursor's, neighbours and lookAhead.
	RowsAround = 1 + neighbours + lookAhead
	// fetches is how often pages are read for a window.
	fetches = 6
)

// Wants says what a client wants of a window besides its rows.
type Wants struct {
	Next    bool // whether more rows follow
	Cursors bool // any cursor of its rows
}

// Read returns the window. It fetches only the window's rows, a few rows at the cursor
// at which it starts and, if they are wanted, those to which its cursors hold on and the
// row that decides HasNextPage. That is one fetch. It fetches again around the cursor's
// old position if the anchors there do not tell the place, and more rows if those in
// hand do not fill the window because some are repeated or holes.
//
// Read returns an *ArgumentError for a window that is counted from the end, and
// ErrNeedsWhole. All other errors come from Fetch.
func (s Source[T]) Read(w Window, wants Wants) (r Result[T], err error) {
	if w.FromEnd() {
		return r, &ArgumentError{Argument: "last", Reason: "requires before"}
	}
	for range replans {
		if r, err = s.read(w, wants); err == nil || s.Cut == nil || !s.Cut(err) {
			break
		}
	}
	return r, err
}

func (s Source[T]) read(w Window, wants Wants) (Result[T], error) {
	start, bound := w.anchors()
	position, searched := -1, false
	if start != nil {
		position = start.Ordinal
	}
	want := w.needs(position, wants)
	for range fetches {
		h, err := s.fetch(want)
		if err != nil {
			return Result[T]{}, err
		}
		at := spot{sure: true}
		if start != nil {
			at = h.place(start, !w.Backward)
		}
		switch {
		case !at.sure && !h.whole():
			if searched {
				return Result[T]{}, ErrNeedsWhole
			}
			searched, want = true, s.widen(w.needs(position, wants))
		case !h.enough(w, at.rows, wants):
			want = h.more(w, at.rows, wants)
		default:
			return h.answer(w, at, start, bound), nil
		}
	}
	return Result[T]{}, ErrNeedsWhole
}

// answer cuts the window whose start has its place in the hand.
func (h hand[T]) answer(w Window, at spot, start, bound *Cursor) Result[T] {
	var from, to *int
	if start != nil {
		from = &at.rows
	}
	switch {
	case w.crossed() && !h.has(bound.Anchor):
		to = from // the window is empty
	case bound != nil && (h.has(bound.Anchor) || slices.ContainsFunc(slices.Concat(bound.Before, bound.After), h.has)):
		to = new(h.place(bound, w.Backward).rows)
	}
	after, before := from, to
	if w.Backward {
		after, before = to, from
	}
	r := h.result(w, after, before)
	if start != nil {
		r.turns = start.Turns
	}
	if at.turned {
		r.turns = min(r.turns+1, 255)
	}
	return r
}

// crossed reports whether the window's cursors had no rows between them when they were
// made.
func (w Window) crossed() bool {
	return w.After != nil && w.Before != nil && w.After.Ordinal >= w.Before.Ordinal
}

func (h hand[T]) has(anchor uint64) bool { return slices.Contains(h.anchors, anchor) }

// widen adds a margin on both sides, as far as the largest page allows.
func (s Source[T]) widen(rows span) span {
	margin := min(max(searchRows, 2*rows.count), max(0, s.MaxSize()-rows.count)/2)
	offset := max(0, rows.offset-margin)
	return span{offset, rows.offset + rows.count + margin - offset}
}

// needs returns the rows to read if the row of the start cursor is at the position, or
// -1 without a cursor. The bounding cursor does not reduce them, because rows inserted
// before its row would be lost.
func (w Window) needs(position int, wants Wants) span {
	ahead := 0
	switch {
	case w.Size > 0 && wants.Cursors || position >= 0:
		ahead = lookAhead
	case wants.Next:
		ahead = 1
	}
	if w.Backward {
		offset := max(0, position-w.Size-ahead)
		return span{offset, position + 1 + neighbours - offset}
	}
	offset := max(0, position-neighbours)
	return span{offset, position + 1 + w.Size + ahead - offset}
}

// more returns the rows to read if those next to the place do not fill the window: those
// in hand and those that are needed there or, if all of these are in hand, four times as
// many.
func (h hand[T]) more(w Window, place int, wants Wants) span {
	want := w.needs(h.position(place, !w.Backward), wants)
	low, high := min(want.offset, h.low), max(want.offset+want.count, h.high)
	if low == h.low && (high == h.high || h.end) {
		count := max(smallPage, 4*(h.high-h.low))
		if w.Backward {
			low = max(0, h.high-count)
		} else {
			high = h.low + count
		}
	}
	return span{low, high - low}
}
