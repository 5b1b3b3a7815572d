package lead

// View is the ordered list of the leads of a snapshot that match a filter. It is
// immutable and safe for concurrent use.
type View struct {
	snapshot *Snapshot
	order    *ordering
	rows     bitset
	total    int
}

// Select returns the leads that match f in the order o. Validate f first: it
// bounds the work.
func (s *Snapshot) Select(f *Filter, o Order) View {
	o = o.normal()
	direction := 0
	if o.Descending {
		direction = 1
	}
	rows := fullBitset(len(s.leads))
	s.narrow(rows, f)
	return View{snapshot: s, order: &s.orderings[o.Field][direction], rows: rows, total: rows.count()}
}

// Total is the number of leads in the view.
func (v View) Total() int { return v.total }

// Position returns where in the view the lead is whose id has the given
// AnchorHash; false if it is not in the view.
func (v View) Position(anchor uint64) (int, bool) {
	row, known := v.snapshot.anchors[anchor]
	if !known || !v.rows.has(row) {
		return 0, false
	}
	before := 0
	for _, other := range v.order.rows[:v.order.places[row]] {
		before += v.rows.bit(other)
	}
	return before, true
}

// Slice returns the leads at the positions from up to but without to; positions
// outside the view are left out.
func (v View) Slice(from, to int) []*Lead {
	from, to = max(from, 0), min(to, v.total)
	if from >= to {
		return nil
	}
	window := make([]int32, 0, to-from)
	position := 0
	for _, row := range v.order.rows {
		if !v.rows.has(row) {
			continue
		}
		if position >= from {
			window = append(window, row)
		}
		if position++; position == to {
			break
		}
	}
	return v.snapshot.at(window)
}
