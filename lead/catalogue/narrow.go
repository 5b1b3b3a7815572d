package catalogue

import (
	"slices"
	"sort"
	"strings"

	"leadgraph/lead"
)

// narrow removes the rows that do not match f. Nested filters only look at the rows
// that are left, and text search comes last because it costs the most per row.
func (s *Snapshot) narrow(rows bitset, f *lead.Filter) {
	if f == nil {
		return
	}
	for i := range conditions {
		if c := &conditions[i]; !c.scans && c.set(f) {
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
		if c := &conditions[i]; c.scans && c.set(f) {
			c.narrow(s, rows, f)
		}
	}
}

// within returns the rows whose time is in the range. In the ascending order by that
// time the rows of a range are contiguous, and rows without a time come last, so a
// binary search finds both ends.
func (s *Snapshot) within(field lead.OrderField, r lead.TimeRange) bitset {
	moment := consentedOn
	if field == lead.OrderLastModifiedOn {
		moment = lastModifiedOn
	}
	ordered := s.orderings[field].both[0].rows
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
	return inside
}

// narrowByAddress removes the rows without an address that meets all conditions.
func (s *Snapshot) narrowByAddress(rows bitset, f *lead.AddressFilter) {
	if f.Missing != nil {
		rows.require(s.addresses.any(len(s.leads)), !*f.Missing)
	}
	if f.Countries == nil && f.ValidationStatuses == nil {
		return
	}
	countries := map[string]bool{}
	for _, country := range f.Countries {
		countries[strings.ToUpper(country)] = true
	}
	rows.intersect(s.addresses.matching(len(s.leads), func(kind addressKind) bool {
		return (f.Countries == nil || countries[kind.country]) &&
			(f.ValidationStatuses == nil || slices.Contains(f.ValidationStatuses, kind.status))
	}))
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
