package catalogue

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"leadgraph/lead"
)

// MaxBuckets is the maximum number of entries in one list of Stats. Those of values are
// the most frequent, those of periods the latest. All other leads are the list's rest: so
// many that the negation of the filters of all entries selects them.
const MaxBuckets = 400

// Stats counts the leads that match a filter. It is immutable and safe for concurrent
// use. Its lists of values are ordered by descending count, then by value, and contain only
// values that some lead has.
type Stats struct {
	Total int
	// Unreadable is the number of the platform's rows that could not be read, whatever
	// the filter.
	Unreadable int
	// AsOf is when reading the leads began.
	AsOf time.Time
	// Freshness and Revision are the caller's: a snapshot does not know them.
	Freshness lead.Age
	Revision  *string

	of       *Snapshot
	matching bitset
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

// ChannelCount is the number of leads with a channel.
type ChannelCount struct {
	ChannelID string
	Count     int
}

// OperatorCount is the number of leads of an operator.
type OperatorCount struct {
	OperatorID string
	Count      int
}

// AddressStatusCount is the number of leads with an address in a validation status.
type AddressStatusCount struct {
	ValidationStatus lead.ValidationStatus
	Count            int
}

// CompanySizeRange returns the employee band of CompanySize; see ParseSizeRange.
func (c CompanySizeCount) CompanySizeRange() *lead.SizeRange {
	return lead.ParseSizeRange(&c.CompanySize)
}

// Stats counts the leads that match f. Validate f first: that bounds the work.
func (s *Snapshot) Stats(f *lead.Filter) Stats {
	matching := fullBitset(len(s.leads))
	s.narrow(matching, f)
	return Stats{Total: matching.count(), Unreadable: s.unreadable, AsOf: s.asOf, of: s, matching: matching}
}

// ByStatus counts the leads in each status.
func (s *Stats) ByStatus() []StatusCount {
	return mostFrequent(&s.of.statuses, s.matching, func(status lead.Status, n int) StatusCount { return StatusCount{status, n} })
}

// ByCountry counts a lead once for each of its consented countries.
func (s *Stats) ByCountry() []CountryCount {
	return mostFrequent(&s.of.countries, s.matching, func(country string, n int) CountryCount { return CountryCount{country, n} })
}

// ByCountryRest is the rest of ByCountry.
func (s *Stats) ByCountryRest() int { return s.restOf(&s.of.countries) }

// ByCompanySize counts leads by the platform's code of the employee band in the contact
// details.
func (s *Stats) ByCompanySize() []CompanySizeCount {
	return mostFrequent(&s.of.sizes, s.matching, func(size string, n int) CompanySizeCount { return CompanySizeCount{size, n} })
}

// ByCompanySizeRest is the rest of ByCompanySize.
func (s *Stats) ByCompanySizeRest() int { return s.restOf(&s.of.sizes) }

// ByChannel counts a lead once for each of its channels: its ChannelID and OVOCChannelID.
func (s *Stats) ByChannel() []ChannelCount {
	return mostFrequent(&s.of.channels, s.matching, func(channel string, n int) ChannelCount { return ChannelCount{channel, n} })
}

// ByChannelRest is the rest of ByChannel.
func (s *Stats) ByChannelRest() int { return s.restOf(&s.of.channels) }

// ByOperator counts the leads of each operator.
func (s *Stats) ByOperator() []OperatorCount {
	return mostFrequent(&s.of.operators, s.matching, func(operator string, n int) OperatorCount { return OperatorCount{operator, n} })
}

// ByOperatorRest is the rest of ByOperator.
func (s *Stats) ByOperatorRest() int { return s.restOf(&s.of.operators) }

// ByAddressStatus counts a lead once for each validation status that one of its addresses
// has.
func (s *Stats) ByAddressStatus() []AddressStatusCount {
	counts := map[lead.ValidationStatus]int{}
	for status := range lead.ValidationNames {
		rows := s.of.addresses.matching(len(s.of.leads), func(kind addressKind) bool { return kind.status == status })
		rows.intersect(s.matching)
		counts[status] = rows.count()
	}
	return ranked(counts, func(status lead.ValidationStatus, n int) AddressStatusCount { return AddressStatusCount{status, n} })
}

// ByAddressStatusRest is the rest of ByAddressStatus: the number of leads without an
// address.
func (s *Stats) ByAddressStatusRest() int { return s.outside(s.of.addresses.any(len(s.of.leads))) }

// Direct is the number of leads whose IsDirectLead is true.
func (s *Stats) Direct() int { return s.of.direct.counts(s.matching)[true] }

// Consented is the number of leads whose IsDirectLead is false.
func (s *Stats) Consented() int { return s.of.direct.counts(s.matching)[false] }

// UnknownConsent is the number of leads without IsDirectLead.
func (s *Stats) UnknownConsent() int { return s.outside(s.of.direct.any(len(s.of.leads))) }

// Onboarded is the number of leads that became customers.
func (s *Stats) Onboarded() int { return s.Total - s.NotOnboarded() }

// NotOnboarded is the number of leads that did not become customers.
func (s *Stats) NotOnboarded() int { return s.outside(s.of.customers) }

// outside returns how many of the leads are not in the rows.
func (s *Stats) outside(rows bitset) int {
	others := s.matching.clone()
	others.subtract(rows)
	return others.count()
}

// restOf returns how many of the leads have no value that mostFrequent lists.
func (s *Stats) restOf(p *postings[string]) int {
	listed := map[string]bool{}
	for _, key := range mostFrequent(p, s.matching, func(key string, _ int) string { return key }) {
		listed[key] = true
	}
	return s.outside(p.matching(len(s.of.leads), func(key string) bool { return listed[key] }))
}

// mostFrequent returns an entry for each value that a lead within has, the most
// frequent first.
func mostFrequent[K cmp.Ordered, C any](p *postings[K], within bitset, entry func(K, int) C) []C {
	return ranked(p.counts(within), entry)
}

// ranked returns an entry for each count that is not 0, the highest first.
func ranked[K cmp.Ordered, C any](counts map[K]int, entry func(K, int) C) []C {
	keys := make([]K, 0, len(counts))
	for key, n := range counts {
		if n > 0 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	entries := make([]C, min(len(keys), MaxBuckets))
	for i := range entries {
		entries[i] = entry(keys[i], counts[keys[i]])
	}
	return entries
}

// Interval is the length of a period.
type Interval uint8

// The intervals. A week begins on Monday.
const (
	Day Interval = iota
	Week
	Month
)

// Timeline counts leads by one of their times, in periods of equal interval that follow
// each other without gaps or overlaps, whatever the clocks do.
type Timeline struct {
	// Periods are those with leads, the earliest first.
	Periods []PeriodCount
	// Rest counts leads of earlier periods and leads without the time.
	Rest int
}

// PeriodCount is the number of leads with a time from From, inclusive, to To, exclusive.
type PeriodCount struct {
	From time.Time
	// To is zero if the period ends after the year 9999, the last one that texts can
	// show.
	To    time.Time
	Count int
}

// ConsentedPer counts the leads by ConsentedOn.
func (s *Stats) ConsentedPer(interval Interval, timeZone *time.Location) Timeline {
	return s.timeline(lead.OrderConsentedOn, consentedOn, interval, timeZone)
}

// ChangedPer counts the leads by LastModifiedOn.
func (s *Stats) ChangedPer(interval Interval, timeZone *time.Location) Timeline {
	return s.timeline(lead.OrderLastModifiedOn, lastModifiedOn, interval, timeZone)
}

// timeline walks back from the latest lead, and once more in each period to find where
// the period begins.
func (s *Stats) timeline(field lead.OrderField, moment func(*lead.Lead) time.Time, interval Interval, zone *time.Location) Timeline {
	order := &s.of.orderings[field]
	rows := order.both[0].rows
	line := Timeline{Periods: []PeriodCount{}, Rest: s.Total}
	for end := order.valued; end > 0 && len(line.Periods) < MaxBuckets; {
		last := rows[end-1]
		if !s.matching.has(last) {
			end--
			continue
		}
		period := interval.around(moment(s.of.leads[last]), zone)
		begin := sort.Search(end, func(place int) bool { return !moment(s.of.leads[rows[place]]).Before(period.From) })
		for _, row := range rows[begin:end] {
			period.Count += s.matching.bit(row)
		}
		line.Periods = append(line.Periods, period)
		line.Rest -= period.Count
		end = begin
	}
	slices.Reverse(line.Periods)
	return line
}

// around returns the period that contains t.
func (i Interval) around(t time.Time, zone *time.Location) PeriodCount {
	year, month, day := t.In(zone).Date()
	period := i.at(year, month, day, zone)
	for t.Before(period.From) { // the clock was put back over midnight after t
		day--
		period = i.at(year, month, day, zone)
	}
	for !t.Before(period.To) { // it was put back over midnight before t
		day++
		period = i.at(year, month, day, zone)
	}
	if period.To.Year() > 9999 {
		period.To = time.Time{}
	}
	return period
}

// at returns the period that contains a day.
func (i Interval) at(year int, month time.Month, day int, zone *time.Location) PeriodCount {
	first := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	next := first.AddDate(0, 0, 1)
	switch i {
	case Week:
		first = first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
		next = first.AddDate(0, 0, 7)
	case Month:
		first = first.AddDate(0, 0, 1-first.Day())
		next = first.AddDate(0, 1, 0)
	}
	return PeriodCount{From: startOfDay(first, zone), To: startOfDay(next, zone)}
}

// startOfDay returns the moment at which a day begins in a time zone; day is the day's
// midnight in UTC. Midnight can be missing there or come twice, and so can a day.
func startOfDay(day time.Time, zone *time.Location) time.Time {
	const farthest = 16 * 3600 // no zone was ever farther from UTC, in seconds
	seconds := sort.Search(2*farthest, func(n int) bool {
		year, month, at := day.Add(time.Duration(n-farthest) * time.Second).In(zone).Date()
		return !time.Date(year, month, at, 0, 0, 0, 0, time.UTC).Before(day)
	})
	return day.Add(time.Duration(seconds-farthest) * time.Second)
}
