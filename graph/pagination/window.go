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

// Slice cuts the window out of a whole list. hash returns the AnchorHash of a
// row's id; locate returns the position of a cursor's row or, if the row is
// gone, the position that it would have, as Locate does.
func Slice[T any](w Window, list []T, hash func(T) uint64, locate func(Cursor) (position int, found bool)) Result[T] {
	place := func(c *Cursor) *mark {
		if c == nil {
			return nil
		}
		position, found := locate(*c)
		return &mark{position, found}
	}
	return known[T]{rows: list, end: true, hash: hash}.cut(w, place(w.After), place(w.Before))
}

// Locate searches the list for the cursor's row, nearest to its ordinal first.
// If the row is gone the position is the ordinal.
func Locate[T any](c Cursor, list []T, hash func(T) uint64) (position int, found bool) {
	middle := min(max(c.Ordinal, 0), len(list)-1)
	for distance := 0; distance < len(list); distance++ {
		if i := middle - distance; i >= 0 && hash(list[i]) == c.Anchor {
			return i, true
		}
		if i := middle + distance; i < len(list) && hash(list[i]) == c.Anchor {
			return i, true
		}
	}
	return c.Ordinal, false
}

// mark is the position of a cursor's row; if the row was not found, the position
// that it should have.
type mark struct {
	position int
	found    bool
}

// known is the part of a list that is in hand.
type known[T any] struct {
	offset int // position of the first row
	rows   []T
	end    bool // the list ends with the last row
	hash   func(T) uint64
}

// locate is Locate in the positions of the list.
func (k known[T]) locate(anchor uint64, near int) mark {
	position, found := Locate(Cursor{Ordinal: near - k.offset, Anchor: anchor}, k.rows, k.hash)
	return mark{k.offset + position, found}
}

// holds reports whether all rows that the list has in the span are in hand.
func (k known[T]) holds(s span) bool {
	return s.offset >= k.offset && (k.end || s.offset+s.count <= k.offset+len(k.rows))
}

// cut takes the window out of the rows in hand, given where its cursors are.
func (k known[T]) cut(w Window, after, before *mark) Result[T] {
	low, high := k.offset, k.offset+len(k.rows)
	floor, ceiling := low, high
	if after != nil {
		floor = after.position
		if after.found {
			floor++ // else the next row has taken the place of the one that is gone
		}
		floor = min(max(floor, low), high)
	}
	if before != nil {
		ceiling = min(max(before.position, low), high)
	}
	// The cursors may have crossed: then the page is empty, where it starts.
	from, to := floor, min(floor+w.Size, max(floor, ceiling))
	if w.Backward {
		from, to = max(ceiling-w.Size, min(floor, ceiling)), ceiling
	}

	r := Result[T]{
		Rows:            k.rows[from-low : to-low : to-low],
		HasNextPage:     to < high || !k.end,
		HasPreviousPage: from > 0,
		window:          w,
		offset:          from,
		hash:            k.hash,
	}
	bound, reached := before, to >= ceiling
	if w.Backward {
		bound, reached = after, from <= floor
	}
	// A bound that was not found may have moved out of sight rather than gone:
	// then it ends the walk only where it leaves no row.
	sure := bound != nil && (bound.found || k.offset == 0 && k.end)
	if floor >= ceiling || reached && sure {
		if w.Backward {
			r.HasPreviousPage = false
		} else {
			r.HasNextPage = false
		}
	}
	return r
}
