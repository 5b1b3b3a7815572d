package share

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// manyLeads are leads with about the texts of real ones: two thirds with
// contacts, each with one or two addresses.
func manyLeads(n int) []*lead.Lead {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	uuid := func() string {
		a, b := r.Uint64(), r.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(a>>32), a>>52, b&0xfff, b>>16)
	}
	text := func(format string, most int) *string { return new(fmt.Sprintf(format, r.IntN(most))) }
	leads := make([]*lead.Lead, n)
	for i := range leads {
		moment := time.Date(2023, 1, 1, 0, 0, r.IntN(60_000_000), r.IntN(10_000_000)*100, time.UTC)
		l := &lead.Lead{
			ID: uuid(), TenantID: uuid(), TenantOrigin: new("Office365"), OperatorID: new("operator-1"),
			Status: lead.StatusActive, StatusText: new("Active"), IsDirectLead: new(i%3 == 0), IsNotActive: new(false),
			UMPCustomerGUID: new(uuid()), ChannelID: text("%d", 2000), Comments: []string{},
			ConsentedOn: moment, LastModifiedOn: moment.AddDate(0, 1, 0), ConsentedCountries: []string{"DE", "FR"},
		}
		for range i % 3 {
			l.Contacts = append(l.Contacts, lead.Contact{
				FullName: text("Dana Example %d", 5000), Email: text("dana.%d@customer.example", 1_000_000),
				PhoneNumber: text("+49 30 %07d", 10_000_000), CompanyName: text("Contoso %d GmbH", 50_000), CompanySize: new("L250_U999"),
			})
		}
		for range 1 + i%2 {
			l.CivicAddresses = append(l.CivicAddresses, lead.CivicAddress{
				ID: uuid(), Country: new("DE"), HouseNumber: text("%d", 200), StreetName: text("Long Street %d", 3000),
				CityOrTown: text("Town %d", 500), PostalOrZipCode: text("%05d", 99_999), CompanyName: text("Contoso %d GmbH", 50_000),
				ValidationStatus: lead.ValidationValidated, ValidationStatusText: new("Validated"), TenantID: &l.TenantID,
				Locations: []lead.Location{{ID: uuid(), Description: text("Floor %d", 20), IsDefault: new(true)}},
			})
		}
		leads[i] = l
	}
	return leads
}

// BenchmarkShare100k is what publishing and loading cost without the network.
func BenchmarkShare100k(b *testing.B) {
	leads := manyLeads(100_000)
	v, err := newVault(make([]byte, keyBytes))
	if err != nil {
		b.Fatal(err)
	}
	packed, err := pack(catalogue.Reading{Leads: leads}, nil)
	if err != nil {
		b.Fatal(err)
	}
	sealed := v.seal(packed, "")
	b.Run("publish", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			packed, err := pack(catalogue.Reading{Leads: leads}, nil)
			if err != nil {
				b.Fatal(err)
			}
			sumOf(v.seal(packed, ""))
		}
		b.ReportMetric(float64(len(sealed))/float64(len(leads)), "stored-B/lead")
	})
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sumOf(sealed)
			packed, err := v.open(sealed, "")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := unpack(packed, bounds{leads: len(leads), accept: sound}, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
