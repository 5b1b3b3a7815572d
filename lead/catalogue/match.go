package catalogue

import (
	"sort"

	"leadgraph/lead"
)

// narrow removes the rows that do not satisfy f. Nested filters are only asked
// about rows that are still in question, and the text search, which costs the
// most a row, comes last.
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

// narrowByTime uses that the rows of a range stand together in the ascending
// order by that time, with those that have no time behind all others.
func (s *Snapshot) narrowByTime(rows bitset, field lead.OrderField, r lead.TimeRange) {
	moment := consentedOn
	if field == lead.OrderLastModifiedOn {
		moment = lastModifiedOn
	}
	ordered := s.orderings[field][0].rows
	first := sort.Search(len(ordered), func(i int) bool {
		t := moment(s.leads[ordered[i]])
		return t.IsZero() || !t.Before(r.From)
	})
	behind := sort.Search(len(ordered), func(i int) bool {
		t := moment(s.leads[ordered[i]])
		return t.IsZero() || !r.To.IsZero() && !t.Before(r.To)
	})
	inside := newBitset(len(s.leads))
	for i := first; i < behind; i++ {
		inside.set(ordered[i])
	}
	rows.intersect(inside)
}

func (s *Snapshot) matchAny(rows bitset, filters []*lead.Filter) bitset {
	found := newBitset(len(s.leads))
	for _, f := range filters {
		open := rows.clone()
		open.subtract(found)
		s.narrow(open, f)
		found.unite(open)
	}
	return found
}
