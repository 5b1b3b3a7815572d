package reader

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/lead"
)

// poison overwrites all memory that the next record may overwrite.
func (r *records[T]) poison() {
	spoil := func(b []byte) {
		for i := range b {
			b[i] = '#'
		}
	}
	spoil(r.buf[:r.pos]) // the bytes read last are the record itself
	spoil(r.unescaped[:cap(r.unescaped)])
	for _, texts := range [][]string{r.texts[:cap(r.texts)], r.comments[:cap(r.comments)], r.countries[:cap(r.countries)]} {
		for i := range texts {
			texts[i] = "poison"
		}
	}
	clear(r.contacts[:cap(r.contacts)])
	clear(r.addresses[:cap(r.addresses)])
	clear(r.locations[:cap(r.locations)])
	r.details = lead.ContactDetails{}
	var none T
	r.record = none
}

// By default each record is a copy: it does not change when the memory that it was
// read into is overwritten.
func TestRecordsAreCopies(t *testing.T) {
	t.Parallel()
	body := fullAnswer(t, 50)
	want, _, err := ReferenceLeads(body)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecords(Leads)
	var got []*lead.Lead
	_, err = r.read(bytes.NewReader(body), Options{Want: lead.AllParts}, func(l *lead.Lead) error {
		got = append(got, l)
		r.poison()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a lead refers to memory that was overwritten (-want +got):\n%s", diff)
	}
}

// This checks the test above: borrowed records do change.
func TestBorrowedRecordsAreNotCopies(t *testing.T) {
	t.Parallel()
	r := newRecords(Leads)
	_, err := r.read(bytes.NewReader(fullAnswer(t, 2)), Options{Want: lead.AllParts, Borrow: true}, func(l *lead.Lead) error {
		id := l.ID
		r.poison()
		if id[0] != '#' || l.ContactDetails != nil {
			t.Errorf("the poison does not reach a borrowed record: %.20q", id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fullAnswer returns an answer with n leads that have a value in every member. Some
// values need unescaping.
func fullAnswer(t *testing.T, n int) []byte {
	t.Helper()
	object := func(i int, members ...string) map[string]any {
		o := map[string]any{}
		for _, name := range members {
			o[name] = fmt.Sprintf("%s \u00e9 %d", name, i)
		}
		return o
	}
	names := func(lists ...[]string) (all []string) {
		for _, list := range lists {
			all = append(all, list...)
		}
		return all
	}
	var leads []map[string]any
	for i := range n {
		l := object(i, names(texts(lead.LeadFields))...)
		l["tenantId"] = someTenant
		l["status"], l["comments"], l["consentedCountries"] = "Active", []string{"one", "two \\ three"}, []string{"DE", "FR"}
		l["consentedOn"], l["lastModifiedOn"], l["isDirectLead"], l["isNotActive"] = "2024-04-03T13:32:12Z", "2024-04-04T13:32:12Z", true, false
		l["contactDetails"] = object(i, texts(lead.DetailsFields)...)
		l["contacts"] = []any{object(i, texts(lead.ContactFields)...), object(i+1000, texts(lead.ContactFields)...)}
		address := object(i, texts(lead.AddressFields)...)
		address["validationStatus"], address["country"] = "Validated", "US"
		address["locations"] = []any{object(i, texts(lead.LocationFields)...)}
		l["civicAddresses"] = []any{address}
		leads = append(leads, l)
	}
	body, err := json.Marshal(leads)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// texts returns the names of the fields that have one text.
func texts[T any](fields []lead.Field[T]) []string {
	var names []string
	for _, f := range fields {
		if (f.Text != nil || f.Optional != nil) && !f.Traits.Has(lead.Derived) {
			names = append(names, f.Name)
		}
	}
	return names
}
