package catalogue_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

func nest(levels int) *lead.Filter {
	f := &lead.Filter{}
	for range levels - 1 {
		f = &lead.Filter{Not: f}
	}
	return f
}

func TestFilterLimits(t *testing.T) {
	t.Parallel()
	many := func(n int) []*lead.Filter { return slices.Repeat([]*lead.Filter{{}}, n) }
	search := &lead.Filter{Search: "a"}
	for _, c := range []struct {
		name   string
		filter *lead.Filter
		want   string
	}{
		{"nil", nil, ""},
		{"depth at the limit", nest(catalogue.MaxFilterDepth), ""},
		{"depth", nest(catalogue.MaxFilterDepth + 1), "filter.not.not.not.not.not has 6 levels, at most 5 are allowed"},
		{"conditions at the limit", &lead.Filter{Or: many(catalogue.MaxFilterConditions)}, ""},
		{"conditions", &lead.Filter{IsDirectLead: new(true), Or: many(catalogue.MaxFilterConditions)}, "filter has 101 conditions, at most 100 are allowed"},
		{"values at the limit", &lead.Filter{TenantIDs: make([]string, catalogue.MaxFilterValues)}, ""},
		{"values", &lead.Filter{And: []*lead.Filter{{}, {Not: &lead.Filter{ChannelIDs: make([]string, catalogue.MaxFilterValues+1)}}}},
			"filter.and[1].not.channelId has 1001 values, at most 1000 are allowed"},
		{"searches at the limit", &lead.Filter{Text: lead.TextFilter{Equals: "a"}, Or: []*lead.Filter{search, search}}, ""},
		{"searches", &lead.Filter{Search: "b", CompanyName: lead.TextFilter{Starts: "c"}, Or: []*lead.Filter{search, search}}, "filter has 4 text searches, at most 3 are allowed"},
		{"search length at the limit", &lead.Filter{Search: strings.Repeat("é", catalogue.MaxSearchLength)}, ""},
		{"search length", &lead.Filter{Or: []*lead.Filter{{Search: strings.Repeat("é", catalogue.MaxSearchLength+1)}}},
			"filter.or[0].search has 201 characters, at most 200 are allowed"},
		{"text length", &lead.Filter{Text: lead.TextFilter{Starts: strings.Repeat("é", catalogue.MaxSearchLength+1)}},
			"filter.text.starts has 201 characters, at most 200 are allowed"},
		{"countries of addresses", &lead.Filter{Addresses: lead.AddressFilter{Countries: make([]string, catalogue.MaxFilterValues+1)}},
			"filter.addresses.country has 1001 values, at most 1000 are allowed"},
		{"statuses of addresses", &lead.Filter{Addresses: lead.AddressFilter{ValidationStatuses: make([]lead.ValidationStatus, catalogue.MaxFilterValues+1)}},
			"filter.addresses.validationStatus has 1001 values, at most 1000 are allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := catalogue.Validate(c.filter)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			refusal, ok := errors.AsType[*lead.FilterError](err)
			if !ok || refusal.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestTextFilters(t *testing.T) {
	t.Parallel()
	l := &lead.Lead{
		TenantID: "f94238e5", ContactDetails: &lead.ContactDetails{CompanyName: new(" Café Nova Trading "), FullName: new("Dana")},
		Contacts:       []lead.Contact{{CompanyName: new("Nova")}, {CompanyName: new("Contoso")}},
		CivicAddresses: []lead.CivicAddress{{CityOrTown: new("Zürich"), PostalOrZipCode: new("8001")}},
	}
	s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
	for _, c := range []struct {
		name          string
		f             lead.TextFilter
		company, text bool
	}{
		{"part", lead.TextFilter{Contains: "NOVA tr"}, true, true},
		{"start", lead.TextFilter{Starts: "cafe"}, true, true},
		{"start of another text", lead.TextFilter{Starts: "nova"}, false, true},
		{"start of a part", lead.TextFilter{Starts: "trading"}, false, false},
		{"whole", lead.TextFilter{Equals: " café nova TRADING\t"}, true, true},
		{"whole and contained in another text", lead.TextFilter{Equals: "nova"}, false, true},
		{"not whole", lead.TextFilter{Equals: "cafe"}, false, false},
		{"of one text", lead.TextFilter{Starts: "cafe", Contains: "trading"}, true, true},
		{"of two texts", lead.TextFilter{Starts: "contoso", Contains: "trading"}, false, false},
		{"equal and more", lead.TextFilter{Equals: "contoso", Contains: "toso", Starts: "con"}, false, true},
		{"town", lead.TextFilter{Equals: "zurich"}, false, true},
		{"postal code", lead.TextFilter{Starts: "80"}, false, true},
		{"tenant", lead.TextFilter{Starts: "F94"}, false, true},
		{"personal", lead.TextFilter{Contains: "dana"}, false, false},
		{"blank", lead.TextFilter{Contains: " ", Starts: "\t"}, true, true},
		{"accents only", lead.TextFilter{Equals: "\u0301"}, true, true},
	} {
		if got := s.Select(&lead.Filter{CompanyName: c.f}).Total() == 1; got != c.company {
			t.Errorf("%s: companyName %v", c.name, got)
		}
		if got := s.Select(&lead.Filter{Text: c.f}).Total() == 1; got != c.text {
			t.Errorf("%s: text %v", c.name, got)
		}
	}
}

func TestTenantsOnly(t *testing.T) {
	t.Parallel()
	tenants := []string{"t1", "t2"}
	for _, c := range []struct {
		name   string
		filter *lead.Filter
		want   bool
	}{
		{"nil", nil, false},
		{"no condition", &lead.Filter{}, false},
		{"tenants", &lead.Filter{TenantIDs: tenants}, true},
		{"blank search", &lead.Filter{TenantIDs: tenants, Search: " ", And: []*lead.Filter{}}, true},
		{"and a status", &lead.Filter{TenantIDs: tenants, Statuses: []lead.Status{}}, false},
		{"and a time", &lead.Filter{TenantIDs: tenants, ConsentedOn: lead.TimeRange{To: new(time.Now())}}, false},
		{"and nested", &lead.Filter{TenantIDs: tenants, And: []*lead.Filter{{}}}, false},
		{"none of none", &lead.Filter{TenantIDs: tenants, Or: []*lead.Filter{}}, false},
		{"not", &lead.Filter{TenantIDs: tenants, Not: &lead.Filter{}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := catalogue.TenantsOnly(c.filter)
			if ok != c.want || ok && !slices.Equal(got, tenants) {
				t.Errorf("got %v, %v", got, ok)
			}
		})
	}
}

// Clients keep cursors, so fingerprints are the same in every release.
func TestFingerprintIsStable(t *testing.T) {
	t.Parallel()
	f := &lead.Filter{
		TenantIDs: []string{"B", "a"}, Statuses: []lead.Status{lead.StatusActive}, IsDirectLead: new(true), HasCustomer: new(false),
		ConsentedCountries: []string{"US"}, ChannelIDs: []string{"1574"}, Search: "Café",
		ConsentedOn: lead.TimeRange{From: new(time.Date(2025, 1, 2, 3, 4, 5, 600, time.UTC))},
		And:         []*lead.Filter{{Search: "x"}}, Or: []*lead.Filter{{}}, Not: &lead.Filter{Statuses: []lead.Status{}},
	}
	if got := catalogue.Fingerprint(f, lead.Order{Field: lead.OrderStatus, Descending: true}); got != 0x3c2e358e0025ccd6 {
		t.Errorf("%#x: cursors that clients hold are refused now", got)
	}
}

func TestFingerprintZero(t *testing.T) {
	t.Parallel()
	for _, f := range []*lead.Filter{nil, {}, {Search: " "}, {Text: lead.TextFilter{Equals: "\u0301", Starts: " \u00b4"}}, {And: []*lead.Filter{{}, nil}}} {
		if got := catalogue.Fingerprint(f, lead.Order{Descending: true}); got != 0 {
			t.Errorf("%+v in the platform's order: %#x", f, got)
		}
		if catalogue.Fingerprint(f, lead.Order{Field: lead.OrderStatus}) == 0 {
			t.Errorf("%+v in another order: 0", f)
		}
	}
}

func TestFingerprintDistinguishes(t *testing.T) {
	t.Parallel()
	moment := time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)
	filters := []*lead.Filter{
		nil,
		{TenantIDs: []string{}}, {TenantIDs: []string{"a"}}, {TenantIDs: []string{"a", "b"}}, {TenantIDs: []string{"ab"}},
		{ChannelIDs: []string{"a"}}, {ConsentedCountries: []string{"a"}}, {Search: "a"}, {Search: "b"},
		{Statuses: []lead.Status{}}, {Statuses: []lead.Status{lead.StatusUnknown}}, {Statuses: []lead.Status{lead.StatusActive}},
		{IsDirectLead: new(true)}, {IsDirectLead: new(false)}, {HasCustomer: new(true)}, {HasCustomer: new(false)},
		{ConsentedOn: lead.TimeRange{From: &moment}}, {ConsentedOn: lead.TimeRange{To: &moment}},
		{ConsentedOn: lead.TimeRange{From: new(moment.Add(1))}}, {LastModifiedOn: lead.TimeRange{From: &moment}},
		{ConsentedOn: lead.TimeRange{From: &time.Time{}}}, {ConsentedOn: lead.TimeRange{To: &time.Time{}}},
		{ConsentedOn: lead.TimeRange{From: &moment, To: &time.Time{}}}, {ConsentedOn: lead.TimeRange{From: &time.Time{}, To: &moment}},
		{IDs: []string{}}, {IDs: []string{"a"}}, {CompanySizes: []string{"a"}}, {OperatorIDs: []string{"a"}}, {TenantOrigins: []string{"a"}},
		{HasChannel: new(true)}, {HasChannel: new(false)}, {HasConsentedOn: new(true)}, {HasConsentedOn: new(false)},
		{CompanyName: lead.TextFilter{Contains: "a"}}, {CompanyName: lead.TextFilter{Starts: "a"}}, {CompanyName: lead.TextFilter{Equals: "a"}},
		{Text: lead.TextFilter{Contains: "a"}}, {Text: lead.TextFilter{Contains: "a", Starts: "a"}},
		{Addresses: lead.AddressFilter{Countries: []string{}}}, {Addresses: lead.AddressFilter{Countries: []string{"a"}}},
		{Addresses: lead.AddressFilter{ValidationStatuses: []lead.ValidationStatus{}}},
		{Addresses: lead.AddressFilter{ValidationStatuses: []lead.ValidationStatus{lead.ValidationUnknown}}},
		{Addresses: lead.AddressFilter{Missing: new(true)}}, {Addresses: lead.AddressFilter{Missing: new(false)}},
		{Or: []*lead.Filter{}}, {Or: []*lead.Filter{{}}}, {Not: &lead.Filter{}},
		{Or: []*lead.Filter{{Search: "a"}}}, {And: []*lead.Filter{{Search: "a"}}}, {Not: &lead.Filter{Search: "a"}},
		{Or: []*lead.Filter{{Search: "a"}, {Search: "b"}}}, {And: []*lead.Filter{{Search: "a"}, {Search: "b"}}},
	}
	type list struct{ filter, order int }
	status, tenant, descending := lead.Order{Field: lead.OrderStatus}, lead.Order{Field: lead.OrderTenantID}, lead.Order{Field: lead.OrderStatus, Descending: true}
	orders := [][]lead.Order{nil, {status}, {descending}, {tenant}, {status, tenant}, {tenant, status}, {tenant, descending}, {tenant, status, {Field: lead.OrderCountry}}}
	seen := map[uint64]list{}
	for i, f := range filters {
		for j, by := range orders {
			got := catalogue.Fingerprint(f, by...)
			if other, taken := seen[got]; taken {
				t.Errorf("%+v and %+v have the same fingerprint", other, list{i, j})
			}
			seen[got] = list{i, j}
		}
	}
}

// Filters with the same meaning in another spelling must share cursors.
func TestFingerprintIgnoresSpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := leadtest.GenFilter(3).Draw(t, "filter")
		orders := leadtest.GenOrders().Draw(t, "orders")
		other := respell(f)
		if a, b := catalogue.Fingerprint(f, orders...), catalogue.Fingerprint(other, orders...); a != b {
			t.Fatalf("%#x and %#x for %+v", a, b, other)
		}
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 20).Draw(t, "leads")
		s := catalogue.Build(leads, time.Time{}, nil)
		if a, b := s.Select(f).Total(), s.Select(other).Total(); a != b {
			t.Fatalf("%d and %d leads for %+v", a, b, other)
		}
	})
}

// respell reverses and doubles lists, and changes what a filter ignores.
func respell(f *lead.Filter) *lead.Filter {
	if f == nil {
		return &lead.Filter{Search: " "}
	}
	other := *f
	other.TenantIDs = leadtest.Shuffled(f.TenantIDs, strings.ToUpper)
	other.Statuses = leadtest.Shuffled(f.Statuses, func(s lead.Status) lead.Status { return s })
	other.ConsentedCountries = leadtest.Shuffled(f.ConsentedCountries, strings.ToLower)
	other.ChannelIDs = leadtest.Shuffled(f.ChannelIDs, func(s string) string { return s })
	verbatim := func(s string) string { return s }
	other.IDs = leadtest.Shuffled(f.IDs, verbatim)
	other.CompanySizes = leadtest.Shuffled(f.CompanySizes, verbatim)
	other.OperatorIDs = leadtest.Shuffled(f.OperatorIDs, verbatim)
	other.TenantOrigins = leadtest.Shuffled(f.TenantOrigins, verbatim)
	other.Addresses.Countries = leadtest.Shuffled(f.Addresses.Countries, strings.ToLower)
	other.Addresses.ValidationStatuses = leadtest.Shuffled(f.Addresses.ValidationStatuses, func(s lead.ValidationStatus) lead.ValidationStatus { return s })
	for _, text := range []*string{&other.Search, &other.CompanyName.Contains, &other.CompanyName.Starts, &other.Text.Equals} {
		*text = "\t" + strings.ReplaceAll(*text, "á", "A")
	}
	other.ConsentedOn = lead.TimeRange{From: inZone(f.ConsentedOn.From), To: inZone(f.ConsentedOn.To)}
	other.And = append(leadtest.Shuffled(f.And, respell), nil)
	other.Or = leadtest.Shuffled(f.Or, respell)
	if f.Not != nil {
		other.Not = respell(f.Not)
	}
	return &other
}

func inZone(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.In(time.FixedZone("", 3600)))
}
