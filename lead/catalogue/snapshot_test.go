package catalogue_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"leadgraph/lead"
)

// The plain reference: what a snapshot must return, written without an index.

var plainLetters = strings.NewReplacer("á", "a", "ç", "c", "é", "e", "ł", "l", "ß", "ss", "\u0301", "", "\n", " ")

func plainFold(s string) string { return plainLetters.Replace(strings.ToLower(s)) }

func plainTexts(l *lead.Lead) []string {
	var texts []string
	add := func(all ...*string) {
		for _, s := range all {
			if s != nil {
				texts = append(texts, plainFold(*s))
			}
		}
	}
	if d := l.ContactDetails; d != nil {
		add(d.CompanyName, d.FullName, d.Email)
	}
	for _, c := range l.Contacts {
		add(c.CompanyName, c.FullName, c.Email)
	}
	return texts
}

func plainIn(t time.Time, r lead.TimeRange) bool {
	if r.From == nil && r.To == nil {
		return true
	}
	return !t.IsZero() && (r.From == nil || !t.Before(*r.From)) && (r.To == nil || t.Before(*r.To))
}

func plainMatch(l *lead.Lead, f *lead.Filter) bool {
	if f == nil {
		return true
	}
	same := func(s string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(s, other) }
	}
	channel := func(id string) bool {
		return l.ChannelID != nil && *l.ChannelID == id || l.OVOCChannelID != nil && *l.OVOCChannelID == id
	}
	needle := plainFold(strings.TrimSpace(f.Search))
	matches := func(nested *lead.Filter) bool { return plainMatch(l, nested) }
	return (f.TenantIDs == nil || slices.ContainsFunc(f.TenantIDs, same(l.TenantID))) &&
		(f.Statuses == nil || slices.Contains(f.Statuses, l.Status)) &&
		(f.IsDirectLead == nil || l.IsDirectLead != nil && *l.IsDirectLead == *f.IsDirectLead) &&
		(f.HasCustomer == nil || *f.HasCustomer == (l.UMPCustomerGUID != nil && *l.UMPCustomerGUID != "")) &&
		(f.ConsentedCountries == nil || slices.ContainsFunc(f.ConsentedCountries, func(c string) bool {
			return slices.ContainsFunc(l.ConsentedCountries, same(c))
		})) &&
		(f.ChannelIDs == nil || slices.ContainsFunc(f.ChannelIDs, channel)) &&
		plainIn(l.ConsentedOn, f.ConsentedOn) && plainIn(l.LastModifiedOn, f.LastModifiedOn) &&
		(needle == "" || slices.ContainsFunc(plainTexts(l), func(s string) bool { return strings.Contains(s, needle) })) &&
		!slices.ContainsFunc(f.And, func(nested *lead.Filter) bool { return !matches(nested) }) &&
		(f.Or == nil || slices.ContainsFunc(f.Or, matches)) &&
		(f.Not == nil || !matches(f.Not))
}

func plainCompare(o lead.Order) func(a, b *lead.Lead) int {
	collator := collate.New(language.Und)
	company := func(l *lead.Lead) string {
		if l.ContactDetails == nil || l.ContactDetails.CompanyName == nil {
			return ""
		}
		name := []rune(strings.TrimSpace(*l.ContactDetails.CompanyName))
		return string(name[:min(64, len(name))])
	}
	status := func(l *lead.Lead) int {
		return slices.Index([]lead.Status{
			lead.StatusActive, lead.StatusNotActive, lead.StatusSuspended, lead.StatusRemoved, lead.StatusUnknown,
		}, l.Status)
	}
	// by orders by presence, then by value in the direction, then by id.
	by := func(absent func(*lead.Lead) bool, compare func(a, b *lead.Lead) int) func(a, b *lead.Lead) int {
		return func(a, b *lead.Lead) int {
			switch {
			case absent(a) != absent(b):
				if absent(a) {
					return 1
				}
				return -1
			case !absent(a) && compare(a, b) != 0:
				if o.Descending {
					return -compare(a, b)
				}
				return compare(a, b)
			}
			return cmp.Compare(a.ID, b.ID)
		}
	}
	never := func(*lead.Lead) bool { return false }
	switch o.Field {
	case lead.OrderConsentedOn:
		return by(func(l *lead.Lead) bool { return l.ConsentedOn.IsZero() },
			func(a, b *lead.Lead) int { return a.ConsentedOn.Compare(b.ConsentedOn) })
	case lead.OrderLastModifiedOn:
		return by(func(l *lead.Lead) bool { return l.LastModifiedOn.IsZero() },
			func(a, b *lead.Lead) int { return a.LastModifiedOn.Compare(b.LastModifiedOn) })
	case lead.OrderCompanyName:
		return by(func(l *lead.Lead) bool { return company(l) == "" },
			func(a, b *lead.Lead) int { return collator.CompareString(company(a), company(b)) })
	case lead.OrderStatus:
		return by(never, func(a, b *lead.Lead) int { return cmp.Compare(status(a), status(b)) })
	case lead.OrderTenantID:
		return by(never, func(a, b *lead.Lead) int {
			return strings.Compare(strings.ToLower(a.TenantID), strings.ToLower(b.TenantID))
		})
	default:
		return func(*lead.Lead, *lead.Lead) int { return 0 }
	}
}

func plainSelect(leads []*lead.Lead, f *lead.Filter, o lead.Order) []*lead.Lead {
	var kept []*lead.Lead
	seen := map[string]bool{}
	for _, l := range leads {
		if !seen[l.ID] && plainMatch(l, f) {
			kept = append(kept, l)
		}
		seen[l.ID] = true
	}
	slices.SortStableFunc(kept, plainCompare(o))
	return kept
}

func plainStats(leads []*lead.Lead) catalogue.Stats {
	statuses, countries, sizes := map[lead.Status]int{}, map[string]int{}, map[string]int{}
	stats := catalogue.Stats{
		Total: len(leads), ByStatus: []catalogue.StatusCount{},
		ByCountry: []catalogue.CountryCount{}, ByCompanySize: []catalogue.CompanySizeCount{},
	}
	for _, l := range leads {
		statuses[l.Status]++
		own := map[string]bool{}
		for _, c := range l.ConsentedCountries {
			own[strings.ToUpper(c)] = true
		}
		for c := range own {
			countries[c]++
		}
		if d := l.ContactDetails; d != nil && d.CompanySize != nil && *d.CompanySize != "" {
			sizes[*d.CompanySize]++
		}
		switch {
		case l.IsDirectLead == nil:
		case *l.IsDirectLead:
			stats.Direct++
		default:
			stats.Consented++
		}
	}
	for s, n := range statuses {
		stats.ByStatus = append(stats.ByStatus, catalogue.StatusCount{Status: s, Count: n})
	}
	for c, n := range countries {
		stats.ByCountry = append(stats.ByCountry, catalogue.CountryCount{Country: c, Count: n})
	}
	for s, n := range sizes {
		stats.ByCompanySize = append(stats.ByCompanySize, catalogue.CompanySizeCount{CompanySize: s, Count: n})
	}
	slices.SortFunc(stats.ByStatus, func(a, b catalogue.StatusCount) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Status, b.Status))
	})
	slices.SortFunc(stats.ByCountry, func(a, b catalogue.CountryCount) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Country, b.Country))
	})
	slices.SortFunc(stats.ByCompanySize, func(a, b catalogue.CompanySizeCount) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.CompanySize, b.CompanySize))
	})
	return stats
}

// A view must equal filter + sort + slice in plain Go, and stats plain counting.
func TestSnapshotEqualsPlainGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 150).Draw(t, "leads")
		f := leadtest.GenFilter(3).Draw(t, "filter")
		o := leadtest.GenOrder().Draw(t, "order")
		s := catalogue.Build(leads, time.Time{}, nil)
		view, want := s.Select(f, o), plainSelect(leads, f, o)

		if view.Total() != len(want) {
			t.Fatalf("total %d, want %d", view.Total(), len(want))
		}
		from := rapid.IntRange(-2, len(want)+2).Draw(t, "from")
		to := rapid.IntRange(-2, len(want)+2).Draw(t, "to")
		window := []string{}
		if low, high := max(from, 0), min(to, len(want)); low < high {
			window = leadtest.IDs(want[low:high])
		}
		if diff := gocmp.Diff(window, leadtest.IDs(view.Slice(from, to))); diff != "" {
			t.Fatalf("slice [%d, %d): %s", from, to, diff)
		}
		for _, l := range s.All() {
			position := slices.IndexFunc(want, func(w *lead.Lead) bool { return w.ID == l.ID })
			got, found, _ := view.Find(lead.AnchorHash(l.ID))
			if view.Ordered() {
				got, found = view.Seek(view.Key(l))
			}
			if found != (position >= 0) || found && got != position {
				t.Fatalf("position of %s is %d, %v, want %d", l.ID, got, found, position)
			}
		}
		if diff := gocmp.Diff(plainStats(want), s.Stats(f)); diff != "" {
			t.Fatalf("stats: %s", diff)
		}
	})
}

func TestSnapshotLookups(t *testing.T) {
	t.Parallel()
	asOf := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	leads := []*lead.Lead{
		{ID: "b", TenantID: "T1"}, {ID: "a", TenantID: "t2"}, {ID: "c", TenantID: "t1"}, {ID: "a", TenantID: "t1"},
	}
	s := catalogue.Build(leads, asOf, nil)
	if s.Len() != 3 || !s.AsOf().Equal(asOf) {
		t.Errorf("%d leads as of %s", s.Len(), s.AsOf())
	}
	if got := fmt.Sprint(leadtest.IDs(s.All()), leadtest.IDs(s.ByTenant("t1")), leadtest.IDs(s.ByTenant("T2")), s.ByTenant("t3")); got != "[b a c] [b c] [a] []" {
		t.Error(got)
	}
	if s.ByID("a") != leads[1] || s.ByID("c") != leads[2] || s.ByID("d") != nil || s.ByID("") != nil {
		t.Error("wrong lead by id")
	}
	if _, found, _ := s.Select(nil, lead.Order{}).Find(lead.AnchorHash("d")); found {
		t.Error("found a lead that is not there")
	}
}

func TestEmptySnapshot(t *testing.T) {
	t.Parallel()
	s := catalogue.Build(nil, time.Time{}, nil)
	view := s.Select(&lead.Filter{Search: "a", TenantIDs: []string{"t"}}, lead.Order{Field: lead.OrderCompanyName})
	if view.Total() != 0 || view.Slice(0, 10) != nil || s.ByID("a") != nil || s.Stats(nil).Total != 0 {
		t.Error("an empty snapshot is not empty")
	}
}
