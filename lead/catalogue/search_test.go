package catalogue_test

import (
	"testing"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, search string
		want               bool
	}{
		{"inside", "Contoso Ltd", "tos", true},
		{"case", "CONTOSO", "conToso", true},
		{"accent in the text", "Café Zürich", "cafe zurich", true},
		{"accent in the search", "Cafe Zurich", "Zürich", true},
		{"combining accent", "Cafe\u0301", "café", true},
		{"stroke", "Łódź Ørsted", "lodz orsted", true},
		{"sharp s", "Straße", "STRASSE", true},
		{"capital sharp s", "STRAẞE", "straße", true},
		{"ligature", "Œuvre ﬁnale", "oeuvre finale", true},
		{"dotted capital i", "İstanbul", "istanbul", true},
		{"dotless i", "Işık", "isik", true},
		{"final sigma", "ΟΔΥΣΣΕΥΣ", "οδυσσευς", true},
		{"Greek accents", "Αθήνα", "αθηνα", true},
		{"Cyrillic", "МОСКВА", "москва", true},
		{"full width", "ＡＢＣ", "abc", true},
		{"no-break space", "Wide\u00a0World", "wide world", true},
		{"line break is a blank", "Wide\nWorld", "wide world", true},
		{"blanks around", "Contoso", "  contoso\t", true},
		{"broken encoding", "Cont\xffoso Ltd", "ltd", true},
		{"other word", "Contoso", "fabrikam", false},
		{"longer than the text", "Contoso", "contosos", false},
		{"blank is no condition", "", "  ", true},
		{"Hebrew points", "שָׁלוֹם", "שלום", true},
		{"Arabic vowel points", "مُحَمَّد", "محمد", true},
		{"Vietnamese", "Nguyễn Thị Hương", "nguyen thi huong", true},
		{"Hindi vowel sign", "दिल्ली", "दिल्ली", true},
		{"another Hindi vowel sign", "कुल", "कल", false},
		{"no Hindi vowel sign", "कल", "कुल", false},
		{"Tamil vowel sign", "தமிழ்", "தமழ", false},
		{"Bengali vowel sign", "কলি", "কলু", false},
		{"Thai vowel", "กิน", "กน", false},
		{"another Thai vowel", "กิน", "กุน", false},
		{"Thai tone", "ข้าว", "ขาว", false},
		{"Thai", "บริษัท ไทย", "ไทย", true},
		{"Korean", "한국전자", "전자", true},
		{"decomposed Korean", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국", true},
		{"half of a Korean syllable", "한국", "하", false},
		{"start of a Korean syllable", "각", "가", false},
		{"voiced kana", "がくせい", "かくせい", false},
		{"half-width kana", "ｶﾞｸ", "ガク", true},
		{"not across texts", "Contoso", "contoso\ndana", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for place, l := range map[string]*lead.Lead{
				"company":         {ContactDetails: &lead.ContactDetails{CompanyName: &c.text, FullName: new("Dana")}},
				"name":            {ContactDetails: &lead.ContactDetails{FullName: &c.text, Email: new("Dana")}},
				"email":           {ContactDetails: &lead.ContactDetails{Email: &c.text}, Contacts: []lead.Contact{{FullName: new("Dana")}}},
				"contact company": {Contacts: []lead.Contact{{CompanyName: &c.text, FullName: new("Dana")}}},
				"contact name":    {Contacts: []lead.Contact{{FullName: &c.text}, {FullName: new("Dana")}}},
				"contact email":   {Contacts: []lead.Contact{{Email: &c.text}, {FullName: new("Dana")}}},
				"town":            {CivicAddresses: []lead.CivicAddress{{CityOrTown: &c.text}}, Contacts: []lead.Contact{{FullName: new("Dana")}}},
				"alias":           {CivicAddresses: []lead.CivicAddress{{}, {CityOrTown: new("Dana"), CityOrTownAlias: &c.text}}},
				"postal code":     {CivicAddresses: []lead.CivicAddress{{PostalOrZipCode: &c.text}}},
				"tenant id":       {TenantID: c.text, Contacts: []lead.Contact{{FullName: new("Dana")}}},
			} {
				s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
				if got := s.Select(&lead.Filter{Search: c.search}, lead.Order{}).Total() == 1; got != c.want {
					t.Errorf("%q in the %s %q: %v", c.search, place, c.text, got)
				}
			}
		})
	}
}

func TestSearchFindsPhoneNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number, search string
		want           bool
	}{
		{"+1 (425) 555-0100", "4255550100", true},
		{"+1 (425) 555-0100", "1 425/555.01", true},
		{"14255550100", "(425) 555-0100", true},
		{"+1 425 555 0100", "+１４２５", true},
		{"+1 425 555 0100 ext. 7", "01007", true},
		{"+1 425 555 0100", "425 0100", false},
		{"+1 425 555 0100", "tel 425", false}, // letters
		{"+1 425 555 0100", "+", false},
		{"", "1", false},
	} {
		for place, l := range map[string]*lead.Lead{
			"details":  {ContactDetails: &lead.ContactDetails{PhoneNumber: &c.number}},
			"contacts": {Contacts: []lead.Contact{{PhoneNumber: new("999")}, {PhoneNumber: &c.number}}},
		} {
			s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
			if got := s.Select(&lead.Filter{Search: c.search}).Total() == 1; got != c.want {
				t.Errorf("%q in %q of the %s: %v", c.search, c.number, place, got)
			}
		}
	}
}

// Digits are only found in numbers, and not across two of them.
func TestPhoneNumbersStayApart(t *testing.T) {
	t.Parallel()
	l := &lead.Lead{
		ContactDetails: &lead.ContactDetails{PhoneNumber: new("12"), CompanyName: new("5-6")},
		Contacts:       []lead.Contact{{PhoneNumber: new("34"), Email: new("7-8")}},
	}
	s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
	for search, want := range map[string]int{"1-2": 1, "3 4": 1, "23": 0, "56": 0, "5-6": 1, "78": 0} {
		if got := s.Select(&lead.Filter{Search: search}).Total(); got != want {
			t.Errorf("%q: %d leads, want %d", search, got, want)
		}
	}
}

// Without the right to read personal data, no filter finds any.
func TestOpenFiltersFindNothingPersonal(t *testing.T) {
	t.Parallel()
	personal := &lead.Lead{
		ID: "personal", ContactDetails: &lead.ContactDetails{FullName: new("needle 7"), Email: new("needle 7"), PhoneNumber: new("777")},
		Contacts: []lead.Contact{{FullName: new("needle 7"), Email: new("needle 7"), PhoneNumber: new("777")}},
	}
	open := &lead.Lead{ID: "open", CivicAddresses: []lead.CivicAddress{{CityOrTown: new("Needle 7")}}}
	s := catalogue.Build([]*lead.Lead{personal, open}, time.Time{}, nil)
	for _, search := range []string{"needle", "7"} {
		for name, f := range map[string]*lead.Filter{
			"alone": {Search: search}, "and": {And: []*lead.Filter{nil, {Search: search}}}, "or": {Or: []*lead.Filter{{Search: search}}},
			"not not": {Not: &lead.Filter{Not: &lead.Filter{Search: search}}}, "with text": {Search: search, Text: lead.TextFilter{Starts: "needle"}},
		} {
			if view := s.Select(catalogue.Open(f)); view.Total() != 1 || !view.Has("open") {
				t.Errorf("%s: %d leads", name, view.Total())
			}
			if n := s.Select(f).Total(); n != 2 && name != "with text" {
				t.Errorf("%s, with the right: %d leads", name, n)
			}
		}
	}
	if catalogue.Open(nil) != nil || !catalogue.Empty(catalogue.Open(&lead.Filter{Search: " "})) {
		t.Error("a filter without a condition has got one")
	}
	if n := s.Select(catalogue.Open(&lead.Filter{Or: []*lead.Filter{}})).Total(); n != 0 {
		t.Errorf("none of no filters: %d leads", n)
	}
}

func TestSearchLeavesOtherTexts(t *testing.T) {
	t.Parallel()
	l := &lead.Lead{
		ID: "needle", Comments: []string{"needle"}, OperatorID: new("needle"),
		ContactDetails: &lead.ContactDetails{PhoneNumber: new("needle"), CompanySize: new("needle")},
		CivicAddresses: []lead.CivicAddress{{
			CompanyName: new("needle"), Description: new("needle"), StreetName: new("needle"), StateOrProvince: new("needle"), CountyOrDistrict: new("needle"),
		}},
	}
	s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
	if s.Select(&lead.Filter{Search: "needle"}, lead.Order{}).Total() != 0 {
		t.Error("found in a field that is not searched")
	}
}
