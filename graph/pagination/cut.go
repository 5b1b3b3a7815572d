package pagination

// Result is a window of a list with its rows.
type Result[T any] struct {
	Rows []T
	// HasNextPage and HasPreviousPage report whether there are rows after and
	// before Rows. In the direction of the walk, the bounding cursor counts as
	// the end. So does an empty page, because its cursor repeats the argument
	// and leads nowhere new. HasNextPage is undefined if Source.Read was called
	// without next.
	HasNextPage, HasPreviousPage bool
	// Unreadable is the number of holes among the rows of the window.
	Unreadable int
	// AllHoles reports whether the whole list was read and has nothing but holes.
	AllHoles bool

	window Window
	offset int
	// ordinals are the positions of the rows in the list; nil if they start at offset
	// and have no gaps.
	ordinals []int
	hash     func(T) uint64
}

// Cursor returns the cursor of Rows[i].
func (r Result[T]) Cursor(i int) Cursor {
	ordinal := r.offset + i
	if r.ordinals != nil {
		ordinal = r.ordinals[i]
	}
	return Cursor{List: r.window.List, Ordinal: ordinal, Anchor: r.hash(r.Rows[i])}
}

// StartCursor returns the cursor of the first row. For an empty page it returns
// before.
func (r Result[T]) StartCursor() *Cursor {
	if len(r.Rows) == 0 {
		return r.window.Before
	}
	c := r.Cursor(0)
	return &c
}

// EndCursor returns the cursor of the last row. For an empty page it returns
// after; otherwise client caches that merge pages would lose their place.
func (r Result[T]) EndCursor() *Cursor {
	if len(r.Rows) == 0 {
		return r.window.After
	}
	c := r.Cursor(len(r.Rows) - 1)
	return &c
}

// Cut cuts the window from a list in memory with total rows. locate returns the
// position of a cursor's row or, if the row is gone, the number of rows before
// the place where it would be. slice returns the rows from one position up to,
// but not including, another. hash returns the AnchorHash of a row's id.
func Cut[T any](
	w Window, total int, locate func(Cursor) (position int, found bool), slice func(from, to int) []T, hash func(T) uint64,
) Result[T] {
	place := func(c *Cursor) *mark {
		if c == nil {
			return nil
		}
		position, found := locate(*c)
		return &mark{position, found}
	}
	return cut(w, reach{high: total, end: true}, place(w.After), place(w.Before), slice, hash)
}

// mark is the position of a cursor's row. If the row was not found, it is the
// position where it should be.
type mark struct {
	position int
	found    bool
}

// reach is the part of a list that has been read: the rows [low, high).
type reach struct {
	low, high int
	end       bool // the list ends at high
}

// holds reports whether all rows of the list in the span have been read.
func (r reach) holds(s span) bool {
	return s.offset >= r.low && (r.end || s.offset+s.count <= r.high)
}

// cut cuts the window from the rows that have been read, given the positions of
// its cursors.
func cut[T any](
	w Window, hand reach, after, before *mark, slice func(from, to int) []T, hash func(T) uint64,
) Result[T] {
	floor, ceiling := hand.low, hand.high
	if after != nil {
		floor = after.position
		if after.found {
			floor++ // otherwise the next row has taken the place of the missing one
		}
		floor = min(max(floor, hand.low), hand.high)
	}
	if before != nil {
		ceiling = min(max(before.position, hand.low), hand.high)
	}
	// If the cursors have crossed, the page is empty, at the position where it
	// starts.
	from, to := floor, min(floor+w.Size, max(floor, ceiling))
	if w.Backward {
		from, to = max(ceiling-w.Size, min(floor, ceiling)), ceiling
	}

	r := Result[T]{
		Rows:            slice(from, to),
		HasNextPage:     to < hand.high || !hand.end,
		HasPreviousPage: from > 0,
		window:          w,
		offset:          from,
		hash:            hash,
	}
	bound, reached := before, to >= ceiling
	if w.Backward {
		bound, reached = after, from <= floor
	}
	// A bound that was not found may have moved out of reach rather than gone.
	// Then it ends the walk only if it leaves no row.
	sure := bound != nil && (bound.found || hand.low == 0 && hand.end)
	if floor >= ceiling || reached && sure {
		if w.Backward {
			r.HasPreviousPage = false
		} else {
			r.HasNextPage = false
		}
	}
	return r
}
