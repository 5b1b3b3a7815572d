package reader

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/lead"
)

// FuzzDecode checks what holds for any input. The reader agrees with the reference,
// for any pieces of the input and any wanted parts of the leads. All leads are complete
// and their values have a text form. They are the same if the answer is wrapped in an
// envelope.
func FuzzDecode(f *testing.F) {
	samples, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(lead.PartStatus))
	}
	for _, text := range []string{
		`{"data":[{"id":1,"tenantId":"f94238e54f2c4e1b81252d27122ca75f","comments":[{},"a"],"contacts":[{"contacts":[1,"\xff"]}]}]}`,
		`[[[[[[[[{"id":"1","tenantId":"f94238e5-4f2c-4e1b-8125-2d27122ca75f","consentedOn":"2025-03-02T17:40:09+0000"}]]]]]]]]`,
		`{"data":[{"id":"1","tenantId":"f94238e5-4f2c-4e1b-8125-2d27122ca75f"}],"id":"2"}`,
		`{"status":{},"\u0069d":"\ud83d\ude00\ud83d\n","tenantid":"(f94238e5-4f2c-4e1b-8125-2d27122ca75f)","contacts":[{"email":[]}],"Contacts":[{"email":1}],"data":7}`,
	} {
		f.Add([]byte(text), uint64(lead.PartContacts))
	}
	f.Fuzz(func(t *testing.T, data []byte, want uint64) {
		if bytes.Contains(data, []byte("$ref")) || bytes.Contains(data, []byte("24ref")) {
			t.Skip() // the reference does not resolve references
		}
		leads := checkReaders(t, data, lead.Parts(want))
		for _, l := range leads {
			if l != nil {
				checkLead(t, l)
			}
		}
		if leads != nil && strings.HasPrefix(strings.TrimLeft(string(data), " \t\r\n"), "[") {
			wrapped, _, err := decode(fmt.Appendf(nil, `{"data":%s}`, data), lead.AllParts)
			if err != nil || !cmp.Equal(leads, wrapped) {
				t.Fatalf("reads differently in an envelope: %v", err)
			}
		}
	})
}

// countryPattern is what a CountryCode is: a code of two capital letters.
var countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)

// checkLead checks that a lead can be answered: its values are values of the schema's
// scalars.
func checkLead(t failer, l *lead.Lead) {
	t.Helper()
	if l.ID == "" || !guidD.MatchString(l.TenantID) {
		t.Fatalf("a lead without id or tenantId")
	}
	if l.UMPCustomerGUID != nil && !guidD.MatchString(*l.UMPCustomerGUID) {
		t.Fatalf("umpCustomerGuid %q is no UUID", *l.UMPCustomerGUID)
	}
	countries := slices.Clone(l.ConsentedCountries)
	for _, a := range l.CivicAddresses {
		if a.Country != nil {
			countries = append(countries, *a.Country)
		}
	}
	for _, code := range countries {
		if !countryPattern.MatchString(code) {
			t.Fatalf("country %q is no code", code)
		}
	}
	for _, at := range []time.Time{l.ConsentedOn, l.LastModifiedOn} {
		if _, err := at.MarshalText(); err != nil || at.Location() != time.UTC || at.Year() < 1 {
			t.Fatalf("time %v: %v", at, err)
		}
	}
	for _, c := range l.Contacts {
		if c.Contacts != nil && (!json.Valid(c.Contacts) || !utf8.Valid(c.Contacts) || len(c.Contacts) > maxRawContacts) {
			t.Fatalf("raw contacts are not bounded JSON")
		}
	}
	for _, comment := range l.Comments {
		if !utf8.ValidString(comment) {
			t.Fatalf("a comment is not UTF-8")
		}
	}
}

// variant draws one of several spellings of a JSON value.
func variant(t *rapid.T, label string, spellings ...string) string {
	return rapid.SampledFrom(spellings).Draw(t, label)
}

// Every tolerated spelling of a lead is read as the same lead, without a warning.
func TestDecodeSpellingsProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := strconv.Itoa(rapid.IntRange(1, 1e9).Draw(t, "id"))
		company := rapid.String().Draw(t, "company")
		quoted, err := json.Marshal(company)
		if err != nil {
			t.Fatal(err)
		}
		seconds := rapid.Int64Range(0, 4e9).Draw(t, "seconds")
		at := time.Unix(seconds, rapid.Int64Range(0, 9_999_999).Draw(t, "ticks")*100).UTC()
		details := `{"companyName":` + string(quoted) + `}`
		fields := []string{
			variant(t, "id", `"id":"`+id+`"`, `"id":`+id, `"ID":"`+id+`"`),
			variant(t, "tenant", `"tenantId":"f94238e5-4f2c-4e1b-8125-2d27122ca75f"`, `"TenantID":"f94238e5-4f2c-4e1b-8125-2d27122ca75f"`, `"TenantId":"{f94238e5-4f2c-4e1b-8125-2d27122ca75f}"`),
			variant(t, "channel", `"channelId":null`, `"channelId":0`, `"channelId":""`, `"x":1`),
			variant(t, "OVOC channel", `"ovocChannelId":"1574"`, `"OvocChannelId":1574`),
			variant(t, "details", `"contactDetails":`+details, `"contactDetails":[`+details+`]`, `"contactDetails":[null,`+details+`,{}]`),
			variant(t, "contacts", `"contacts":null`, `"contacts":[]`, `"contacts":[null]`, `"y":{}`),
			`"consentedOn":"` + at.Format(variant(t, "layout",
				"2006-01-02T15:04:05.9999999Z07:00", "2006-01-02T15:04:05.9999999-07:00",
				"2006-01-02T15:04:05.9999999-0700", "2006-01-02T15:04:05.9999999")) + `"`,
			variant(t, "modified", `"lastModifiedOn":null`, `"lastModifiedOn":"0001-01-01T00:00:00"`, `"z":0`),
		}
		object := "{" + strings.Join(rapid.Permutation(fields).Draw(t, "fields"), " , ") + "}"
		body := variant(t, "shape", object, "["+object+"]", "[["+object+"]]", "[[],["+object+",[]]]", `{"data":[`+object+`]}`)
		want := &lead.Lead{
			ID: id, TenantID: someTenant, OVOCChannelID: ref("1574"), ConsentedOn: at,
			ContactDetails: &lead.ContactDetails{CompanyName: ref(strings.ToValidUTF8(company, "\uFFFD"))},
		}
		leads, odd, err := decode([]byte(body), lead.AllParts)
		if err != nil || len(odd) != 0 {
			t.Fatalf("error %v, oddities %v", err, odd)
		}
		if diff := cmp.Diff([]*lead.Lead{want}, leads); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
