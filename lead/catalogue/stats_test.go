package catalogue_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// bar is one number that the statistics show, with the filter that selects its leads.
type bar struct {
	name   string
	count  int
	filter *lead.Filter
}

// barsOf returns everything that the statistics show.
func barsOf(s *catalogue.Stats, zone *time.Location) (bars []bar) {
	add := func(name string, count int, f lead.Filter) { bars = append(bars, bar{name, count, &f}) }
	not := func(f lead.Filter) lead.Filter { return lead.Filter{Not: &f} }
	for _, c := range s.ByStatus() {
		add(fmt.Sprint("status ", c.Status), c.Count, lead.Filter{Statuses: []lead.Status{c.Status}})
	}
	listed := []string{}
	for _, c := range s.ByCountry() {
		listed = append(listed, c.Country)
		add("country "+c.Country, c.Count, lead.Filter{ConsentedCountries: []string{c.Country}})
	}
	add("no listed country", s.ByCountryRest(), not(lead.Filter{ConsentedCountries: listed}))
	listed = []string{}
	for _, c := range s.ByCompanySize() {
		listed = append(listed, c.CompanySize)
		add("size "+c.CompanySize, c.Count, lead.Filter{CompanySizes: []string{c.CompanySize}})
	}
	add("no listed size", s.ByCompanySizeRest(), not(lead.Filter{CompanySizes: listed}))
	listed = []string{}
	for _, c := range s.ByChannel() {
		listed = append(listed, c.ChannelID)
		add("channel "+c.ChannelID, c.Count, lead.Filter{ChannelIDs: []string{c.ChannelID}})
	}
	add("no listed channel", s.ByChannelRest(), not(lead.Filter{ChannelIDs: listed}))
	listed = []string{}
	for _, c := range s.ByOperator() {
		listed = append(listed, c.OperatorID)
		add("operator "+c.OperatorID, c.Count, lead.Filter{OperatorIDs: []string{c.OperatorID}})
	}
	add("no listed operator", s.ByOperatorRest(), not(lead.Filter{OperatorIDs: listed}))
	for _, c := range s.ByAddressStatus() {
		add(fmt.Sprint("address ", c.ValidationStatus), c.Count,
			lead.Filter{Addresses: lead.AddressFilter{ValidationStatuses: []lead.ValidationStatus{c.ValidationStatus}}})
	}
	add("no address", s.ByAddressStatusRest(), lead.Filter{Addresses: lead.AddressFilter{Missing: new(true)}})
	add("direct", s.Direct(), lead.Filter{IsDirectLead: new(true)})
	add("consented", s.Consented(), lead.Filter{IsDirectLead: new(false)})
	add("unknown consent", s.UnknownConsent(), not(lead.Filter{Or: []*lead.Filter{{IsDirectLead: new(true)}, {IsDirectLead: new(false)}}}))
	add("onboarded", s.Onboarded(), lead.Filter{HasCustomer: new(true)})
	add("not onboarded", s.NotOnboarded(), lead.Filter{HasCustomer: new(false)})
	for _, interval := range []catalogue.Interval{catalogue.Day, catalogue.Week, catalogue.Month} {
		addPeriods(add, "consent", s.ConsentedPer(interval, zone), func(r lead.TimeRange) lead.Filter { return lead.Filter{ConsentedOn: r} })
		addPeriods(add, "change", s.ChangedPer(interval, zone), func(r lead.TimeRange) lead.Filter { return lead.Filter{LastModifiedOn: r} })
	}
	return bars
}

func addPeriods(add func(string, int, lead.Filter), name string, line catalogue.Timeline, during func(lead.TimeRange) lead.Filter) {
	rest := lead.Filter{}
	for i, p := range line.Periods {
		span := lead.TimeRange{From: &p.From, To: &p.To}
		if p.To.IsZero() {
			span.To = nil
		}
		add(fmt.Sprint(name, " ", p.From), p.Count, during(span))
		if i == 0 {
			from := during(lead.TimeRange{From: &p.From})
			rest.Not = &from
		}
	}
	add("rest of "+name, line.Rest, rest)
}

var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Asia/Kathmandu", "Asia/Beirut",
	"Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Africa/Monrovia",
}

func inSomeZone(t *rapid.T) *time.Location {
	zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// genMoment generates times close to where the clocks of some zone are changed.
func genMoment(zone *time.Location) *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		moment := time.Unix(rapid.Int64Range(-3e9, 4e9).Draw(t, "seconds"), 0).UTC()
		if _, change := moment.In(zone).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
			moment = change.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "off")) * time.Second).UTC()
		}
		return moment
	})
}

// For each number that the statistics show, a filter selects exactly so many leads.
func TestEveryBarHasAFilter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := inSomeZone(t)
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 60).Draw(t, "leads")
		for _, l := range leads {
			if rapid.Bool().Draw(t, "another time") {
				l.ConsentedOn, l.LastModifiedOn = genMoment(zone).Draw(t, "consented"), genMoment(zone).Draw(t, "modified")
			}
		}
		f := leadtest.GenFilter(2).Draw(t, "filter")
		s := catalogue.Build(leads, time.Time{}, nil)
		matching := plainSelect(leads, f)
		stats := s.Stats(f)
		if stats.Total != len(matching) {
			t.Fatalf("total %d, want %d", stats.Total, len(matching))
		}
		for _, b := range barsOf(&stats, zone) {
			if got := len(plainSelect(matching, b.filter)); got != b.count {
				t.Fatalf("%s: %d leads, but the filter selects %d", b.name, b.count, got)
			}
			if got := s.Select(&lead.Filter{And: []*lead.Filter{f, b.filter}}).Total(); got != b.count {
				t.Fatalf("%s: %d leads, but the page has %d", b.name, b.count, got)
			}
		}
	})
}

// The lists have every value that some lead has, the most frequent first.
func TestStatsEqualPlainCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := plainSelect(rapid.SliceOfN(leadtest.GenLead(), 0, 60).Draw(t, "leads"), nil)
		counts := map[string]map[string]int{}
		for _, l := range leads {
			values := map[string][]string{"status": {fmt.Sprint(l.Status)}}
			given := func(name string, all ...*string) {
				for _, v := range all {
					if v != nil && *v != "" {
						values[name] = append(values[name], *v)
					}
				}
			}
			for _, c := range l.ConsentedCountries {
				given("country", new(strings.ToUpper(c)))
			}
			given("channel", l.ChannelID, l.OVOCChannelID)
			given("operator", l.OperatorID)
			if l.ContactDetails != nil {
				given("size", l.ContactDetails.CompanySize)
			}
			for _, a := range l.CivicAddresses {
				given("address", new(fmt.Sprint(a.ValidationStatus)))
			}
			for name, all := range values {
				if counts[name] == nil {
					counts[name] = map[string]int{}
				}
				slices.Sort(all)
				for _, v := range slices.Compact(all) {
					counts[name][v]++
				}
			}
		}
		stats := catalogue.Build(leads, time.Time{}, nil).Stats(nil)
		want := map[string][]string{}
		for name, values := range counts {
			for v, n := range values {
				want[name] = append(want[name], fmt.Sprint(v, " ", n))
			}
			slices.SortFunc(want[name], func(a, b string) int {
				valueA, _, _ := strings.Cut(a, " ")
				valueB, _, _ := strings.Cut(b, " ")
				return cmp.Or(values[valueB]-values[valueA], strings.Compare(valueA, valueB))
			})
		}
		got := map[string][]string{}
		for _, b := range barsOf(&stats, time.UTC) {
			name, value, _ := strings.Cut(b.name, " ")
			if counts[name] != nil {
				got[name] = append(got[name], fmt.Sprint(value, " ", b.count))
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A period of days has the leads that a calendar in the zone shows on its days.
func TestPeriodsFollowTheCalendar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := inSomeZone(t)
		moments := rapid.SliceOfN(genMoment(zone), 1, 40).Draw(t, "moments")
		leads := make([]*lead.Lead, len(moments))
		days, weeks, months := map[string]int{}, map[string]int{}, map[string]int{}
		for i, moment := range moments {
			leads[i] = &lead.Lead{ID: fmt.Sprint(i), ConsentedOn: moment}
			at := moment.In(zone)
			if zone.String() == "America/St_Johns" && at.Hour() == 23 && at.Add(-time.Hour).Day() != at.Day() {
				t.Skip("the clock went back to the day before")
			}
			year, week := at.ISOWeek()
			days[at.Format(time.DateOnly)]++
			weeks[fmt.Sprintf("%d week %d", year, week)]++
			months[at.Format("2006-01")]++
		}
		stats := catalogue.Build(leads, time.Time{}, nil).Stats(nil)
		for interval, want := range map[catalogue.Interval]map[string]int{catalogue.Day: days, catalogue.Week: weeks, catalogue.Month: months} {
			got := map[string]int{}
			line := stats.ConsentedPer(interval, zone)
			for i, p := range line.Periods {
				at := p.From.In(zone)
				year, week := at.ISOWeek()
				got[map[catalogue.Interval]string{
					catalogue.Day: at.Format(time.DateOnly), catalogue.Week: fmt.Sprintf("%d week %d", year, week), catalogue.Month: at.Format("2006-01"),
				}[interval]] = p.Count
				if !p.From.Before(p.To) || i > 0 && p.From.Before(line.Periods[i-1].To) {
					t.Fatalf("periods overlap: %v", line.Periods)
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" || line.Rest != 0 {
				t.Fatalf("interval %d in %s, rest %d: %s", interval, zone, line.Rest, diff)
			}
		}
	})
}

func TestPeriodsWhereTheClockIsChangedAtMidnight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, day, from, to string }{
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}, // has no midnight
		{"America/Havana", "2020-11-01", "2020-11-01T04:00:00Z", "2020-11-02T05:00:00Z"},    // has it twice
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},      // follows the 29th
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"UTC", "9999-12-31", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z"}, // open
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		noon, err := time.ParseInLocation(time.DateOnly+" 15", c.day+" 12", zone)
		if err != nil {
			t.Fatal(err)
		}
		stats := catalogue.Build([]*lead.Lead{{ID: "a", ConsentedOn: noon.UTC()}}, time.Time{}, nil).Stats(nil)
		want := c.from + " " + c.to
		for _, p := range stats.ConsentedPer(catalogue.Day, zone).Periods {
			if got := p.From.Format(time.RFC3339) + " " + p.To.Format(time.RFC3339); got != want {
				t.Errorf("%s in %s: %s, want %s", c.day, c.zone, got, want)
			}
		}
	}
}

// Lists are bounded, and what is left out is counted.
func TestStatsAreBounded(t *testing.T) {
	t.Parallel()
	const more = catalogue.MaxBuckets + 100
	var leads []*lead.Lead
	for i := range more {
		on := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		for range 1 + i%2 {
			leads = append(leads, &lead.Lead{
				ID: fmt.Sprint(len(leads)), OperatorID: new(fmt.Sprint("o", i)), ChannelID: new(fmt.Sprint("c", i)), ConsentedOn: on,
				ContactDetails: &lead.ContactDetails{CompanySize: new(fmt.Sprint("s", i))}, ConsentedCountries: []string{fmt.Sprint("X", i)},
			})
		}
	}
	leads = append(leads, &lead.Lead{ID: "none"})
	stats := catalogue.Build(leads, time.Time{}, nil).Stats(nil)
	for name, length := range map[string]int{
		"countries": len(stats.ByCountry()), "sizes": len(stats.ByCompanySize()), "channels": len(stats.ByChannel()),
		"operators": len(stats.ByOperator()), "days": len(stats.ConsentedPer(catalogue.Day, time.UTC).Periods),
	} {
		if length != catalogue.MaxBuckets {
			t.Errorf("%d %s", length, name)
		}
	}
	for name, rest := range map[string]int{
		"countries": stats.ByCountryRest(), "sizes": stats.ByCompanySizeRest(), "channels": stats.ByChannelRest(), "operators": stats.ByOperatorRest(),
	} {
		if rest != 101 { // the values that only one lead has, and none
			t.Errorf("the rest of %s is %d", name, rest)
		}
	}
	if line := stats.ConsentedPer(catalogue.Day, time.UTC); line.Rest != 151 || line.Periods[0].From.Format(time.DateOnly) != "2024-04-10" {
		t.Errorf("the rest of the days is %d, before %s", line.Rest, line.Periods[0].From)
	}
	for _, b := range barsOf(&stats, time.UTC) {
		if got := len(plainSelect(leads, b.filter)); got != b.count {
			t.Errorf("%s: %d leads, but the filter selects %d", b.name, b.count, got)
		}
	}
}
