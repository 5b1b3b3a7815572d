package share

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// anything accepts all leads that the format can hold.
var anything = bounds{leads: 1000, bytes: 1 << 20, accept: func(*lead.Lead) bool { return true }}

// A closed client may look at its cluster again a second later.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// genLead draws every field that a lead has by reflection, so that a field that
// lead.Visit does not show is found.
func genLead() *rapid.Generator[*lead.Lead] {
	return rapid.Custom(func(t *rapid.T) *lead.Lead {
		l := rapid.Make[lead.Lead]().Draw(t, "lead")
		l.Age = 0 // an operation sets it in what it shows
		l.ConsentedOn, l.LastModifiedOn = genTime().Draw(t, "consented"), genTime().Draw(t, "modified")
		return &l
	})
}

func genTime() *rapid.Generator[time.Time] {
	return rapid.OneOf(rapid.Just(time.Time{}), rapid.Custom(func(t *rapid.T) time.Time {
		seconds := rapid.Int64Range(-1<<36, 1<<38).Draw(t, "seconds")
		return time.Unix(seconds, rapid.Int64Range(0, 9_999_999).Draw(t, "ticks")*100).UTC()
	}))
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := rapid.SliceOfN(genLead(), 0, 3).Draw(t, "leads")
		leads = append(leads, &lead.Lead{ID: "bare"})
		reading := catalogue.Reading{Leads: leads, Unreadable: rapid.IntRange(0, 1e6).Draw(t, "unreadable"), Complete: true}
		packed, err := pack(reading, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(packed, anything, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reading, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// oneLead has a value in every field.
func oneLead() *lead.Lead {
	moment := time.Date(2024, 2, 29, 12, 0, 0, 1_234_500, time.UTC)
	return &lead.Lead{
		ID: "1", TenantID: "2", TenantOrigin: new("3"), OperatorID: new("4"), Status: lead.StatusActive, StatusText: new("5"),
		IsDirectLead: new(true), IsNotActive: new(false), UMPCustomerGUID: new("6"), ChannelID: new("7"), OVOCChannelID: new("8"),
		Comments: []string{"9", ""}, ConsentedOn: moment, LastModifiedOn: moment.Add(time.Second), ConsentedCountries: []string{"DE"},
		ContactDetails: &lead.ContactDetails{
			FullName: new("10"), Email: new("11"), PhoneNumber: new("12"), CompanyName: new("13"), CompanySize: new("14"),
		},
		Contacts: []lead.Contact{{
			FullName: new("15"), Email: new("16"), PhoneNumber: new("17"), CompanyName: new("18"), CompanySize: new("19"),
			Contacts: json.RawMessage(`{"a":"<&>"}`),
		}},
		CivicAddresses: []lead.CivicAddress{{
			ID: "20", Country: new("21"), HouseNumber: new("22"), HouseNumberSuffix: new("23"), PreDirectional: new("24"),
			StreetName: new("25"), StreetSuffix: new("26"), PostDirectional: new("27"), StateOrProvince: new("28"),
			CountyOrDistrict: new("29"), CityOrTown: new("30"), CityOrTownAlias: new("31"), PostalOrZipCode: new("32"),
			Description: new("33"), CompanyName: new("34"), CompanyID: new("35"), DefaultLocationID: new("36"),
			ValidationStatus: lead.ValidationInvalid, ValidationStatusText: new("37"), TenantID: new("38"), PartnerID: new("39"),
			Locations: []lead.Location{{
				ID: "40", CivicAddressID: new("41"), Description: new("42"), AdditionalInfo: new("43"), IsDefault: new(true), ELIN: new("44"),
			}},
		}},
	}
}

// If this fails the format has changed: raise formatVersion, then the hash.
func TestFormatVersion(t *testing.T) {
	t.Parallel()
	var encoded bytes.Buffer
	if err := encode(&encoded, []*lead.Lead{oneLead()}, nil); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(encoded.Bytes())
	if got := formatVersion + " " + hex.EncodeToString(sum[:8]); got != "5 93875e5c068b9022" {
		t.Errorf("the encoding of leads changed: raise formatVersion in codec.go, then the hash here; it is %s", got)
	}
}

func TestTooLargeALead(t *testing.T) {
	t.Parallel()
	if _, err := pack(catalogue.Reading{Leads: []*lead.Lead{{ID: string(make([]byte, maxRecord))}}}, nil); !errors.Is(err, errTooLarge) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	var encoded bytes.Buffer
	if err := encode(&encoded, []*lead.Lead{{ID: "a"}, oneLead()}, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(encoded.Bytes())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		leads, err := decode(bytes.NewReader(data), anything, nil)
		if err != nil {
			return
		}
		// Data that can be read can be written, and reads the same again.
		var again bytes.Buffer
		if err := encode(&again, leads, nil); err != nil {
			t.Fatal(err)
		}
		same, err := decode(&again, anything, nil)
		if diff := cmp.Diff(leads, same); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}
