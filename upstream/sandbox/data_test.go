package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"leadgraph/upstream/sandbox"
)

// rows returns the serialised leads of a sandbox.
func rows(t *testing.T, opts sandbox.Options) []json.RawMessage {
	t.Helper()
	opts.NoAuth = true
	p := start(t, opts)
	var list []json.RawMessage
	decode(t, p.leads(t, "PageSize", "20000").body, &list)
	return list
}

func TestDeterminism(t *testing.T) {
	t.Parallel()
	equal := func(a, b []json.RawMessage) bool {
		return slices.EqualFunc(a, b, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
	}
	base := rows(t, sandbox.Options{Leads: 600})
	if !equal(base, rows(t, sandbox.Options{Leads: 600})) {
		t.Error("the same seed gave different leads")
	}
	if !equal(base, rows(t, sandbox.Options{Leads: 900})[:600]) {
		t.Error("600 leads are not a prefix of 900 leads")
	}
	if equal(base[4:], rows(t, sandbox.Options{Leads: 600, Seed: 7})[4:]) {
		t.Error("another seed gave the same leads")
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	const seed = `{"civicAddresses":null,"comments":null,"umpCustomerGuid":null,"isNotActive":null,"ovocChannelId":null,"isDirectLead":true,` +
		`"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","tenantId":"f94238e5-4f2c-4e1b-8125-2d27122ca75f","tenantOrigin":null,"operatorId":null,` +
		`"status":"Active","consentedOn":"2024-04-03T13:32:12.8286742Z","lastModifiedOn":"2024-04-03T13:32:12.82872Z","consentedCountries":[],` +
		`"contactDetails":{"fullName":null,"email":null,"phoneNumber":null,"companyName":"SIPTest","companySize":null},"contacts":null}`
	got := rows(t, sandbox.Options{Leads: 4})
	if string(got[0]) != seed {
		t.Errorf("the first lead is %s", got[0])
	}
	for i, id := range []string{"1c0b7a52-6a0e-4f1d-9a55-0d2f6f3b8e01", "3f6a2b19-8d47-4e05-9c1a-f2b7d6e5a009", "b5d8e4c7-2a60-4c39-8f7e-10a9b3c6d511"} {
		if !strings.Contains(string(got[i+1]), `"id":"`+id+`"`) {
			t.Errorf("row %d is not lead %s", i+1, id)
		}
	}
	if got := rows(t, sandbox.Options{Leads: 1}); len(got) != 1 {
		t.Errorf("%d rows for one lead", len(got))
	}
}

// seen counts the values of each field over all leads: scalars as Go prints
// them, and the kinds of all other values.
type seen map[string]map[string]int

func (s seen) add(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		s.count(path, "object")
		for name, inner := range v {
			s.add(path+"."+name, inner)
		}
	case []any:
		s.count(path, "list")
		for _, inner := range v {
			s.add(path+"[]", inner)
		}
	case float64:
		s.count(path, "number")
		s.count(path, fmt.Sprint(v))
	case string:
		s.count(path, "text")
		s.count(path, v)
	default:
		s.count(path, fmt.Sprint(v))
	}
}

func (s seen) count(path, value string) {
	if s[path] == nil {
		s[path] = map[string]int{}
	}
	s[path][value]++
}

func survey(t *testing.T) (s seen, leads int) {
	t.Helper()
	s = seen{}
	list := rows(t, sandbox.Options{})
	for _, raw := range list {
		var lead any
		decode(t, string(raw), &lead)
		s.add("", lead)
	}
	return s, len(list)
}

func TestEveryFormOccurs(t *testing.T) {
	t.Parallel()
	s, n := survey(t)
	if n != sandbox.DefaultLeads {
		t.Fatalf("%d leads", n)
	}
	for path, values := range map[string][]string{
		".status":                            {"Active", "active", "NotActive", "Not Active", "Suspended", "Removed", "PendingReview"},
		".isDirectLead":                      {"true", "false"},
		".isNotActive":                       {"true", "false", "<nil>"},
		".umpCustomerGuid":                   {"text", "<nil>"},
		".ovocChannelId":                     {"number", "text", "<nil>", "0", ""},
		".channelId":                         {"number", "text", "<nil>"},
		".comments":                          {"text", "list", "<nil>"},
		".consentedOn":                       {"text", "0001-01-01T00:00:00"},
		".lastModifiedOn":                    {"text", "<nil>"},
		".consentedCountries":                {"list", "<nil>"},
		".consentedCountries[]":              {"US", "GB", "IL", "DE", "FR", "NL", "SE", "JP", "BR"},
		".contactDetails":                    {"object", "<nil>"},
		".contactDetails.companySize":        {"L1_U9", "L250_U999", "L5000", "Enterprise", "<nil>"},
		".contacts":                          {"list", "<nil>"},
		".civicAddresses":                    {"list", "<nil>"},
		".civicAddresses[].validationStatus": {"Validated", "Valid", "NotValidated", "Notvalidated", "Invalid", "<nil>"},
		".civicAddresses[].houseNumber":      {"text", "number"},
		".civicAddresses[].preDirectional":   {"NE", "", "<nil>"},
		".civicAddresses[].locations":        {"list", "<nil>"},
	} {
		for _, value := range values {
			if s[path][value] == 0 {
				t.Errorf("%s is never %q", path, value)
			}
		}
	}
	if share := s[".status"]["Active"] + s[".status"]["active"]; share < n*70/100 || share > n*80/100 {
		t.Errorf("%d of %d leads are active", share, n)
	}
	if share := s[".isDirectLead"]["false"]; share < n*55/100 || share > n*65/100 {
		t.Errorf("%d of %d leads are consented", share, n)
	}
}

func TestTextsAreHard(t *testing.T) {
	t.Parallel()
	s, _ := survey(t)
	names := slices.Collect(func(yield func(string) bool) {
		for _, path := range []string{".contactDetails.companyName", ".contactDetails.fullName"} {
			for name := range s[path] {
				if !yield(name) {
					return
				}
			}
		}
	})
	all := strings.Join(names, "\n")
	for _, part := range []string{"&", "'", `"`, "<", "🚀", "é", "ß", "Ł"} {
		if !strings.Contains(all, part) {
			t.Errorf("no name contains %s", part)
		}
	}
	for name, script := range map[string]*unicode.RangeTable{
		"Hebrew": unicode.Hebrew, "Arabic": unicode.Arabic, "Greek": unicode.Greek, "Han": unicode.Han, "Katakana": unicode.Katakana, "Devanagari": unicode.Devanagari,
	} {
		if !strings.ContainsFunc(all, func(r rune) bool { return unicode.Is(script, r) }) {
			t.Errorf("no name in %s", name)
		}
	}
}

func TestInventedPeopleOnly(t *testing.T) {
	t.Parallel()
	email := regexp.MustCompile(`^[a-z0-9.-]+@[a-z0-9-]+\.example$`)
	phone := regexp.MustCompile(`555[ -]?01\d\d$|^\+44 (20 7946|113 496|161 496) 0\d{3}$|^\+61 [27] 5550 \d{4}$|` +
		`^\+49 (30 23125|221 4710) \d{3}$|^\+33 (1 99 00|4 65 71) \d\d \d\d$|^\+46 8 465 004 \d\d$`)
	s, _ := survey(t)
	for suffix, form := range map[string]*regexp.Regexp{".email": email, ".phoneNumber": phone, "[].elin": regexp.MustCompile(`^142555501\d\d$|^reception-elin$`)} {
		for path, values := range s {
			if !strings.HasSuffix(path, suffix) {
				continue
			}
			for value := range values {
				if value != "text" && value != "<nil>" && !form.MatchString(value) {
					t.Errorf("%s has the value %q", path, value)
				}
			}
		}
	}
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	s, _ := survey(t)
	forms := map[string]*regexp.Regexp{
		"seven digits": regexp.MustCompile(`\.\d{7}Z$`), "five digits": regexp.MustCompile(`\.\d{5}Z$`), "one digit": regexp.MustCompile(`\.\dZ$`),
		"no fraction": regexp.MustCompile(`:\d\dZ$`), "offset": regexp.MustCompile(`\+00:00$`),
	}
	trailing := regexp.MustCompile(`\.\d*0(Z|\+)`)
	for text := range s[".consentedOn"] {
		if trailing.MatchString(text) {
			t.Errorf("%s has trailing zeros", text)
		}
		for name, form := range forms {
			if form.MatchString(text) {
				delete(forms, name)
			}
		}
	}
	for name := range forms {
		t.Errorf("no timestamp with %s", name)
	}
}

// TestTwins checks that about 2 % of the tenants have twins: a direct lead and a
// later, consented lead.
func TestTwins(t *testing.T) {
	t.Parallel()
	type twin struct {
		TenantID     string
		IsDirectLead bool
		ConsentedOn  string
		Details      struct{ CompanyName string } `json:"contactDetails"`
	}
	first := map[string]twin{}
	pairs := 0
	for _, raw := range rows(t, sandbox.Options{})[4:] { // without the samples, whose twins are different
		var l twin
		decode(t, string(raw), &l)
		other, ok := first[l.TenantID]
		if !ok {
			first[l.TenantID] = l
			continue
		}
		pairs++
		if !other.IsDirectLead || l.IsDirectLead || other.ConsentedOn > l.ConsentedOn {
			t.Errorf("tenant %s: not a direct lead and a later consented one", l.TenantID)
		}
		if name := other.Details.CompanyName; name != "" && name != l.Details.CompanyName {
			t.Errorf("tenant %s: two companies", l.TenantID)
		}
	}
	if pairs != 40 {
		t.Errorf("%d pairs among 2,000 leads", pairs)
	}
}
