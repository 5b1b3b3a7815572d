package catalogue_test

import (
	"cmp"
	"fmt"
	"regexp"
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

var plainLetters = strings.NewReplacer("á", "a", "ç", "c", "é", "e", "ł", "l", "ß", "ss", "\u0301", "", "\n", " ", "\uff11", "1", "\uff12", "2")

func plainFold(s string) string { return plainLetters.Replace(strings.ToLower(strings.TrimSpace(s))) }

// plainTexts are the texts of a lead: the company name, all that are not personal,
// those that are, and the digits of numbers.
type plainTexts struct{ company, open, personal, numbers []string }

func textsOf(l *lead.Lead) (texts plainTexts) {
	add := func(to *[]string, all ...*string) {
		for _, s := range all {
			if s != nil {
				*to = append(*to, plainFold(*s))
			}
		}
	}
	add(&texts.open, &l.TenantID)
	if d := l.ContactDetails; d != nil {
		add(&texts.company, d.CompanyName)
		add(&texts.open, d.CompanyName)
		add(&texts.personal, d.FullName, d.Email)
		add(&texts.numbers, d.PhoneNumber)
	}
	for _, c := range l.Contacts {
		add(&texts.open, c.CompanyName)
		add(&texts.personal, c.FullName, c.Email)
		add(&texts.numbers, c.PhoneNumber)
	}
	for _, a := range l.CivicAddresses {
		add(&texts.open, a.CityOrTown, a.CityOrTownAlias, a.PostalOrZipCode)
	}
	for i, number := range texts.numbers {
		texts.numbers[i] = regexp.MustCompile(`[^0-9]`).ReplaceAllString(number, "")
	}
	return texts
}

func plainSearch(l *lead.Lead, text string) bool {
	texts, needle := textsOf(l), plainFold(text)
	contains := func(part string) func(string) bool { return func(s string) bool { return strings.Contains(s, part) } }
	if needle == "" || slices.ContainsFunc(slices.Concat(texts.open, texts.personal), contains(needle)) {
		return true
	}
	number := regexp.MustCompile(`[^0-9]`).ReplaceAllString(needle, "")
	return number != "" && !regexp.MustCompile(`\pL`).MatchString(needle) && slices.ContainsFunc(texts.numbers, contains(number))
}

func plainText(texts []string, f lead.TextFilter) bool {
	contains, starts, equals := plainFold(f.Contains), plainFold(f.Starts), plainFold(f.Equals)
	return contains+starts+equals == "" || slices.ContainsFunc(texts, func(s string) bool {
		return strings.Contains(s, contains) && strings.HasPrefix(s, starts) && (equals == "" || s == equals)
	})
}

func plainAmong(wanted []string, values ...*string) bool {
	return wanted == nil || slices.ContainsFunc(values, func(v *string) bool {
		return v != nil && *v != "" && slices.Contains(wanted, *v)
	})
}

func plainAddresses(l *lead.Lead, f lead.AddressFilter) bool {
	if f.Missing != nil && *f.Missing != (len(l.CivicAddresses) == 0) {
		return false
	}
	return f.Countries == nil && f.ValidationStatuses == nil || slices.ContainsFunc(l.CivicAddresses, func(a lead.CivicAddress) bool {
		return (f.Countries == nil || a.Country != nil && slices.ContainsFunc(f.Countries, func(c string) bool { return strings.EqualFold(c, *a.Country) })) &&
			(f.ValidationStatuses == nil || slices.Contains(f.ValidationStatuses, a.ValidationStatus))
	})
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
	details := cmp.Or(l.ContactDetails, &lead.ContactDetails{})
	matches := func(nested *lead.Filter) bool { return plainMatch(l, nested) }
	return (f.TenantIDs == nil || slices.ContainsFunc(f.TenantIDs, same(l.TenantID))) &&
		(f.Statuses == nil || slices.Contains(f.Statuses, l.Status)) &&
		(f.IsDirectLead == nil || l.IsDirectLead != nil && *l.IsDirectLead == *f.IsDirectLead) &&
		(f.HasCustomer == nil || *f.HasCustomer == (l.UMPCustomerGUID != nil && *l.UMPCustomerGUID != "")) &&
		(f.ConsentedCountries == nil || slices.ContainsFunc(f.ConsentedCountries, func(c string) bool {
			return slices.ContainsFunc(l.ConsentedCountries, same(c))
		})) &&
		(f.IDs == nil || slices.Contains(f.IDs, l.ID)) &&
		plainAmong(f.ChannelIDs, l.ChannelID, l.OVOCChannelID) && plainAmong(f.CompanySizes, details.CompanySize) &&
		plainAmong(f.OperatorIDs, l.OperatorID) && plainAmong(f.TenantOrigins, l.TenantOrigin) &&
		(f.HasChannel == nil || *f.HasChannel == (l.ChannelID != nil || l.OVOCChannelID != nil)) &&
		(f.HasConsentedOn == nil || *f.HasConsentedOn == !l.ConsentedOn.IsZero()) &&
		plainText(textsOf(l).company, f.CompanyName) && plainText(textsOf(l).open, f.Text) && plainAddresses(l, f.Addresses) &&
		plainIn(l.ConsentedOn, f.ConsentedOn) && plainIn(l.LastModifiedOn, f.LastModifiedOn) &&
		plainSearch(l, f.Search) &&
		!slices.ContainsFunc(f.And, func(nested *lead.Filter) bool { return !matches(nested) }) &&
		(f.Or == nil || slices.ContainsFunc(f.Or, matches)) &&
		(f.Not == nil || !matches(f.Not))
}

// plainCompare compares by all orders, then by id; leads are equal without an order.
func plainCompare(orders []lead.Order) func(a, b *lead.Lead) int {
	return func(a, b *lead.Lead) int {
		for _, o := range orders {
			if c := plainBy(o)(a, b); c != 0 {
				return c
			}
		}
		if len(orders) == 0 {
			return 0
		}
		return cmp.Compare(a.ID, b.ID)
	}
}

// plainSize returns the place of an employee band, and its code if it has none.
func plainSize(l *lead.Lead) (place int, code string) {
	if l.ContactDetails == nil || l.ContactDetails.CompanySize == nil {
		return 0, ""
	}
	code = *l.ContactDetails.CompanySize
	switch known := slices.Index([]string{"L1", "L10_U49", "L10_U99"}, code); {
	case code == "":
		return 0, ""
	case known >= 0:
		return known, "band"
	}
	return 3, code
}

func plainBy(o lead.Order) func(a, b *lead.Lead) int {
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
	country := func(l *lead.Lead) string {
		if len(l.ConsentedCountries) == 0 {
			return ""
		}
		return strings.ToUpper(slices.MinFunc(l.ConsentedCountries, func(a, b string) int { return strings.Compare(strings.ToUpper(a), strings.ToUpper(b)) }))
	}
	// by orders by presence, then by value in the direction.
	by := func(absent func(*lead.Lead) bool, compare func(a, b *lead.Lead) int) func(a, b *lead.Lead) int {
		return func(a, b *lead.Lead) int {
			switch {
			case absent(a) != absent(b):
				if absent(a) {
					return 1
				}
				return -1
			case absent(a):
				return 0
			case o.Descending:
				return -compare(a, b)
			}
			return compare(a, b)
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
	case lead.OrderCompanySize:
		return by(func(l *lead.Lead) bool { _, code := plainSize(l); return code == "" }, func(a, b *lead.Lead) int {
			placeA, codeA := plainSize(a)
			placeB, codeB := plainSize(b)
			return cmp.Or(placeA-placeB, strings.Compare(codeA, codeB))
		})
	case lead.OrderCountry:
		return by(func(l *lead.Lead) bool { return country(l) == "" }, func(a, b *lead.Lead) int { return strings.Compare(country(a), country(b)) })
	default:
		return func(*lead.Lead, *lead.Lead) int { return 0 }
	}
}

func plainSelect(leads []*lead.Lead, f *lead.Filter, orders ...lead.Order) []*lead.Lead {
	var kept []*lead.Lead
	seen := map[string]bool{}
	for _, l := range leads {
		if !seen[l.ID] && plainMatch(l, f) {
			kept = append(kept, l)
		}
		seen[l.ID] = true
	}
	slices.SortStableFunc(kept, plainCompare(orders))
	return kept
}

// A view must equal filter + sort + slice in plain Go.
func TestSnapshotEqualsPlainGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 150).Draw(t, "leads")
		f := leadtest.GenFilter(3).Draw(t, "filter")
		orders := leadtest.GenOrders().Draw(t, "orders")
		s := catalogue.Build(leads, time.Time{}, nil)
		view, want := s.Select(f, orders...), plainSelect(leads, f, orders...)

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
