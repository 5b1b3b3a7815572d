package catalogue

import (
	"cmp"
	"slices"
	"time"

	"leadgraph/lead"
)

// Stats holds counts of leads. The lists are ordered by descending count, then by
// value, and contain only values that some lead has.
type Stats struct {
	Total    int
	ByStatus []StatusCount
	// ByCountry counts a lead once for each of its consented countries.
	ByCountry []CountryCount
	// ByCompanySize counts leads by the platform's code of the employee band in
	// the contact details. Leads without one are not counted.
	ByCompanySize []CompanySizeCount
	// Direct and Consented count the leads whose IsDirectLead is true and false.
	Direct    int
	Consented int
	// Unreadable is the number of the platform's rows that could not be read, whatever
	// the filter.
	Unreadable int
	// AsOf is when reading the leads began.
	AsOf time.Time
	// Freshness and Revision are the caller's: a snapshot does not know them.
	Freshness lead.Age
	Revision  *string
}

// StatusCount is the number of leads in a state.
type StatusCount struct {
	Status lead.Status
	Count  int
}

// CountryCount is the number of leads with a consented country.
type CountryCount struct {
	Country string
	Count   int
}

// CompanySizeCount is the number of leads with an employee band.
type CompanySizeCount struct {
	CompanySize string
	Count       int
}

// CompanySizeRange returns the employee band of CompanySize; see ParseSizeRange.
func (c CompanySizeCount) CompanySizeRange() *lead.SizeRange {
	return lead.ParseSizeRange(&c.CompanySize)
}

// Stats counts the leads that match f. Validate f first: that bounds the work.
func (s *Snapshot) Stats(f *lead.Filter) Stats {
	matching := fullBitset(len(s.leads))
	s.narrow(matching, f)
	direct := s.direct.counts(matching)
	return Stats{
		Total: matching.count(),
		ByStatus: mostFrequent(&s.statuses, matching, func(status lead.Status, n int) StatusCount {
			return StatusCount{status, n}
		}),
		ByCountry: mostFrequent(&s.countries, matching, func(country string, n int) CountryCount {
			return CountryCount{country, n}
		}),
		ByCompanySize: mostFrequent(&s.sizes, matching, func(size string, n int) CompanySizeCount {
			return CompanySizeCount{size, n}
		}),
		Direct:     direct[true],
		Consented:  direct[false],
		Unreadable: s.unreadable,
		AsOf:       s.asOf,
	}
}

// mostFrequent returns an entry for each value that a lead within has, the most
// frequent first.
func mostFrequent[K cmp.Ordered, C any](p *postings[K], within bitset, entry func(K, int) C) []C {
	counts := p.counts(within)
	keys := make([]K, 0, len(counts))
	for key := range counts {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	entries := make([]C, len(keys))
	for i, key := range keys {
		entries[i] = entry(key, counts[key])
	}
	return entries
}
