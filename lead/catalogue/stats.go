package catalogue

import (
	"cmp"
	"slices"
	"time"

	"leadgraph/lead"
)

// Stats are counts over leads. The lists have the most frequent value first,
// then go by value, and leave out values that no lead has.
type Stats struct {
	Total    int
	ByStatus []StatusCount
	// ByCountry counts a lead once for each of its consented countries.
	ByCountry []CountryCount
	// ByCompanySize goes by the band in the contact details as the platform
	// codes it; leads without one are not in it.
	ByCompanySize []CompanySizeCount
	// Direct and Consented count leads that say whether they are direct leads.
	Direct    int
	Consented int
	// AsOf is when reading the counted leads began.
	AsOf time.Time
}

// StatusCount is how many leads are in a state.
type StatusCount struct {
	Status lead.Status
	Count  int
}

// CountryCount is how many leads have a consented country.
type CountryCount struct {
	Country string
	Count   int
}

// CompanySizeCount is how many leads have an employee band.
type CompanySizeCount struct {
	CompanySize string
	Count       int
}

// CompanySizeRange is the employee band of CompanySize; see ParseSizeRange.
func (c CompanySizeCount) CompanySizeRange() *lead.SizeRange {
	return lead.ParseSizeRange(&c.CompanySize)
}

// Stats counts the leads that match f. Validate f first: it bounds the work.
func (s *Snapshot) Stats(f *lead.Filter) Stats {
	rows := fullBitset(len(s.leads))
	s.narrow(rows, f)
	direct := s.direct.counts(rows)
	return Stats{
		Total: rows.count(),
		ByStatus: ranked(&s.statuses, rows, func(status lead.Status, n int) StatusCount {
			return StatusCount{status, n}
		}),
		ByCountry: ranked(&s.countries, rows, func(country string, n int) CountryCount {
			return CountryCount{country, n}
		}),
		ByCompanySize: ranked(&s.sizes, rows, func(size string, n int) CompanySizeCount {
			return CompanySizeCount{size, n}
		}),
		Direct:    direct[true],
		Consented: direct[false],
		AsOf:      s.asOf,
	}
}

func ranked[K cmp.Ordered, C any](p *postings[K], rows bitset, entry func(K, int) C) []C {
	counts := p.counts(rows)
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
