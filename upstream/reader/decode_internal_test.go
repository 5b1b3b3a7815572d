package reader

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
)

// Two tenants.
const (
	someTenant  = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	otherTenant = "6A7C0E81-4B3D-4F92-AE15-C9D8F7B6E510"
)

func ref[T any](v T) *T { return &v }

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func readSample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]*lead.Lead{
		"none.json":    nil,
		"minimal.json": {minimalLead(t)},
		"full.json":    {fullLead(t)},
		"nested.json":  nestedLeads(t),
	} {
		got, odd, err := decode(readSample(t, name), lead.AllParts)
		if err != nil || len(odd) != 0 {
			t.Errorf("%s: error %v, oddities %v", name, err, odd)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// wide returns an ASCII text in UTF-16. high is the index of each unit's high byte.
func wide(text string, high int) string {
	var out []byte
	for i := range len(text) {
		unit := [2]byte{text[i], text[i]}
		unit[high] = 0
		out = append(out, unit[:]...)
	}
	return string(out)
}

func minimalLead(t *testing.T) *lead.Lead {
	t.Helper()
	return &lead.Lead{
		ID:             "da68eafc-d3c6-4d3b-9a10-c48b26c6086b",
		TenantID:       "f94238e5-4f2c-4e1b-8125-2d27122ca75f",
		Status:         lead.StatusActive,
		StatusText:     ref("Active"),
		IsDirectLead:   ref(true),
		ConsentedOn:    instant(t, "2024-04-03T13:32:12.8286742Z"),
		LastModifiedOn: instant(t, "2024-04-03T13:32:12.82872Z"),
		ContactDetails: &lead.ContactDetails{CompanyName: ref("SIPTest")},
	}
}

func fullLead(t *testing.T) *lead.Lead {
	t.Helper()
	const tenant, operator = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902", "4b8f0f3e-2d19-4c6a-b1f7-93a6c8e7d503"
	const address, location = "5b3c9a61-1e7d-4a2f-8c90-b6d4e2f1a805", "c2f7d8b4-3a96-4d0e-9b71-e5a8f6c0d906"
	return &lead.Lead{
		ID: "1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01", TenantID: tenant,
		TenantOrigin: ref("Office365"), OperatorID: ref(operator),
		Status: lead.StatusActive, StatusText: ref("Active"), IsDirectLead: ref(false), IsNotActive: ref(false),
		UMPCustomerGUID: ref("7d5e1f20-0c3b-4e88-a2c4-61b9f0a3c704"), OVOCChannelID: ref("1574"),
		Comments:    []string{"Call back in May"},
		ConsentedOn: instant(t, "2025-02-11T09:05:00.1Z"), LastModifiedOn: instant(t, "2025-03-02T17:40:09Z"),
		ConsentedCountries: []string{"US", "GB"},
		ContactDetails: &lead.ContactDetails{
			FullName: ref("Dana Levi"), Email: ref("dana.levi@contoso.example"), PhoneNumber: ref("4255550100"),
			CompanyName: ref("Contoso & Sons"), CompanySize: ref("L250_U999"),
		},
		Contacts: []lead.Contact{
			{FullName: ref("Omar Haddad"), Email: ref("omar@contoso.example"), PhoneNumber: ref("+14255550101"), CompanySize: ref("L250_U999")},
			{FullName: ref("Voice Service"), Email: ref("svc-voice@contoso.example")},
		},
		CivicAddresses: []lead.CivicAddress{
			{
				ID: address, Country: ref("US"), HouseNumber: ref("425"), HouseNumberSuffix: ref("B"), PreDirectional: ref(""),
				StreetName: ref("Smith"), StreetSuffix: ref("Avenue"), PostDirectional: ref("NE"), StateOrProvince: ref("WA"),
				CountyOrDistrict: ref("King"), CityOrTown: ref("Redmond"), PostalOrZipCode: ref("98052"),
				Description: ref("West Coast HQ"), CompanyName: ref("Contoso & Sons"), DefaultLocationID: ref(location),
				ValidationStatus: lead.ValidationValidated, ValidationStatusText: ref("Validated"),
				TenantID: ref(tenant), PartnerID: ref(operator),
				Locations: []lead.Location{
					{ID: location, CivicAddressID: ref(address), IsDefault: ref(true)},
					{
						ID: "e8a1b0c5-9f24-4b6d-87e3-d0c9f5a2b107", CivicAddressID: ref(address), Description: ref("Reception"),
						AdditionalInfo: ref("4th floor"), IsDefault: ref(false), ELIN: ref("14255550199"),
					},
				},
			},
			{
				ID: "a94d6e37-5c08-4f1b-b2d6-7e3f8a1c0b08", Country: ref("GB"), HouseNumber: ref("10"), StreetName: ref("Harbour"),
				CityOrTown: ref("Leeds"), PostalOrZipCode: ref("LS1 1AA"),
				ValidationStatus: lead.ValidationNotValidated, ValidationStatusText: ref("NotValidated"),
			},
		},
	}
}

func nestedLeads(t *testing.T) []*lead.Lead {
	t.Helper()
	const tenant = "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510"
	return []*lead.Lead{
		{
			ID: "3f6a2b19-8d47-4e05-9c1a-f2b7d6e5a009", TenantID: tenant,
			Status: lead.StatusRemoved, StatusText: ref("Removed"), IsDirectLead: ref(false),
			ConsentedOn: instant(t, "2021-12-21T13:50:02.7271943Z"), LastModifiedOn: instant(t, "2022-02-23T11:56:01.5948813Z"),
			ConsentedCountries: []string{"IL"},
			ContactDetails: &lead.ContactDetails{
				FullName: ref("Noa Bar"), Email: ref("noa@fabrikam.example"), PhoneNumber: ref("4255550102"),
				CompanyName: ref("Fabrikam"), CompanySize: ref("L250_U999"),
			},
			Contacts: []lead.Contact{{FullName: ref("Noa Bar"), Email: ref("noa@fabrikam.example")}},
		},
		{
			ID: "b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511", TenantID: tenant,
			Status: lead.StatusActive, StatusText: ref("Active"), IsDirectLead: ref(true), OVOCChannelID: ref("1574"),
		},
	}
}

// shapeCase is a body, and the number of leads and holes in it or the error that it
// causes.
type shapeCase struct {
	body  string
	leads int
	holes int
	fails string
}

func TestDecodeShapes(t *testing.T) {
	t.Parallel()
	const one = `{"id":"1","tenantId":"` + someTenant + `"}`
	nest := func(depth int, inner string) string {
		return strings.Repeat("[", depth) + inner + strings.Repeat("]", depth)
	}
	for name, test := range map[string]shapeCase{
		"array":                  {body: "[" + one + "]", leads: 1},
		"space around":           {body: " \r\n[ " + one + " , " + one + " ]\t", leads: 2},
		"arrays at many depths":  {body: "[" + one + ",[" + one + ",[[" + one + "]],[]]]", leads: 3},
		"deepest":                {body: nest(8, one), leads: 1},
		"too deep":               {body: nest(9, one), fails: "deeper than 8"},
		"far too deep":           {body: nest(20_000, ""), fails: "deeper than 8"},
		"null":                   {body: " null "},
		"null elements":          {body: "[null," + one + ",[null]]", leads: 1, holes: 2},
		"single object":          {body: one, leads: 1},
		"single, other case":     {body: `{"ID":"1","TENANTID":"` + someTenant + `"}`, leads: 1},
		"single without tenant":  {body: `{"id":"1"}`, fails: "neither a lead nor an envelope"},
		"UTF-8 with a mark":      {body: "\xEF\xBB\xBF[" + one + "]", leads: 1},
		"UTF-16":                 {body: wide("["+one+"]", 1), leads: 1},
		"UTF-16 with a mark":     {body: "\xFE\xFF" + wide("["+one+"]", 0), leads: 1},
		"UTF-32":                 {body: "\xFF\xFE\x00\x00[\x00\x00\x00", fails: "byte 1"},
		"envelope":               {body: `{"currentPage":1,"totalRecords":1,"Data":[` + one + `]}`, leads: 1},
		"envelope, nested":       {body: `{"data":[[` + one + `]]}`, leads: 1},
		"envelope, data first":   {body: `{"data":[` + one + `],"totalRecords":1}`, leads: 1},
		"lead with other data":   {body: `{"id":"1","data":[7],"tenantId":"` + someTenant + `"}`, leads: 1},
		"lead after other data":  {body: `{"data":{},"id":"1","tenantId":"` + someTenant + `"}`, fails: "member of a lead"},
		"envelope or lead":       {body: `{"data":[` + one + `],"id":"1"}`, fails: "member of a lead"},
		"two data":               {body: `{"data":[` + one + `],"data":[]}`, fails: "other data"},
		"envelope, null":         {body: `{"data":null}`},
		"envelope, object":       {body: `{"data":` + one + `}`, leads: 1},
		"envelope, other object": {body: `{"data":{"secret":[]}}`, fails: "neither a lead nor an envelope"},
		"preserved references":   {body: `{"$id":"1","$values":[{"$id":"2","id":"1","tenantId":"` + someTenant + `"},{"$ref":"2"}]}`, leads: 2},
		"unknown reference":      {body: `{"$id":"1","$values":[` + one + `,{"$ref":"2"}]}`, leads: 1, holes: 1},
		"OData":                  {body: `{"@odata.context":"x","@odata.count":1,"value":[` + one + `],"@odata.nextLink":"y"}`, leads: 1},
		"OData 2":                {body: `{"d":{"__count":"1","results":[` + one + `]}}`, leads: 1},
		"HAL":                    {body: `{"_links":{},"_embedded":{"leads":[` + one + `]},"count":1}`, leads: 1},
		"Boilerplate":            {body: `{"result":{"totalCount":1,"items":[` + one + `]},"targetUrl":null,"success":true,"error":null}`, leads: 1},
		"counts in their names":  {body: `{"results":1,"records":1,"data":[` + one + `],"items":1,"value":null}`, leads: 1},
		"a result without list":  {body: `{"result":{"code":0},"data":[` + one + `]}`, leads: 1},
		"two lists":              {body: `{"items":[],"leads":[` + one + `]}`, fails: "other data"},
		"too many envelopes":     {body: `{"d":{"d":{"d":{"d":{"d":[]}}}}}`, fails: "nested deeper"},
		"envelope, text":         {body: `{"data":"secret"}`, fails: "a string"},
		"other object":           {body: `{"secret":1}`, fails: "neither a lead nor an envelope"},
		"empty object":           {body: `{}`, fails: "neither a lead nor an envelope"},
		"object in array":        {body: `[{"data":[]}]`, holes: 1},
		"string":                 {body: `"secret"`, fails: "a string"},
		"number":                 {body: `1`, fails: "a number"},
		"boolean":                {body: `true`, fails: "a boolean"},
		"string in array":        {body: `["secret"]`, fails: "holds a string"},
		"empty":                  {body: "", fails: "empty"},
		"blank":                  {body: " \n", fails: "empty"},
		"HTML":                   {body: "<html>secret", fails: "HTML"},
		"breaks off":             {body: `[{"id":"secret`, fails: "byte 14"},
		"something after":        {body: "[]secret", fails: "byte 3"},
		"something after null":   {body: "null secret", fails: "byte 6"},
		"something after object": {body: one + "]", fails: "byte 61"},
		"rows without id":        {body: `[` + one + `,{"tenantId":"` + someTenant + `"},{"id":" ","tenantId":[]},` + one + `]`, leads: 2, holes: 2},
	} {
		test.check(t, name)
	}
}

func (test shapeCase) check(t *testing.T, name string) {
	t.Helper()
	rows, _, err := decode([]byte(test.body), lead.AllParts)
	leads := slices.DeleteFunc(slices.Clone(rows), func(l *lead.Lead) bool { return l == nil })
	switch {
	case test.fails == "" && (err != nil || len(leads) != test.leads || len(rows) != test.leads+test.holes):
		t.Errorf("%s: got %d leads in %d rows, error %v; want %d leads and %d holes", name, len(leads), len(rows), err, test.leads, test.holes)
	case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
		t.Errorf("%s: error is %v, want %q in it", name, err, test.fails)
	case err != nil && strings.Contains(err.Error(), "secret"):
		t.Errorf("%s: the error quotes content: %v", name, err)
	}
}

// fieldCase is the members of a lead, and what they must be read as.
type fieldCase struct {
	fields string
	want   lead.Lead
	odd    string // the field counted, once
	hole   bool   // the row cannot be read
}

var (
	someDay = time.Date(2025, 3, 2, 17, 40, 9, 0, time.UTC)
	tooLong = `"` + strings.Repeat("x", maxRawContacts) + `"`
)

var fieldCases = []fieldCase{
	{fields: `"id":12,"TENANTID":"` + otherTenant + `"`, want: lead.Lead{ID: "12", TenantID: otherTenant}},
	{fields: `"id":"a","id":"b"`, want: lead.Lead{ID: "b"}},
	{fields: `"status":null`}, {fields: `"status":"not active"`, want: lead.Lead{StatusText: ref("not active"), Status: lead.StatusNotActive}},
	{fields: `"status":1`, want: lead.Lead{StatusText: ref("1")}},
	{fields: `"status":{}`, odd: "status"},
	{fields: `"status":{},"Status":"x"`, want: lead.Lead{StatusText: ref("x")}},
	{fields: `"contacts":[7,{"email":[]}],"contacts":[{"email":"a","email":null}]`, want: lead.Lead{Contacts: []lead.Contact{{}}}},
	{fields: `"ovocChannelId":0`}, {fields: `"ovocChannelId":""`}, {fields: `"ovocChannelId":"0"`},
	{fields: `"ovocChannelId":1315936`, want: lead.Lead{OVOCChannelID: ref("1315936")}},
	{fields: `"channelId":"15"`, want: lead.Lead{ChannelID: ref("15")}},
	{fields: `"channelId":[15]`, odd: "channelId"},
	{fields: `"operatorId":7`, want: lead.Lead{OperatorID: ref("7")}},
	{fields: `"operatorId":true`, want: lead.Lead{OperatorID: ref("true")}},
	{fields: `"operatorId":{"a":1}`, odd: "operatorId"},
	{fields: `"operatorId":"a\u00e9\ud83d\ude00"`, want: lead.Lead{OperatorID: ref("aé😀")}},
	{fields: `"isDirectLead":"True"`, want: lead.Lead{IsDirectLead: ref(true)}},
	{fields: `"isDirectLead":"yes"`, odd: "isDirectLead"},
	{fields: `"isNotActive":[]`, odd: "isNotActive"},
	{fields: `"comments":"one"`, want: lead.Lead{Comments: []string{"one"}}},
	{fields: `"comments":""`}, {fields: `"comments":[]`},
	{fields: `"comments":["one",null,{ "a" : [ 1 ] },2]`, want: lead.Lead{Comments: []string{"one", `{"a":[1]}`, "2"}}},
	{fields: `"comments":{ "a" : 1 }`, want: lead.Lead{Comments: []string{`{"a":1}`}}},
	{fields: `"consentedCountries":"IL"`, want: lead.Lead{ConsentedCountries: []string{"IL"}}},
	{fields: `"consentedCountries":["US,GB","Germany"," fra ","Côte d’Ivoire","Korea, Republic of"]`, want: lead.Lead{
		ConsentedCountries: []string{"US", "GB", "DE", "FR", "CI", "KR"}}},
	{fields: `"consentedCountries":"US, Atlantis"`, want: lead.Lead{ConsentedCountries: []string{"US"}}, odd: "consentedCountries"},
	{fields: `"consentedCountries":["Europe"]`, odd: "consentedCountries"},
	{fields: `"consentedCountries":["us","Gb"]`, want: lead.Lead{ConsentedCountries: []string{"US", "GB"}}},
	{fields: `"civicAddresses":{"country":"us"}`, want: lead.Lead{CivicAddresses: []lead.CivicAddress{{Country: ref("US")}}}},
	{fields: `"civicAddresses":{"country":"United States"}`, want: lead.Lead{CivicAddresses: []lead.CivicAddress{{Country: ref("US")}}}},
	{fields: `"civicAddresses":{"country":"US,GB"}`, want: lead.Lead{CivicAddresses: []lead.CivicAddress{{}}}, odd: "civicAddresses.country"},
	{fields: `"consentedCountries":["IL",null,{}]`, want: lead.Lead{ConsentedCountries: []string{"IL"}}, odd: "consentedCountries"},
	{fields: `"consentedOn":"2025-03-02T17:40:09+00:00"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"2025-03-02T19:40:09+02:00"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"2025-03-02T17:40:09.000+0000"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"2025-03-02T17:40:09"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"2025-03-02T17:40:09.1234567"`, want: lead.Lead{ConsentedOn: someDay.Add(123456700)}},
	{fields: `"consentedOn":"0001-01-01T00:00:00Z"`}, {fields: `"consentedOn":"0001-01-01T00:00:00+02:00"`},
	{fields: `"consentedOn":""`},
	{fields: `"consentedOn":"2/18/2027 8:39:26 AM"`, odd: "consentedOn"},
	{fields: `"consentedOn":"9999-12-31T23:59:59-01:00"`, odd: "consentedOn"},
	{fields: `"lastModifiedOn":1740937209`, want: lead.Lead{LastModifiedOn: someDay}},
	{fields: `"lastModifiedOn":1740937209000`, want: lead.Lead{LastModifiedOn: someDay}},
	{fields: `"lastModifiedOn":17`, odd: "lastModifiedOn"}, {fields: `"lastModifiedOn":"1740937209"`, odd: "lastModifiedOn"},
	{fields: `"consentedOn":"\/Date(1740937209000)\/"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"/Date(1740937209000+0200)/"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"/Date(-62135596800000)/"`}, {fields: `"consentedOn":"/Date(now)/"`, odd: "consentedOn"},
	{fields: `"consentedOn":"2025-03-02"`, want: lead.Lead{ConsentedOn: someDay.Truncate(24 * time.Hour)}},
	{fields: `"consentedOn":"2025-03-02 17:40:09Z"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"2025-03-02 17:40:09"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"consentedOn":"Sun, 02 Mar 2025 17:40:09 GMT"`, want: lead.Lead{ConsentedOn: someDay}},
	{fields: `"isDirectLead":""`}, {fields: `"isDirectLead":"FALSE"`, want: lead.Lead{IsDirectLead: ref(false)}},
	{fields: `"isDirectLead":1`, want: lead.Lead{IsDirectLead: ref(true)}},
	{fields: `"channelId":1574.0`, want: lead.Lead{ChannelID: ref("1574")}}, {fields: `"channelId":0.0`},
	{fields: `"channelId":"NaN"`, odd: "channelId"}, {fields: `"channelId":"-Infinity"`, odd: "channelId"},
	{fields: `"umpCustomerGuid":"00000000-0000-0000-0000-000000000000"`}, {fields: `"operatorId":" "`},
	{fields: `"contacts":{"$id":"2","$values":[{"$id":"3","fullName":"a"},{"$id":"4","fullName":"b"}]}`, want: lead.Lead{
		Contacts: []lead.Contact{{FullName: ref("a")}, {FullName: ref("b")}}}},
	{fields: `"consentedCountries":{ "$type":"System.String[]" , "$values" : ["US",null] },"comments":{"$values":[]}`, want: lead.Lead{
		ConsentedCountries: []string{"US"}}},
	{fields: `"contacts":{"$id":"2","fullName":"a"}`, want: lead.Lead{Contacts: []lead.Contact{{FullName: ref("a")}}}},
	{fields: `"contacts":[{"$ref":"2"}]`, odd: "contacts"}, {fields: `"contactDetails":{"$ref":"2"}`, odd: "contactDetails"},
	{fields: `"contacts":"","contactDetails":"","civicAddresses":"","consentedCountries":""`},
	{fields: `"contacts":{"total":0}`, odd: "contacts", hole: true}, {fields: `"contactDetails":{}`, odd: "contactDetails"},
	{fields: `"contacts":"Dana"`, odd: "contacts", hole: true}, {fields: `"civicAddresses":[{"x":1}]`, odd: "civicAddresses"},
	{fields: `"is_direct_lead":true,"ovoc-channel-id":7,"contact_details":{"full_name":"a"}`, want: lead.Lead{
		IsDirectLead: ref(true), OVOCChannelID: ref("7"), ContactDetails: &lead.ContactDetails{FullName: ref("a")}}},
	{fields: `"contactDetails":[{"email":"a"},{"email":"b"}]`, want: lead.Lead{ContactDetails: &lead.ContactDetails{Email: ref("a")}}},
	{fields: `"contactDetails":[]`}, {fields: `"contactDetails":"Dana"`, odd: "contactDetails"},
	{fields: `"contactDetails":{"email":{}}`, want: lead.Lead{ContactDetails: &lead.ContactDetails{}}, odd: "contactDetails.email"},
	{fields: `"contacts":{"fullName":"a"}`, want: lead.Lead{Contacts: []lead.Contact{{FullName: ref("a")}}}},
	{fields: `"contacts":[null,"a",{"phoneNumber":42}]`, want: lead.Lead{Contacts: []lead.Contact{{PhoneNumber: ref("42")}}}, odd: "contacts"},
	{fields: `"contacts":[{"contacts":[ { "a" : 1 } ]}]`, want: lead.Lead{Contacts: []lead.Contact{{Contacts: json.RawMessage(`[{"a":1}]`)}}}},
	{fields: `"contacts":[{"contacts":` + tooLong + `}]`, want: lead.Lead{Contacts: []lead.Contact{{}}}, odd: "contacts.contacts"},
	{fields: `"civicAddresses":[{"houseNumber":425,"locations":{"id":1,"isDefault":"x"}}]`, want: lead.Lead{CivicAddresses: []lead.CivicAddress{
		{HouseNumber: ref("425"), Locations: []lead.Location{{ID: "1"}}}}}, odd: "civicAddresses.locations.isDefault"},
	{fields: `"civicAddresses":7`, odd: "civicAddresses", hole: true},
	{fields: `"contacts":"Dana","contacts":[]`}, {fields: `"umpCustomerGuid":"contoso"`, odd: "umpCustomerGuid"},
	{fields: `"umpCustomerGuid":"{F94238E54F2C4E1B81252D27122CA75F}"`, odd: "umpCustomerGuid"}, {fields: `"umpCustomerGuid":12`, odd: "umpCustomerGuid"},
	{fields: `"umpCustomerGuid":"(` + otherTenant + `)"`, want: lead.Lead{UMPCustomerGUID: ref(otherTenant)}}, {fields: `"umpCustomerGuid":""`},
	{fields: `"umpCustomerGuid":"f94238e54f2c4e1b81252d27122ca75f"`, want: lead.Lead{UMPCustomerGUID: ref(someTenant)}},
	{fields: `"unknown":{"id":[1]}`},
}

func TestDecodeFields(t *testing.T) {
	t.Parallel()
	for _, test := range fieldCases {
		if test.want.ID == "" {
			test.want.ID = "1"
		}
		if test.want.TenantID == "" {
			test.want.TenantID = someTenant
		}
		leads, odd, err := decode([]byte(`[{"id":"1","tenantId":"`+someTenant+`",`+test.fields+`}]`), lead.AllParts)
		if err != nil {
			t.Errorf("%.80s: %v", test.fields, err)
			continue
		}
		rows := []*lead.Lead{&test.want}
		if test.hole {
			rows[0] = nil
		}
		if diff := cmp.Diff(rows, leads); diff != "" {
			t.Errorf("%.80s (-want +got):\n%s", test.fields, diff)
		}
		want := Oddities{}
		if test.odd != "" {
			want[test.odd] = 1
		}
		if !maps.Equal(want, odd) {
			t.Errorf("%.80s: oddities are %v", test.fields, slices.Collect(maps.Keys(odd)))
		}
	}
}
