package leadtest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"leadgraph/lead"
)

// The generators draw from few values, so that ties, repetitions and matches are
// frequent.

func genText() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune("aáAÁbcçÇłŁeéßS .@\n\u0301")), 0, 6, -1)
}

func genTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		switch n := rapid.IntRange(0, 12).Draw(t, "moment"); n {
		case 0:
			return time.Time{}
		case 1:
			return time.Date(1066, 1, 1, 0, 0, 0, 0, time.UTC)
		default:
			return time.Date(2024, 1, 1, 0, 0, n/4, n%4*100, time.UTC)
		}
	})
}

func genTenant() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"f94238e5-0000-1", "f94238e5-0000-2", "F94238E5-0000-1", "a", "B", "b"})
}

func genCountries() *rapid.Generator[[]string] {
	return rapid.SliceOfN(rapid.SampledFrom([]string{"US", "GB", "DE", "us"}), 0, 3)
}

func genChannel() *rapid.Generator[string] { return rapid.SampledFrom([]string{"1", "2", "1574"}) }

func genCode() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "L1", "L10_U49", "L10_U99", "Big"})
}

func genOperator() *rapid.Generator[string] { return rapid.SampledFrom([]string{"", "o1", "O1", "o2"}) }

func genOrigin() *rapid.Generator[string] { return rapid.SampledFrom([]string{"", "Office365", "x"}) }

func genCountry() *rapid.Generator[string] { return rapid.SampledFrom([]string{"US", "GB", "us"}) }

func genValidation() *rapid.Generator[lead.ValidationStatus] {
	return rapid.Map(rapid.IntRange(0, 3), func(n int) lead.ValidationStatus { return lead.ValidationStatus(n) })
}

func genPhone() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "n/a", "+1 (2) 3", "123-1", "\uff11\uff12", "ab"})
}

func genStatus() *rapid.Generator[lead.Status] {
	return rapid.Map(rapid.IntRange(0, 4), func(n int) lead.Status { return lead.Status(n) })
}

// GenLead generates leads, some of them with the same id.
func GenLead() *rapid.Generator[*lead.Lead] {
	return rapid.Custom(func(t *rapid.T) *lead.Lead {
		text := rapid.Ptr(genText(), true)
		l := &lead.Lead{
			ID:                 fmt.Sprintf("lead-with-long-id-%d", rapid.IntRange(0, 300).Draw(t, "id")),
			TenantID:           genTenant().Draw(t, "tenant"),
			Status:             genStatus().Draw(t, "status"),
			OperatorID:         rapid.Ptr(genOperator(), true).Draw(t, "operator"),
			TenantOrigin:       rapid.Ptr(genOrigin(), true).Draw(t, "origin"),
			IsDirectLead:       rapid.Ptr(rapid.Bool(), true).Draw(t, "direct"),
			UMPCustomerGUID:    rapid.Ptr(rapid.SampledFrom([]string{"", "g"}), true).Draw(t, "customer"),
			ChannelID:          rapid.Ptr(genChannel(), true).Draw(t, "channel"),
			OVOCChannelID:      rapid.Ptr(genChannel(), true).Draw(t, "ovoc"),
			ConsentedOn:        genTime().Draw(t, "consented"),
			LastModifiedOn:     genTime().Draw(t, "modified"),
			ConsentedCountries: genCountries().Draw(t, "countries"),
		}
		if rapid.Bool().Draw(t, "details") {
			l.ContactDetails = &lead.ContactDetails{
				CompanyName: text.Draw(t, "company"), FullName: text.Draw(t, "name"), Email: text.Draw(t, "email"),
				CompanySize: rapid.Ptr(genCode(), true).Draw(t, "size"), PhoneNumber: rapid.Ptr(genPhone(), true).Draw(t, "phone"),
			}
		}
		for range rapid.IntRange(0, 2).Draw(t, "contacts") {
			l.Contacts = append(l.Contacts, lead.Contact{
				CompanyName: text.Draw(t, "company"), FullName: text.Draw(t, "name"), Email: text.Draw(t, "email"),
				PhoneNumber: rapid.Ptr(genPhone(), true).Draw(t, "phone"),
			})
		}
		for range rapid.IntRange(-1, 2).Draw(t, "addresses") {
			l.CivicAddresses = append(l.CivicAddresses, lead.CivicAddress{
				ID: fmt.Sprint("address-", len(l.CivicAddresses)), Country: rapid.Ptr(genCountry(), true).Draw(t, "country"), ValidationStatus: genValidation().Draw(t, "validation"),
				CityOrTown: text.Draw(t, "town"), CityOrTownAlias: text.Draw(t, "alias"), PostalOrZipCode: text.Draw(t, "code"),
			})
		}
		return l
	})
}

// optional draws nil two times out of three, because most filters would otherwise
// match nothing.
func optional[T any](t *rapid.T, name string, g *rapid.Generator[[]T]) []T {
	if rapid.IntRange(0, 2).Draw(t, name+"?") > 0 {
		return nil
	}
	return g.Draw(t, name)
}

func genRange(t *rapid.T, name string) lead.TimeRange {
	if rapid.IntRange(0, 2).Draw(t, name+"?") > 0 {
		return lead.TimeRange{}
	}
	return lead.TimeRange{From: genBound(t, name), To: genBound(t, name)}
}

func genBound(t *rapid.T, name string) *time.Time {
	if rapid.IntRange(0, 2).Draw(t, name+" open?") == 0 {
		return nil
	}
	bound := genTime().Draw(t, name)
	return &bound
}

// GenFilter generates filters that are nested up to the depth.
func GenFilter(depth int) *rapid.Generator[*lead.Filter] {
	return rapid.Custom(func(t *rapid.T) *lead.Filter {
		if rapid.IntRange(0, 7).Draw(t, "nil") == 0 {
			return nil
		}
		f := &lead.Filter{
			TenantIDs:          optional(t, "tenants", rapid.SliceOfN(genTenant(), 0, 3)),
			Statuses:           optional(t, "statuses", rapid.SliceOfN(genStatus(), 0, 4)),
			ConsentedCountries: optional(t, "countries", genCountries()),
			ChannelIDs:         optional(t, "channels", rapid.SliceOfN(genChannel(), 0, 2)),
			ConsentedOn:        genRange(t, "consented"),
			LastModifiedOn:     genRange(t, "modified"),
		}
		drawRare(t, f)
		switch rapid.IntRange(0, 5).Draw(t, "flags") {
		case 0:
			f.IsDirectLead = new(rapid.Bool().Draw(t, "direct"))
		case 1:
			f.HasCustomer = new(rapid.Bool().Draw(t, "customer"))
		case 2:
			f.Search = rapid.OneOf(genText(), rapid.SampledFrom([]string{"1", "2-3", "(12", "1b", "F94", "\uff12"})).Draw(t, "search")
		}
		if depth > 1 && rapid.Bool().Draw(t, "nested") {
			nested := GenFilter(depth - 1)
			f.And = optional(t, "and", rapid.SliceOfN(nested, 0, 2))
			f.Or = optional(t, "or", rapid.SliceOfN(nested, 0, 3))
			f.Not = nested.Draw(t, "not")
		}
		return f
	})
}

// drawRare sets at most one of the conditions that most filters do not have.
func drawRare(t *rapid.T, f *lead.Filter) {
	switch rapid.IntRange(0, 16).Draw(t, "rare") {
	case 0:
		f.IDs = rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 300), func(n int) string { return fmt.Sprintf("lead-with-long-id-%d", n) }), 0, 60).Draw(t, "ids")
	case 1:
		f.CompanyName = genTextFilter(t)
	case 2:
		f.Text = genTextFilter(t)
	case 3:
		f.CompanySizes = rapid.SliceOfN(genCode(), 0, 2).Draw(t, "sizes")
	case 4:
		f.OperatorIDs = rapid.SliceOfN(genOperator(), 0, 2).Draw(t, "operators")
	case 5:
		f.TenantOrigins = rapid.SliceOfN(genOrigin(), 0, 2).Draw(t, "origins")
	case 6:
		f.HasChannel = new(rapid.Bool().Draw(t, "has channel"))
	case 7:
		f.HasConsentedOn = new(rapid.Bool().Draw(t, "has consented"))
	case 8:
		f.Addresses = lead.AddressFilter{
			Countries:          optional(t, "countries", rapid.SliceOfN(genCountry(), 0, 2)),
			ValidationStatuses: optional(t, "validations", rapid.SliceOfN(genValidation(), 0, 2)),
			Missing:            rapid.Ptr(rapid.Bool(), true).Draw(t, "missing"),
		}
	}
}

func genTextFilter(t *rapid.T) (f lead.TextFilter) {
	for _, part := range []*string{&f.Contains, &f.Starts, &f.Equals} {
		if rapid.Bool().Draw(t, "part") {
			*part = genText().Draw(t, "text")
		}
	}
	return f
}

// GenOrders generates orders by up to three fields.
func GenOrders() *rapid.Generator[[]lead.Order] {
	one := rapid.Custom(func(t *rapid.T) lead.Order {
		return lead.Order{
			Field:      lead.OrderField(rapid.IntRange(1, int(lead.OrderFields)-1).Draw(t, "field")),
			Descending: rapid.Bool().Draw(t, "descending"),
		}
	})
	return rapid.SliceOfNDistinct(one, 0, lead.MaxOrders, func(o lead.Order) lead.OrderField { return o.Field })
}
