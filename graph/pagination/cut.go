package pagination

import "time"

// Result is a window of a list with its rows.
type Result[T any] struct {
	Rows []T
	// HasNextPage and HasPreviousPage report whether the list has rows after and
	// before Rows. A cursor that bounds the window does not change that. In the
	// direction of the walk nothing follows an empty page, because its cursor
	// repeats the argument and leads nowhere new. HasNextPage is undefined if
	// Source.Read was called without next.
	HasNextPage, HasPreviousPage bool
	// Unreadable is the number of holes among the rows of the window.
	Unreadable int
	// AllHoles reports whether the whole list was read and has nothing but holes.
	AllHoles bool
	// AsOf is when reading the rows began. The caller sets it before it makes
	// cursors, which hold it.
	AsOf time.Time

	window Window
	at     []int // the positions of the rows in the list
	turns  int
	key    func(T) Key // nil in the platform's own order
	around surroundings
}

// Cursor returns the cursor of Rows[i].
func (r Result[T]) Cursor(i int) Cursor {
	c := Cursor{List: r.window.List, AsOf: r.AsOf, Ordinal: r.at[i]}
	if r.key != nil {
		key := r.key(r.Rows[i])
		c.Key = &key
		return c
	}
	c.Turns = r.turns
	c.Anchor, c.Before, c.After = r.around.of(i)
	return c
}

// stop makes an empty page the last one of a walk: its cursor repeats the argument, so
// that nothing new could follow.
func (r *Result[T]) stop() {
	if len(r.Rows) > 0 || r.window.Size == 0 {
		return
	}
	if r.window.Backward {
		r.HasPreviousPage = false
	} else {
		r.HasNextPage = false
	}
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

// Table is a list in memory.
type Table[T any] interface {
	// Total returns the number of rows.
	Total() int
	// Slice returns the rows from one position up to, but not including, another.
	Slice(from, to int) []T
	// Hash returns the anchor of a row, a hash of its id.
	Hash(row T) uint64
	// Find returns the number of rows before the row with the anchor, and whether
	// that row is in the table. It reports known false if it cannot tell. Only
	// tables in the platform's own order are asked.
	Find(anchor uint64) (before int, found, known bool)
	// Ordered reports whether the table has an order of its own, so that Key and
	// Seek can be used.
	Ordered() bool
	// Key returns the value and the id that a row is ordered by.
	Key(row T) (value, id string)
	// Seek returns the number of rows before the key, and whether a row has it.
	Seek(value, id string) (before int, found bool)
}

// Cut cuts the window from a table.
func Cut[T any](w Window, table Table[T]) Result[T] {
	total, turns := table.Total(), 0
	place := func(c *Cursor, after bool) *int {
		if c == nil {
			return nil
		}
		if c.Key != nil {
			rows, found := table.Seek(c.Key.Value, c.Key.ID)
			if after && found {
				rows++
			}
			return &rows
		}
		at := c.place(total, table.Find, after)
		turns = max(turns, c.Turns)
		if at.turned {
			turns = min(max(turns, c.Turns+1), 255)
		}
		return &at.rows
	}
	from, to := w.bounds(total, place(w.After, true), place(w.Before, false))
	r := Result[T]{Rows: table.Slice(from, to), HasNextPage: to < total, HasPreviousPage: from > 0, window: w, turns: turns}
	for i := range r.Rows {
		r.at = append(r.at, from+i)
	}
	r.stop()
	if table.Ordered() {
		r.key = func(row T) Key {
			value, id := table.Key(row)
			return Key{value, id}
		}
		return r
	}
	r.around = surround(from, to, total, func(from, to int) []uint64 {
		rows := table.Slice(from, to)
		anchors := make([]uint64, len(rows))
		for i, row := range rows {
			anchors[i] = table.Hash(row)
		}
		return anchors
	})
	return r
}

// bounds returns the rows [from, to) of the window among total ones. The arguments
// after and before are the numbers of rows before the places of the window's cursors,
// or nil.
func (w Window) bounds(total int, after, before *int) (from, to int) {
	floor, ceiling := 0, total
	if after != nil {
		floor = min(*after, total)
	}
	if before != nil {
		ceiling = min(*before, total)
	}
	// If the cursors have crossed, the page is empty, at the position where it
	// starts.
	if w.Backward {
		return max(ceiling-w.Size, min(floor, ceiling)), ceiling
	}
	return floor, min(floor+w.Size, max(floor, ceiling))
}
