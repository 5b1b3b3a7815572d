package catalogue

import "leadgraph/lead"

// View is the ordered list of the leads of a snapshot that match a filter. It is
// immutable and safe for concurrent use.
type View struct {
	snapshot *Snapshot
	order    lead.Order
	rows     bitset // nil if all leads match
	total    int
}

// Select returns the leads that match f in the order o. Validate f first: it
// bounds the work.
func (s *Snapshot) Select(f *lead.Filter, o lead.Order) View {
	v := View{snapshot: s, order: normalOrder(o), rows: fullBitset(len(s.leads))}
	s.narrow(v.rows, f)
	if v.total = v.rows.count(); v.total == len(s.leads) {
		v.rows = nil
	}
	return v
}

// Total is the number of leads in the view.
func (v View) Total() int { return v.total }

// Locate returns where in the view the lead is whose id has the given
// AnchorHash. If it is not in the view, that is the position which it would
// have: a lead that does not match has a place in the order, and so has one that
// went from the platform, for as long as the snapshots remember it. One that
// they do not remember is taken to be at the ordinal.
func (v View) Locate(anchor uint64, ordinal int) (position int, found bool) {
	if row, here := v.snapshot.anchors[anchor]; here {
		place := v.snapshot.ordering(v.order).places[row]
		return v.matches(0, int(place)), v.rows == nil || v.rows.has(row)
	}
	if place, known := v.snapshot.wouldBe(anchor, v.order); known {
		return v.matches(0, place), false
	}
	return min(max(ordinal, 0), v.total), false
}

// Slice returns the leads at the positions from up to but without to; positions
// outside the view are left out.
func (v View) Slice(from, to int) []*lead.Lead {
	from, to = max(from, 0), min(to, v.total)
	if from >= to {
		return nil
	}
	ordered := v.snapshot.ordering(v.order).rows
	if v.rows == nil {
		return v.snapshot.at(ordered[from:to])
	}
	// As many rows as are to be skipped hold no more matches than that, and
	// counting them is several times faster than looking at each.
	place := 0
	for position := 0; position < from; {
		stride := from - position
		position += v.matches(place, place+stride)
		place += stride
	}
	window := make([]int32, 0, to-from)
	for ; len(window) < to-from; place++ {
		if row := ordered[place]; v.rows.has(row) {
			window = append(window, row)
		}
	}
	return v.snapshot.at(window)
}

// matches counts the leads of the view at the places from up to but without to
// of the order.
func (v View) matches(from, to int) int {
	if v.rows == nil {
		return to - from
	}
	n := 0
	for _, row := range v.snapshot.ordering(v.order).rows[from:to] {
		n += v.rows.bit(row)
	}
	return n
}

// ordering returns the ordering of all leads; the order must be normal.
func (s *Snapshot) ordering(o lead.Order) *ordering {
	if o.Descending {
		return &s.orderings[o.Field][1]
	}
	return &s.orderings[o.Field][0]
}
