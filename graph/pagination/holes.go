package pagination

import "sort"

// A row that cannot be read is a hole. It has a place in the list, so positions and
// ordinals count it, but it is not shown and has no cursor.

// isHole reports whether a row cannot be read.
func (s Source[T]) isHole(row T) bool { return s.Hole != nil && s.Hole(row) }

// sifted is the rows of a hand without its holes. Their positions start at hand.low and
// have no gaps.
type sifted[T any] struct {
	known[T]
	// places holds the positions of the rows in the list; nil if there are no holes.
	places []int
}

// sift removes the holes.
func (s Source[T]) sift(hand known[T]) sifted[T] {
	holes := 0
	for _, row := range hand.rows {
		if s.isHole(row) {
			holes++
		}
	}
	if holes == 0 {
		return sifted[T]{known: hand}
	}
	rows, places := make([]T, 0, len(hand.rows)-holes), make([]int, 0, len(hand.rows)-holes)
	for i, row := range hand.rows {
		if !s.isHole(row) {
			rows, places = append(rows, row), append(places, hand.low+i)
		}
	}
	hand.rows, hand.high = rows, hand.low+len(rows)
	return sifted[T]{hand, places}
}

// mark converts a mark in the list to one among the rows without holes.
func (k sifted[T]) mark(m *mark) *mark {
	if m == nil || k.places == nil {
		return m
	}
	return &mark{k.low + sort.SearchInts(k.places, m.position), m.found}
}

// enough reports whether the window can be cut from the rows: they fill the page and
// decide whether there is another one, or the list or the window ends.
func (k sifted[T]) enough(w Window, next bool, after, before *mark) bool {
	if w.Backward {
		return k.low == 0 || after != nil && after.found || min(max(before.position, k.low), k.high)-k.low > w.Size
	}
	floor := k.low
	if after != nil {
		floor = after.position
		if after.found {
			floor++
		}
	}
	wanted := w.Size
	if next {
		wanted++
	}
	return k.end || before != nil && before.found || k.high-min(max(floor, k.low), k.high) >= wanted
}

// grow reads more rows in the direction of the window. As long as the largest page has
// room it reads the rows in hand again, because the list may change between two reads.
func (s Source[T]) grow(hand known[T], backward bool) (known[T], error) {
	count := hand.high - hand.low
	if more := min(max(2*count, searchRows), s.MaxSize()); more > count {
		if backward {
			offset := max(0, hand.high-more)
			return s.fetch(span{offset, hand.high - offset})
		}
		return s.fetch(span{hand.low, more})
	}
	if backward {
		offset := max(0, hand.low-s.MaxSize())
		earlier, err := s.fetch(span{offset, hand.low - offset})
		return s.attach(earlier, hand), err
	}
	later, err := s.fetch(span{hand.high, s.MaxSize()})
	return s.attach(hand, later), err
}

// attach joins two neighbouring parts of the list. Where they overlap, b counts.
func (s Source[T]) attach(a, b known[T]) known[T] {
	rows, repeated := s.join([][]T{a.rows[:min(len(a.rows), max(0, b.low-a.low))], b.rows})
	return known[T]{reach{a.low, a.low + len(rows), b.end}, rows, a.repeated || b.repeated || repeated}
}

// describe adds the ordinals of the rows and the number of holes to a result that was
// cut from the rows without holes. floor and ceiling are the window's bounds in the
// list, if the page does not reach its size.
func (k sifted[T]) describe(r Result[T], w Window, hand known[T], after, before *mark) Result[T] {
	if k.places == nil {
		return r
	}
	n := len(r.Rows)
	r.AllHoles = len(k.rows) == 0 && hand.low == 0 && hand.end
	r.ordinals = k.places[r.offset-k.low:][:n]
	from, to := hand.low, hand.high
	if after != nil {
		from = after.position
		if after.found {
			from++
		}
	}
	if before != nil {
		to = before.position
	}
	switch {
	case n < w.Size: // the page reaches the end of the window
	case n == 0:
		to = from
	case w.Backward:
		from = r.ordinals[0]
	default:
		to = r.ordinals[n-1] + 1
	}
	from, to = max(from, hand.low), min(to, hand.high)
	rows := sort.SearchInts(k.places, to) - sort.SearchInts(k.places, from)
	r.Unreadable = max(0, to-from-rows)
	return r
}
