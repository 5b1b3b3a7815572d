package catalogue

import (
	"sort"
	"strings"

	"leadgraph/lead"
)

// View is an ordered list of the leads of a snapshot that match a filter. It is
// immutable and safe for concurrent use.
type View struct {
	snapshot *Snapshot
	orders   []lead.Order // normal
	matching bitset       // nil if all leads match
	total    int
}

// Select returns the leads that match f, ordered by the first order, by the next one
// where that finds leads equal, and so on; in the platform's own order if there is none.
// Validate f and the orders first: that bounds the work.
func (s *Snapshot) Select(f *lead.Filter, orders ...lead.Order) View {
	v := View{snapshot: s, orders: normalOrder(orders), matching: fullBitset(len(s.leads))}
	s.narrow(v.matching, f)
	if v.total = v.matching.count(); v.total == len(s.leads) {
		v.matching = nil
	}
	return v
}

// Without returns the view without the leads that have these ids. Cursors of them
// keep their places.
func (v View) Without(ids []string) View {
	rows := v.matching
	if rows == nil {
		rows = fullBitset(len(v.snapshot.leads))
	} else {
		rows = rows.clone()
	}
	for _, id := range ids {
		if row, found := v.snapshot.Position(id); found {
			rows.remove(int32(row))
		}
	}
	v.matching, v.total = rows, rows.count()
	return v
}

// Total returns the number of leads in the view.
func (v View) Total() int { return v.total }

// Has reports whether the view contains the lead with this id.
func (v View) Has(id string) bool {
	row, found := v.snapshot.Position(id)
	return found && (v.matching == nil || v.matching.has(int32(row)))
}

// Hash returns the anchor of a lead.
func (v View) Hash(l *lead.Lead) uint64 { return lead.AnchorHash(l.ID) }

// Find returns the number of leads of the view that come before the lead whose id
// has the given AnchorHash, and whether the view contains that lead. It knows this
// for every lead of the snapshot, also for one that does not match the filter. The view
// must not be in the order of ids.
func (v View) Find(anchor uint64) (before int, found, known bool) {
	row, known := v.snapshot.anchors[anchor]
	if !known {
		return 0, false, false
	}
	place := v.snapshot.ordering(v.orders).places[row]
	return v.countMatching(0, int(place)), v.matching == nil || v.matching.has(row), true
}

// Ordered reports whether the view has another order than the platform's.
func (v View) Ordered() bool { return len(v.orders) > 0 }

// Key returns the values, as one text, and the id that a lead is ordered by, each cut to
// a fixed length.
func (v View) Key(l *lead.Lead) (value, id string) {
	return newKeyWriter().values(v.orders, l), tie(l.ID)
}

// Seek returns the number of leads of the view that come before a key, and whether a
// lead of the view has it. It needs no lead that has the key.
func (v View) Seek(value, id string) (before int, found bool) {
	writer, rows := newKeyWriter(), v.snapshot.ordering(v.orders).rows
	keys := writer.keysOf(v.orders, value)
	compare := func(i int) int {
		l := v.snapshot.leads[rows[i]]
		for i, o := range v.orders {
			if c := compareKeys(o, keys[i], writer.key(o.Field, l)); c != 0 {
				return c
			}
		}
		return strings.Compare(id, tie(l.ID))
	}
	place, found := sort.Find(len(rows), compare)
	return v.countMatching(0, place), found && (v.matching == nil || v.matching.has(rows[place]))
}

// Slice returns the leads at the positions [from, to). It leaves out positions
// outside the view.
func (v View) Slice(from, to int) []*lead.Lead {
	from, to = max(from, 0), min(to, v.total)
	if from >= to {
		return nil
	}
	ordered := v.snapshot.ordering(v.orders).rows
	if v.matching == nil {
		return v.snapshot.at(ordered[from:to])
	}
	// Skip to from. The next n rows contain at most n matches, so the loop never
	// goes too far, and counting matches is several times faster than looking at
	// one row after the other.
	place := 0
	for position := 0; position < from; {
		stride := from - position
		position += v.countMatching(place, place+stride)
		place += stride
	}
	page := make([]int32, 0, to-from)
	for ; len(page) < to-from; place++ {
		if row := ordered[place]; v.matching.has(row) {
			page = append(page, row)
		}
	}
	return v.snapshot.at(page)
}

// countMatching returns how many leads at the places [from, to) of the order are
// in the view.
func (v View) countMatching(from, to int) int {
	if v.matching == nil {
		return to - from
	}
	if !v.Ordered() { // places are rows
		return v.matching.countBefore(to) - v.matching.countBefore(from)
	}
	n := 0
	for _, row := range v.snapshot.ordering(v.orders).rows[from:to] {
		n += v.matching.bit(row)
	}
	return n
}
