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
			} {
				s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
				if got := s.Select(&lead.Filter{Search: c.search}, lead.Order{}).Total() == 1; got != c.want {
					t.Errorf("%q in the %s %q: %v", c.search, place, c.text, got)
				}
			}
		})
	}
}

func TestSearchLeavesOtherTexts(t *testing.T) {
	t.Parallel()
	l := &lead.Lead{
		ID: "needle", TenantID: "needle", Comments: []string{"needle"}, OperatorID: new("needle"),
		ContactDetails: &lead.ContactDetails{PhoneNumber: new("needle"), CompanySize: new("needle")},
		CivicAddresses: []lead.CivicAddress{{CompanyName: new("needle")}},
	}
	s := catalogue.Build([]*lead.Lead{l}, time.Time{}, nil)
	if s.Select(&lead.Filter{Search: "needle"}, lead.Order{}).Total() != 0 {
		t.Error("found in a field that is not searched")
	}
}
