package pagination

// Result is a window cut out of a list.
type Result[T any] struct {
	Rows []T
	// HasNextPage and HasPreviousPage tell whether rows lie behind and before
	// Rows. In the direction of the walk the bounding cursor counts as the end,
	// and so does an empty page: its cursor is an echo and leads nowhere new.
	// HasNextPage means nothing if Source.Read was not asked for it.
	HasNextPage, HasPreviousPage bool

	window Window
	offset int
	hash   func(T) uint64
}

// Cursor returns the cursor of Rows[i].
func (r Result[T]) Cursor(i int) Cursor {
	return Cursor{List: r.window.List, Ordinal: r.offset + i, Anchor: r.hash(r.Rows[i])}
}

// StartCursor returns the cursor of the first row. An empty page echoes before.
func (r Result[T]) StartCursor() *Cursor {
	if len(r.Rows) == 0 {
		return r.window.Before
	}
	c := r.Cursor(0)
	return &c
}

// EndCursor returns the cursor of the last row. An empty page echoes after:
// client caches that merge pages would lose their place otherwise.
func (r Result[T]) EndCursor() *Cursor {
	if len(r.Rows) == 0 {
		return r.window.After
	}
	c := r.Cursor(len(r.Rows) - 1)
	return &c
}

// Cut cuts the window out of a list in memory of total rows. locate returns the
// position of a cursor's row or, if the list has no such row, the number of rows
// that come before the place where it would be. slice returns the rows from one
// position up to but without another. hash returns the AnchorHash of a row's id.
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

// mark is the position of a cursor's row; if the row was not found, the position
// that it should have.
type mark struct {
	position int
	found    bool
}

// reach is the part of a list that is in hand: the rows [low, high).
type reach struct {
	low, high int
	end       bool // the list ends at high
}

// holds reports whether all rows that the list has in the span are in hand.
func (r reach) holds(s span) bool {
	return s.offset >= r.low && (r.end || s.offset+s.count <= r.high)
}

// cut takes the window out of the rows in hand, given where its cursors are.
func cut[T any](
	w Window, hand reach, after, before *mark, slice func(from, to int) []T, hash func(T) uint64,
) Result[T] {
	floor, ceiling := hand.low, hand.high
	if after != nil {
		floor = after.position
		if after.found {
			floor++ // else the next row has taken the place of the one that is gone
		}
		floor = min(max(floor, hand.low), hand.high)
	}
	if before != nil {
		ceiling = min(max(before.position, hand.low), hand.high)
	}
	// The cursors may have crossed: then the page is empty, where it starts.
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
	// A bound that was not found may have moved out of sight rather than gone:
	// then it ends the walk only where it leaves no row.
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
