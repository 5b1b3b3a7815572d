package lead_test

import (
	"slices"
	"strings"
	"testing"

	"leadgraph/lead"
)

// Each field has a name that a schema coordinate can have, and changes are found at any
// depth.
func TestChanged(t *testing.T) {
	t.Parallel()
	whole := func() *lead.Lead {
		return &lead.Lead{
			ID: "1", TenantID: "t", Comments: []string{"a"}, ContactDetails: &lead.ContactDetails{Email: new("a@b"), CompanyName: new("A")},
			Contacts: []lead.Contact{{FullName: new("Dana")}, {CompanyName: new("B")}},
			CivicAddresses: []lead.CivicAddress{
				{ID: "x", StreetName: new("Main"), Locations: []lead.Location{{ID: "1", ELIN: new("1")}}},
				{ID: "y", CityOrTown: new("Rome")},
			},
		}
	}
	for name, test := range map[string]struct {
		change   func(*lead.Lead)
		want     string
		personal bool // the names are personal
	}{
		"nothing":             {func(*lead.Lead) {}, "", false},
		"the time":            {func(l *lead.Lead) { l.AsOf = l.AsOf.Add(1) }, "", false},
		"a code":              {func(l *lead.Lead) { l.Status, l.StatusText = lead.StatusRemoved, new("Removed") }, "Lead.status Lead.statusText", false},
		"a remark":            {func(l *lead.Lead) { l.Comments = nil }, "Lead.comments", true},
		"details":             {func(l *lead.Lead) { l.ContactDetails.Email = new("c@d") }, "ContactDetails.email", true},
		"no details":          {func(l *lead.Lead) { l.ContactDetails = nil }, "Lead.contactDetails", false},
		"contacts":            {func(l *lead.Lead) { l.Contacts[0].FullName, l.Contacts[1].FullName = new("X"), new("Y") }, "Contact.fullName", true},
		"another contact":     {func(l *lead.Lead) { l.Contacts = l.Contacts[:1] }, "Lead.contacts", false},
		"an address":          {func(l *lead.Lead) { l.CivicAddresses[1].CityOrTown = new("Bonn") }, "CivicAddress.cityOrTown", false},
		"a street":            {func(l *lead.Lead) { l.CivicAddresses[0].StreetName = nil }, "CivicAddress.streetName", true},
		"other addresses":     {func(l *lead.Lead) { slices.Reverse(l.CivicAddresses) }, "Lead.civicAddresses", false},
		"a location":          {func(l *lead.Lead) { l.CivicAddresses[0].Locations[0].ELIN = nil }, "Location.elin", true},
		"a location's flag":   {func(l *lead.Lead) { l.CivicAddresses[0].Locations[0].IsDefault = new(true) }, "Location.isDefault", false},
		"another location":    {func(l *lead.Lead) { l.CivicAddresses[0].Locations[0].ID = "2" }, "CivicAddress.locations", false},
		"locations filled in": {func(l *lead.Lead) { l.CivicAddresses[1].Locations = []lead.Location{{ID: "9"}} }, "CivicAddress.locations", false},
	} {
		now := whole()
		test.change(now)
		if got := strings.Join(lead.Changed(whole(), now, true), " "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		hidden := test.want
		if test.personal {
			hidden = ""
		}
		if got := strings.Join(lead.Changed(whole(), now, false), " "); got != hidden {
			t.Errorf("%s: %q without personal data, want %q", name, got, hidden)
		}
	}
}
