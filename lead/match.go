package lead

import (
	"sort"
	"strings"
)

// narrow removes the rows that do not satisfy f. Nested filters are only asked
// about rows that are still in question, and the text search, which costs the
// most a row, comes last.
func (s *Snapshot) narrow(rows bitset, f *Filter) {
	if f == nil {
		return
	}
	s.narrowByValues(rows, f)
	s.narrowByTime(rows, OrderConsentedOn, f.ConsentedOn)
	s.narrowByTime(rows, OrderLastModifiedOn, f.LastModifiedOn)
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
	if needle := newFolder().needle(f.Search); needle != "" {
		s.text.keep(rows, needle)
	}
}

func (s *Snapshot) narrowByValues(rows bitset, f *Filter) {
	n := len(s.leads)
	if f.TenantIDs != nil {
		rows.intersect(s.tenants.anyOf(n, f.TenantIDs, strings.ToLower))
	}
	if f.Statuses != nil {
		rows.intersect(s.statuses.anyOf(n, f.Statuses, func(s Status) Status { return s }))
	}
	if f.ConsentedCountries != nil {
		rows.intersect(s.countries.anyOf(n, f.ConsentedCountries, strings.ToUpper))
	}
	if f.ChannelIDs != nil {
		rows.intersect(s.channels.anyOf(n, f.ChannelIDs, verbatim))
	}
	if f.IsDirectLead != nil {
		rows.intersect(s.direct.anyOf(n, []bool{*f.IsDirectLead}, func(b bool) bool { return b }))
	}
	if f.HasCustomer != nil {
		if *f.HasCustomer {
			rows.intersect(s.customers)
		} else {
			rows.subtract(s.customers)
		}
	}
}

// narrowByTime uses that the rows of a range stand together in the ascending
// order by that time, with those that have no time behind all others.
func (s *Snapshot) narrowByTime(rows bitset, field OrderField, r TimeRange) {
	if r.isOpen() {
		return
	}
	moment := consentedOn
	if field == OrderLastModifiedOn {
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

func (s *Snapshot) matchAny(rows bitset, filters []*Filter) bitset {
	found := newBitset(len(s.leads))
	for _, f := range filters {
		open := rows.clone()
		open.subtract(found)
		s.narrow(open, f)
		found.unite(open)
	}
	return found
}
