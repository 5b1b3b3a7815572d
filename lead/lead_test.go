package lead_test

import (
	"testing"
	"time"

	"leadgraph/lead/leadtest"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
)

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]lead.Status{
		"Active": lead.StatusActive, "ACTIVE": lead.StatusActive, " active ": lead.StatusActive,
		"NotActive": lead.StatusNotActive, "Not Active": lead.StatusNotActive, "NOT_ACTIVE": lead.StatusNotActive,
		"Suspended": lead.StatusSuspended, "removed": lead.StatusRemoved,
		"": lead.StatusUnknown, "Inactive": lead.StatusUnknown, "Activé": lead.StatusUnknown,
	} {
		if got := lead.ParseStatus(text); got != want {
			t.Errorf("ParseStatus(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestParseValidationStatus(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]lead.ValidationStatus{
		"Valid": lead.ValidationValidated, "Validated": lead.ValidationValidated,
		"INVALID":      lead.ValidationInvalid,
		"NotValidated": lead.ValidationNotValidated, "Not Validated": lead.ValidationNotValidated,
		"not_validated": lead.ValidationNotValidated,
		"":              lead.ValidationUnknown, "Pending": lead.ValidationUnknown,
	} {
		if got := lead.ParseValidationStatus(text); got != want {
			t.Errorf("ParseValidationStatus(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCompanySizeRange(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]*lead.SizeRange{
		"L250_U999":             {Min: 250, Max: new(999)},
		"L1000":                 {Min: 1000},
		"L0_U0":                 {Min: 0, Max: new(0)},
		"L999999999_U999999999": {Min: 999_999_999, Max: new(999_999_999)},
		"":                      nil,
		"U999":                  nil,
		"L250_":                 nil,
		"L250_U":                nil,
		"L250_U999x":            nil,
		"l250_u999":             nil,
		"L1234567890":           nil,
	} {
		details, contact := lead.ContactDetails{CompanySize: &code}, lead.Contact{CompanySize: &code}
		for _, got := range []*lead.SizeRange{
			lead.ParseSizeRange(&code), details.CompanySizeRange(), contact.CompanySizeRange(),
		} {
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("size %q: %s", code, diff)
			}
		}
	}
	if lead.ParseSizeRange(nil) != nil {
		t.Error("an absent size has a range")
	}
}

func TestFormattedAddress(t *testing.T) {
	t.Parallel()
	for want, address := range map[string]lead.CivicAddress{
		"12B N Main St SW, Redmond, WA 98052, US": {
			HouseNumber: new("12"), HouseNumberSuffix: new("B"), PreDirectional: new("N"), StreetName: new("Main"),
			StreetSuffix: new("St"), PostDirectional: new("SW"), CityOrTown: new("Redmond"),
			StateOrProvince: new("WA"), PostalOrZipCode: new("98052"), Country: new("US"),
		},
		"Hauptstraße 5, 10115, DE": {
			StreetName: new("Hauptstraße 5"), PostalOrZipCode: new("10115"), Country: new("DE"),
		},
		"Tel Aviv, IL": {
			HouseNumber: new(" "), StreetName: new(""), CityOrTown: new("  Tel Aviv "), StateOrProvince: new("\t"),
			Country: new("IL"), Description: new("Head office"), CompanyName: new("Contoso"),
		},
	} {
		if got := address.Formatted(); got == nil || *got != want {
			t.Errorf("formatted as %v, want %q", got, want)
		}
	}
	if got := (&lead.CivicAddress{ID: "1", StreetName: new(" ")}).Formatted(); got != nil {
		t.Errorf("an empty address is formatted as %q", *got)
	}
}

func TestFilterAddresses(t *testing.T) {
	t.Parallel()
	all := []lead.CivicAddress{
		{ID: "a", Country: new("US"), ValidationStatus: lead.ValidationValidated},
		{ID: "b", Country: new("us")},
		{ID: "c", ValidationStatus: lead.ValidationValidated},
		{ID: "d", Country: new("GB"), ValidationStatus: lead.ValidationInvalid},
	}
	for name, test := range map[string]struct {
		country *string
		status  *lead.ValidationStatus
		want    string
	}{
		"all":     {nil, nil, "abcd"},
		"country": {new("Us"), nil, "ab"},
		"status":  {nil, new(lead.ValidationValidated), "ac"},
		"unknown": {nil, new(lead.ValidationUnknown), "b"},
		"both":    {new("US"), new(lead.ValidationValidated), "a"},
		"none":    {new("DE"), nil, ""},
	} {
		got := ""
		for _, a := range lead.FilterAddresses(all, test.country, test.status) {
			got += a.ID
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if lead.FilterAddresses(nil, nil, nil) == nil {
		t.Error("no addresses are a null list")
	}
}

func TestPreferred(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	ascending := []*lead.Lead{ // by preference
		{ID: "e"},
		{ID: "d", Status: lead.StatusRemoved, LastModifiedOn: late},
		{ID: "c", Status: lead.StatusActive, LastModifiedOn: early},
		{ID: "b", Status: lead.StatusActive, LastModifiedOn: late},
		{ID: "a", Status: lead.StatusActive, LastModifiedOn: late},
	}
	for i := range ascending {
		if got := lead.Preferred(ascending[:i+1]); got != ascending[i] {
			t.Errorf("of the first %d lead %s is preferred", i+1, got.ID)
		}
	}
	if lead.Preferred(nil) != nil {
		t.Error("a lead out of none")
	}
}

func TestPreferredWhateverTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := func(l *lead.Lead) string { return l.ID }
		leads := rapid.SliceOfNDistinct(leadtest.GenLead(), 1, 20, id).Draw(t, "leads")
		shuffled := rapid.Permutation(leads).Draw(t, "shuffled")
		if a, b := lead.Preferred(leads), lead.Preferred(shuffled); a != b {
			t.Fatalf("%s is preferred, in another order %s", a.ID, b.ID)
		}
	})
}
