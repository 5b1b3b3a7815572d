package catalogue

import "leadgraph/lead"

// View is an ordered list of the leads of a snapshot that match a filter. It is
// immutable and safe for concurrent use.
type View struct {
	snapshot *Snapshot
	order    lead.Order
	matching bitset // nil if all leads match
	total    int
}

// Select returns the leads that match f in the order o. Validate f first: that
// bounds the work.
func (s *Snapshot) Select(f *lead.Filter, o lead.Order) View {
	v := View{snapshot: s, order: normalOrder(o), matching: fullBitset(len(s.leads))}
	s.narrow(v.matching, f)
	if v.total = v.matching.count(); v.total == len(s.leads) {
		v.matching = nil
	}
	return v
}

// Total returns the number of leads in the view.
func (v View) Total() int { return v.total }

// Locate returns the position in the view of the lead whose id has the given
// AnchorHash, and whether the view contains that lead. If it does not, Locate
// returns the position that the lead would have. It knows that position for a lead
// that does not match the filter, and for a lead that has disappeared from the
// platform while the snapshot still has its tombstone. For any other lead it
// returns the ordinal, limited to the length of the view.
func (v View) Locate(anchor uint64, ordinal int) (position int, found bool) {
	if row, here := v.snapshot.anchors[anchor]; here {
		place := v.snapshot.ordering(v.order).places[row]
		return v.countMatching(0, int(place)), v.matching == nil || v.matching.has(row)
	}
	if place, known := v.snapshot.wouldBe(anchor, v.order); known {
		return v.countMatching(0, place), false
	}
	return min(max(ordinal, 0), v.total), false
}

// Slice returns the leads at the positions [from, to). It leaves out positions
// outside the view.
func (v View) Slice(from, to int) []*lead.Lead {
	from, to = max(from, 0), min(to, v.total)
	if from >= to {
		return nil
	}
	ordered := v.snapshot.ordering(v.order).rows
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
	n := 0
	for _, row := range v.snapshot.ordering(v.order).rows[from:to] {
		n += v.matching.bit(row)
	}
	return n
}

// ordering returns the ordering of all leads. The order must be normal.
func (s *Snapshot) ordering(o lead.Order) *ordering {
	if o.Descending {
		return &s.orderings[o.Field][1]
	}
	return &s.orderings[o.Field][0]
}
