package oracle

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Object is a decoded JSON object.
type Object = map[string]any

// Row is a lead as the platform holds it. Its fields are derived from the raw
// JSON by the oracle's own rules. Nothing of leadgraph's reader or vocabulary is
// used, so that the two cannot agree on an error.
type Row struct {
	ID, Tenant string // Tenant is in lower case
	Raw        Object

	Status              string
	Direct              *bool
	Customer            bool
	Countries, Channels []string
	Consented, Modified time.Time
	Emails              []string
	Size                string // band of employees
	Operator, Origin    string
	Addresses           []Address

	company string // collation key of the part of the name that counts; empty if there is no name
}

// Address is where a civic address is, and its validation status.
type Address struct{ Country, Status string }

// NewRow reads a lead in the platform's JSON.
func NewRow(text []byte) (*Row, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	r := &Row{}
	if err := decoder.Decode(&r.Raw); err != nil {
		return nil, err
	}
	r.ID, r.Tenant = Text(r.Raw["id"]), strings.ToLower(Text(r.Raw["tenantId"]))
	r.Status = statusOf(r.Raw["status"])
	if direct, known := r.Raw["isDirectLead"].(bool); known {
		r.Direct = &direct
	}
	r.Customer = Text(r.Raw["umpCustomerGuid"]) != ""
	for _, country := range Elements(r.Raw["consentedCountries"]) {
		r.Countries = append(r.Countries, Text(country))
	}
	for _, name := range []string{"channelId", "ovocChannelId"} {
		if id, known := channelOf(r.Raw[name]).(string); known {
			r.Channels = append(r.Channels, id)
		}
	}
	r.Consented, r.Modified = momentOf(r.Raw["consentedOn"]), momentOf(r.Raw["lastModifiedOn"])
	r.Operator, r.Origin = Text(r.Raw["operatorId"]), Text(r.Raw["tenantOrigin"])
	for _, address := range Elements(r.Raw["civicAddresses"]) {
		if address, known := address.(Object); known {
			r.Addresses = append(r.Addresses, Address{Text(address["country"]), validationOf(address["validationStatus"])})
		}
	}
	r.readContacts()
	return r, nil
}

// readContacts sets what follows from the contact details and the contacts.
func (r *Row) readContacts() {
	if details, known := r.Raw["contactDetails"].(Object); known {
		r.Size = Text(details["companySize"])
		if company := strings.TrimSpace(Text(details["companyName"])); company != "" {
			r.company = string(collate.New(language.Und).KeyFromString(new(collate.Buffer), company[:sorted(company)]))
		}
		r.Emails = append(r.Emails, strings.ToLower(Text(details["email"])))
	}
	for _, contact := range Elements(r.Raw["contacts"]) {
		if contact, known := contact.(Object); known {
			r.Emails = append(r.Emails, strings.ToLower(Text(contact["email"])))
		}
	}
}

// sorted returns the length of the part of a name that leads are sorted by: its
// first 64 characters.
func sorted(name string) int {
	characters := 0
	for at := range name {
		if characters == 64 {
			return at
		}
		characters++
	}
	return len(name)
}

func idsOf(rows []*Row) []string {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}
