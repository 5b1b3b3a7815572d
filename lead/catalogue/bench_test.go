package catalogue_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

const benchLeads = 100_000

var (
	companyParts = []string{
		"Contoso", "Fabrikam", "Łódź Transport", "Ångström", "Café Zürich", "Northwind", "Adventure",
		"Tailspin", "Wide World", "Ørsted", "Proseware", "Straße", "Alpine", "Trey", "Lucerne", "Humongous",
	}
	companyKinds = []string{"Ltd", "GmbH", "S.A.", "Inc", "& Sons", "Telecom", "Holding", "Logistics", "Bank", "Foods"}
	givenNames   = []string{"Dana", "José", "Zoë", "Omar", "Noa", "Søren", "Björn", "Maria", "Wei", "Anaïs", "Priya", "John"}
	familyNames  = []string{"Levi", "Haddad", "Müller", "Nguyen", "García", "Smith", "Kowalski", "Rossi", "Dvořák", "Bar"}
	countryCodes = []string{"US", "GB", "DE", "FR", "IL", "PL", "NO", "SE", "ES", "IT", "NL", "BE", "CH", "AT", "DK", "IE"}
	sizeBands    = []string{"L1_U9", "L10_U49", "L50_U249", "L250_U999", "L1000"}
)

// realisticLeads returns leads with texts and repetitions similar to real ones: two
// thirds have consented, and each has one to three contacts.
func realisticLeads() []*lead.Lead {
	r := rand.New(rand.NewPCG(3, 100_000))
	uuid := func() string {
		a, b := r.Uint64(), r.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(a>>32), a>>52, b&0xfff, b>>16)
	}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	moment := func() time.Time {
		return time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(4*365*24*time.Hour))) / 100 * 100)
	}
	leads := make([]*lead.Lead, benchLeads)
	for i := range leads {
		company := fmt.Sprintf("%s %s %d", pick(companyParts), pick(companyKinds), r.IntN(5000))
		l := &lead.Lead{
			ID: uuid(), TenantID: uuid(), Status: lead.Status(r.IntN(5)), IsDirectLead: new(r.IntN(3) == 0),
			ConsentedOn: moment(), LastModifiedOn: moment(),
			ContactDetails: &lead.ContactDetails{CompanyName: &company},
		}
		leads[i] = l
		if i > 0 && r.IntN(20) == 0 {
			l.TenantID = leads[i-1].TenantID
		}
		if r.IntN(2) == 0 {
			l.UMPCustomerGUID, l.OVOCChannelID = new(uuid()), new(fmt.Sprint(1000+r.IntN(2000)))
		}
		if *l.IsDirectLead {
			continue
		}
		l.ConsentedCountries = []string{pick(countryCodes), pick(countryCodes), pick(countryCodes)}
		l.OperatorID, l.TenantOrigin = new(pick(sizeBands)), new("Office365")
		l.CivicAddresses = []lead.CivicAddress{{
			Country: &l.ConsentedCountries[0], ValidationStatus: lead.ValidationStatus(r.IntN(4)), CityOrTown: new(pick(familyNames)), PostalOrZipCode: new(fmt.Sprint(r.IntN(100_000))),
		}}
		for contact := range 1 + r.IntN(3) {
			given, family := pick(givenNames), pick(familyNames)
			name := given + " " + family
			email := fmt.Sprintf("user%d.%d@tenant%d.example", r.IntN(1000), i, i)
			l.Contacts = append(l.Contacts, lead.Contact{FullName: &name, Email: &email})
			if contact == 0 {
				l.ContactDetails.FullName, l.ContactDetails.Email = &name, &email
				l.ContactDetails.CompanySize = new(pick(sizeBands))
			}
		}
	}
	return leads
}

// benchPrevious returns the snapshots to build the next one after: none, and one
// with 10,000 leads that have disappeared.
func benchPrevious(leads []*lead.Lead) map[string]*catalogue.Snapshot {
	previous := slices.Clone(leads)
	for i, l := range previous[:10_000] {
		gone := *l
		gone.ID = "gone-" + l.ID
		previous[i] = &gone
	}
	return map[string]*catalogue.Snapshot{"first": nil, "refresh": catalogue.Build(previous, time.Time{}, nil)}
}

func BenchmarkBuild100k(b *testing.B) {
	leads := realisticLeads()
	for name, previous := range benchPrevious(leads) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				catalogue.Build(leads, time.Time{}, previous)
			}
		})
	}
}

// BenchmarkMemory reports the memory of a snapshot without the leads themselves.
func BenchmarkMemory(b *testing.B) {
	leads := realisticLeads()
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, previous := range benchPrevious(leads) {
		b.Run(name, func(b *testing.B) {
			var held uint64
			for b.Loop() {
				before := heap()
				s := catalogue.Build(leads, time.Time{}, previous)
				held = heap() - before
				runtime.KeepAlive(s)
			}
			runtime.KeepAlive(previous)
			b.ReportMetric(float64(held)/benchLeads, "bytes/lead")
		})
	}
	runtime.KeepAlive(leads)
}

func benchFilters(leads []*lead.Lead) map[string]*lead.Filter {
	tenants := make([]string, 0, catalogue.MaxFilterValues)
	for _, l := range leads[:catalogue.MaxFilterValues] {
		tenants = append(tenants, l.TenantID)
	}
	from := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	search := func(text string) *lead.Filter { return &lead.Filter{Search: text} }
	wide := &lead.Filter{Or: []*lead.Filter{}}
	for i := range catalogue.MaxFilterConditions/2 - 1 {
		country := countryCodes[i%len(countryCodes)]
		wide.Or = append(wide.Or, &lead.Filter{ConsentedCountries: slices.Repeat([]string{country}, catalogue.MaxFilterValues)})
	}
	return map[string]*lead.Filter{
		"none":                 nil,
		"status":               {Statuses: []lead.Status{lead.StatusActive, lead.StatusSuspended}},
		"tenants1000":          {TenantIDs: tenants},
		"countries":            {ConsentedCountries: countryCodes},
		"channel":              {ChannelIDs: []string{"1574"}},
		"times":                {ConsentedOn: lead.TimeRange{From: &from, To: new(from.AddDate(1, 0, 0))}},
		"search/rare":          search("contoso bank 1234"),
		"search/common":        search("EXAMPLE"),
		"search/letter":        search("a"),
		"search/accented":      search("zurich"),
		"search/absent":        search("user tenant"),
		"search/repeating":     search("user1.user1.user1.user1.user1.user1.user1.user1.user1.user1.user1.user1"),
		"companyName/contains": {CompanyName: lead.TextFilter{Contains: "bank 1234"}},
		"companyName/starts":   {CompanyName: lead.TextFilter{Starts: "cafe"}},
		"text/equals":          {Text: lead.TextFilter{Equals: "contoso ltd 1234"}},
		"hasChannel":           {HasChannel: new(false)},
		"hasConsentedOn":       {HasConsentedOn: new(true)},
		"addresses":            {Addresses: lead.AddressFilter{Countries: countryCodes, ValidationStatuses: []lead.ValidationStatus{lead.ValidationInvalid}}},
		"search/two":           {Not: &lead.Filter{Or: []*lead.Filter{search("e.e"), search("user tenant")}}},
		"or50":                 wide,
		"combined": {
			IsDirectLead: new(false), HasCustomer: new(true),
			Or:  []*lead.Filter{search("e.e"), {Statuses: []lead.Status{lead.StatusActive}}},
			Not: &lead.Filter{ConsentedCountries: []string{"US", "GB"}},
			And: []*lead.Filter{{LastModifiedOn: lead.TimeRange{From: &from}}, {Not: search("fabrikam")}},
		},
	}
}

// BenchmarkSelect returns the first 50 leads and the number of all matches.
func BenchmarkSelect(b *testing.B) {
	leads := realisticLeads()
	s := catalogue.Build(leads, time.Time{}, nil)
	for name, f := range benchFilters(leads) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Select(f, lead.Order{Field: lead.OrderCompanyName, Descending: true}).Slice(0, 50)
			}
		})
	}
}

// BenchmarkCombinedOrder returns the first 50 leads in an order that the snapshot does not
// have yet.
func BenchmarkCombinedOrder(b *testing.B) {
	leads := realisticLeads()
	orders := []lead.Order{{Field: lead.OrderCountry}, {Field: lead.OrderStatus, Descending: true}, {Field: lead.OrderCompanyName}}
	whole := catalogue.Build(leads, time.Time{}, nil)
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			whole.Select(nil, orders...).Slice(0, 50)
		}
	})
	b.Run("new", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			fields := []lead.OrderField{lead.OrderStatus, lead.OrderCountry, lead.OrderCompanySize, lead.OrderTenantID, lead.OrderConsentedOn, lead.OrderCompanyName}
			orders := []lead.Order{{Field: fields[i%6]}, {Field: fields[(i+1)%6], Descending: i/6%2 == 0}, {Field: fields[(i+2)%6], Descending: i/12%2 == 0}}
			whole.Select(nil, orders...).Slice(0, 50)
		}
	})
}

// BenchmarkPage returns the 50 leads after a cursor close to the end. The lead of the
// cursor exists, or has disappeared.
func BenchmarkPage(b *testing.B) {
	leads := realisticLeads()
	whole := catalogue.Build(leads, time.Time{}, nil)
	for name, f := range map[string]*lead.Filter{"all": nil, "filtered": {IsDirectLead: new(false)}} {
		order := lead.Order{Field: lead.OrderCompanyName}
		view := whole.Select(f, order)
		deep := view.Slice(view.Total()-60, view.Total())[0]
		value, id := view.Key(deep)
		w := pagination.Window{Size: 50, After: &pagination.Cursor{Key: &pagination.Key{Value: value, ID: id}}}
		rest := slices.DeleteFunc(slices.Clone(leads), func(l *lead.Lead) bool { return l == deep })
		for state, s := range map[string]*catalogue.Snapshot{"there": whole, "gone": catalogue.Build(rest, time.Time{}, whole)} {
			b.Run(name+"/"+state, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pagination.Cut(w, s.Select(f, order))
				}
			})
		}
	}
}

func BenchmarkStats(b *testing.B) {
	s := catalogue.Build(realisticLeads(), time.Time{}, nil)
	b.ReportAllocs()
	for b.Loop() {
		stats := s.Stats(nil)
		stats.ByStatus()
		stats.ByCountry()
		stats.ByCompanySize()
		stats.ByChannel()
		stats.ByChannelRest()
		stats.ByAddressStatus()
		stats.ConsentedPer(catalogue.Day, time.UTC)
	}
}
