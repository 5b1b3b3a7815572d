package catalogue_test

import (
	"slices"
	"testing"
	"time"

	"leadgraph/lead/catalogue"

	gocmp "github.com/google/go-cmp/cmp"

	"leadgraph/lead"
)

func TestCompanyOrderIsLocaleNeutral(t *testing.T) {
	t.Parallel()
	// Letters decide first, then accents, then case; absent and blank come last.
	want := []string{
		"3Com", "cafe", "Cafe", "café", "Café", "Cafe Nord", "Łódź Transport", "Lucerne", "Øresund",
		"Österreich", "resume", "résumé", "Zürich", " \t", "-",
	}
	leads := make([]*lead.Lead, len(want))
	for i, name := range want {
		leads[i] = &lead.Lead{ID: string(rune('a' + i)), ContactDetails: &lead.ContactDetails{CompanyName: &name}}
	}
	leads[len(leads)-1].ContactDetails = nil
	names := func(o lead.Order) []string {
		var got []string
		for _, l := range catalogue.Build(leads, time.Time{}, nil).Select(nil, o).Slice(0, len(leads)) {
			got = append(got, want[l.ID[0]-'a'])
		}
		return got
	}
	if diff := gocmp.Diff(want, names(lead.Order{Field: lead.OrderCompanyName})); diff != "" {
		t.Error(diff)
	}
	named := len(want) - 2
	slices.Reverse(want[:named])
	for i := range leads[:named] {
		leads[i].ContactDetails.CompanyName = &want[i]
	}
	if diff := gocmp.Diff(want, names(lead.Order{Field: lead.OrderCompanyName, Descending: true})); diff != "" {
		t.Error(diff)
	}
}
