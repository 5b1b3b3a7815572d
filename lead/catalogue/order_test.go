package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

func TestCompanyOrderIsLocaleNeutral(t *testing.T) {
	t.Parallel()
	// Letters decide first, then accents, then case; absent and blank come last.
	want := []string{
		"3Com", "cafe", "Cafe", "café", "Café", "Cafe Nord", "Łódź Transport", "Lucerne", "Øresund",
		"Österreich", "resume", "résumé", "Zürich", " \t", "-",
	}
	leads := make([]*lead.Lead, len(want))
	for i, name := range want {
		leads[i] = &lead.Lead{ID: string(rune('a' + i)), ContactDetails: &lead.ContactDetails{CompanyName: &name}}
	}
	leads[len(leads)-1].ContactDetails = nil
	names := func(o lead.Order) []string {
		var got []string
		for _, l := range catalogue.Build(leads, time.Time{}, nil).Select(nil, o).Slice(0, len(leads)) {
			got = append(got, want[l.ID[0]-'a'])
		}
		return got
	}
	if diff := gocmp.Diff(want, names(lead.Order{Field: lead.OrderCompanyName})); diff != "" {
		t.Error(diff)
	}
	named := len(want) - 2
	slices.Reverse(want[:named])
	for i := range leads[:named] {
		leads[i].ContactDetails.CompanyName = &want[i]
	}
	if diff := gocmp.Diff(want, names(lead.Order{Field: lead.OrderCompanyName, Descending: true})); diff != "" {
		t.Error(diff)
	}
}

// A cursor of three fields and a long id fits into the length that clients rely on.
func TestLongestCursorFits(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"x", "é", "漢", "🙂"} {
		l := &lead.Lead{
			ID: strings.Repeat("i", 100), TenantID: strings.Repeat("t", 100), ConsentedCountries: []string{strings.Repeat("c", 100)},
			ConsentedOn: time.Now(), LastModifiedOn: time.Now(),
			ContactDetails: &lead.ContactDetails{CompanyName: new(strings.Repeat(letter, 100)), CompanySize: new(strings.Repeat("s", 100))},
		}
		for first := range lead.OrderFields {
			for second := range lead.OrderFields {
				for third := range lead.OrderFields {
					orders := []lead.Order{{Field: first}, {Field: second}, {Field: third}}
					if first == lead.OrderAsRead || catalogue.ValidateOrder(orders) != nil {
						continue
					}
					view := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil).Select(nil, orders...)
					value, id := view.Key(l)
					text := pagination.NewSeal("account", []byte("key")).Text(pagination.Cursor{Key: &pagination.Key{Value: value, ID: id}}, "caller")
					if _, found := view.Seek(value, id); !found || len(text) > pagination.MaxCursorLength {
						t.Errorf("%v: a cursor of %d characters, found %v", orders, len(text), found)
					}
				}
			}
		}
	}
}

func TestCompanySizeOrder(t *testing.T) {
	t.Parallel()
	var leads []*lead.Lead
	for i, code := range []string{"Enterprise", "L1000", "", "L5_U9", "L250_U999", "Big", "L5_U8", "L1000_U4999", "L5"} {
		leads = append(leads, &lead.Lead{ID: fmt.Sprint(i), ContactDetails: &lead.ContactDetails{CompanySize: &code}})
	}
	leads = append(leads, &lead.Lead{ID: "none"})
	s := catalogue.Build(leads, time.Time{}, nil)
	for descending, want := range map[bool]string{false: "6 3 8 4 7 1 5 0 2 none", true: "0 5 1 7 4 8 3 6 2 none"} {
		got := leadtest.IDs(s.Select(nil, lead.Order{Field: lead.OrderCompanySize, Descending: descending}).Slice(0, len(leads)))
		if strings.Join(got, " ") != want {
			t.Errorf("descending %v: %v, want %s", descending, got, want)
		}
	}
}

func TestOrderLimits(t *testing.T) {
	t.Parallel()
	by := func(fields ...lead.OrderField) (orders []lead.Order) {
		for _, f := range fields {
			orders = append(orders, lead.Order{Field: f})
		}
		return orders
	}
	for want, orders := range map[string][]lead.Order{
		"<nil>": by(lead.OrderStatus, lead.OrderCountry, lead.OrderTenantID),
		"orderBy has 4 fields, at most 3 are allowed": by(lead.OrderStatus, lead.OrderCountry, lead.OrderTenantID, lead.OrderCompanyName),
		"orderBy has a field twice":                   {{Field: lead.OrderStatus}, {Field: lead.OrderStatus, Descending: true}},
	} {
		if got := fmt.Sprint(catalogue.ValidateOrder(orders)); got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// A snapshot is shared by requests, which ask for more combined orders than it keeps.
func TestCombinedOrdersConcurrently(t *testing.T) {
	t.Parallel()
	s := catalogue.Build(someLeads("b", "a", "c"), time.Time{}, nil)
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			first, second := lead.OrderField(1+i%7), lead.OrderField(1+(i+1+i/7%6)%7)
			orders := []lead.Order{{Field: first, Descending: i%2 == 0}, {Field: second, Descending: i%3 == 0}}
			got := s.Select(nil, orders...).Slice(0, 3)
			if want := plainSelect(s.All(), nil, orders...); !slices.Equal(got, want) {
				t.Errorf("%v: %v", orders, leadtest.IDs(got))
			}
		})
	}
	group.Wait()
}
