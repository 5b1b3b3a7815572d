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
		{"searches at the limit", &lead.Filter{Or: []*lead.Filter{search, search}}, ""},
		{"searches", &lead.Filter{Search: "b", Or: []*lead.Filter{search, search}}, "filter has 3 text searches, at most 2 are allowed"},
		{"search length at the limit", &lead.Filter{Search: strings.Repeat("é", catalogue.MaxSearchLength)}, ""},
		{"search length", &lead.Filter{Or: []*lead.Filter{{Search: strings.Repeat("é", catalogue.MaxSearchLength+1)}}},
			"filter.or[0].search has 201 characters, at most 200 are allowed"},
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
	for _, f := range []*lead.Filter{nil, {}, {Search: " "}, {And: []*lead.Filter{{}, nil}}} {
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
		{Or: []*lead.Filter{}}, {Or: []*lead.Filter{{}}}, {Not: &lead.Filter{}},
		{Or: []*lead.Filter{{Search: "a"}}}, {And: []*lead.Filter{{Search: "a"}}}, {Not: &lead.Filter{Search: "a"}},
		{Or: []*lead.Filter{{Search: "a"}, {Search: "b"}}}, {And: []*lead.Filter{{Search: "a"}, {Search: "b"}}},
	}
	type list struct {
		filter int
		order  lead.Order
	}
	seen := map[uint64]list{}
	for i, f := range filters {
		for _, o := range []lead.Order{{}, {Field: lead.OrderStatus}, {Field: lead.OrderStatus, Descending: true}, {Field: lead.OrderTenantID}} {
			got := catalogue.Fingerprint(f, o)
			if other, taken := seen[got]; taken {
				t.Errorf("%+v and %+v have the same fingerprint", other, list{i, o})
			}
			seen[got] = list{i, o}
		}
	}
}

// Filters with the same meaning in another spelling must share cursors.
func TestFingerprintIgnoresSpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := leadtest.GenFilter(3).Draw(t, "filter")
		o := leadtest.GenOrder().Draw(t, "order")
		other := respell(f)
		if a, b := catalogue.Fingerprint(f, o), catalogue.Fingerprint(other, o); a != b {
			t.Fatalf("%#x and %#x for %+v", a, b, other)
		}
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 20).Draw(t, "leads")
		s := catalogue.Build(leads, time.Time{}, nil)
		if a, b := s.Select(f, o).Total(), s.Select(other, o).Total(); a != b {
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
	other.Search = "\t" + strings.ReplaceAll(f.Search, "á", "A")
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
