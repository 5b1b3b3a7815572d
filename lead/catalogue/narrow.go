package catalogue

import (
	"sort"

	"leadgraph/lead"
)

// narrow removes the rows that do not match f. Nested filters only look at the rows
// that are left, and text search comes last because it costs the most per row.
func (s *Snapshot) narrow(rows bitset, f *lead.Filter) {
	if f == nil {
		return
	}
	for i := range conditions {
		if c := &conditions[i]; !c.search && c.set(f) {
			c.narrow(s, rows, f)
		}
	}
	for _, nested := range f.And {
		s.narrow(rows, nested)
	}
	if f.Or != nil {
		rows.intersect(s.matchAny(rows, f.Or))
	}
	if f.Not != nil {
		unwanted := rows.clone()
		s.narrow(unwanted, f.Not)
		rows.subtract(unwanted)
	}
	for i := range conditions {
		if c := &conditions[i]; c.search && c.set(f) {
			c.narrow(s, rows, f)
		}
	}
}

// narrowByTime removes the rows whose time is not in the range. In the ascending
// order by that time the rows of a range are contiguous, and rows without a time
// come last, so a binary search finds both ends.
func (s *Snapshot) narrowByTime(rows bitset, field lead.OrderField, r lead.TimeRange) {
	moment := consentedOn
	if field == lead.OrderLastModifiedOn {
		moment = lastModifiedOn
	}
	ordered := s.orderings[field][0].rows
	first := sort.Search(len(ordered), func(i int) bool {
		t := moment(s.leads[ordered[i]])
		return t.IsZero() || r.From == nil || !t.Before(*r.From)
	})
	end := sort.Search(len(ordered), func(i int) bool {
		t := moment(s.leads[ordered[i]])
		return t.IsZero() || r.To != nil && !t.Before(*r.To)
	})
	inside := newBitset(len(s.leads))
	for i := first; i < end; i++ {
		inside.set(ordered[i])
	}
	rows.intersect(inside)
}

// matchAny returns the rows that match at least one of the filters.
func (s *Snapshot) matchAny(rows bitset, filters []*lead.Filter) bitset {
	found := newBitset(len(s.leads))
	for _, f := range filters {
		left := rows.clone()
		left.subtract(found)
		s.narrow(left, f)
		found.unite(left)
	}
	return found
}
