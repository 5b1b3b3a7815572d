package reader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"leadgraph/lead"
)

// ReferenceLeads reads an answer of the lead endpoint. It accepts an array of leads,
// arrays nested in it, null, a single lead, and an object whose data is one of the
// first three. The error names the shape of the answer and never quotes content. A
// lead without id or tenantId is an error too: see the package comment.
//
// It is the reference for Read: slow, but based on encoding/json.
func ReferenceLeads(data []byte) ([]*lead.Lead, Oddities, error) {
	d := decoder{odd: Oddities{}}
	if err := d.answer(data); err != nil {
		return nil, d.odd, err
	}
	if d.noID > 0 || d.noTenant > 0 {
		return nil, d.odd, fmt.Errorf("of %d leads, %d lack an id and %d lack a tenantId",
			len(d.leads), d.noID, d.noTenant)
	}
	return d.leads, d.odd, nil
}

type decoder struct {
	leads          []*lead.Lead
	odd            Oddities
	noID, noTenant int
}

func (d *decoder) answer(data []byte) error {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return errors.New("the body is empty")
	}
	switch data[0] {
	case '<':
		return errors.New("the body is HTML or XML, not JSON")
	case '{':
		return d.object(data)
	case '[':
		return d.rows(data, 0)
	}
	var whole json.RawMessage
	if err := unmarshal(data, &whole); err != nil {
		return err
	}
	return d.rows(whole, 0)
}

// object reads a single lead or an envelope. It refuses an object whose data is an
// array that precedes a member of a lead or a second data, because a reader that does
// not hold the whole body cannot recognize it in time.
func (d *decoder) object(data []byte) error {
	var o struct {
		ID       json.RawMessage `json:"id"`
		TenantID json.RawMessage `json:"tenantId"`
		Data     json.RawMessage `json:"data"`
	}
	if err := unmarshal(data, &o); err != nil {
		return err
	}
	if ambiguous(data) {
		return errors.New("an envelope that may be something else")
	}
	switch {
	case o.ID != nil || o.TenantID != nil:
		return d.lead(data)
	case o.Data == nil:
		return errors.New("the body is an object that is neither a lead nor an envelope with data")
	case o.Data[0] == '{':
		return errors.New("the body is an envelope whose data is an object, not an array")
	}
	return d.rows(o.Data, 0)
}

func ambiguous(object []byte) bool {
	members := json.NewDecoder(bytes.NewReader(object))
	_, _ = members.Token() // the brace; the object is well-formed
	envelope := false
	for members.More() {
		name, _ := members.Token()
		var value json.RawMessage
		_ = members.Decode(&value)
		isData := strings.EqualFold(name.(string), "data")
		isLead := strings.EqualFold(name.(string), "id") || strings.EqualFold(name.(string), "tenantId")
		if isData || isLead {
			if envelope || isLead {
				return envelope
			}
			envelope = value[0] == '['
		}
	}
	return false
}

// rows reads null, a lead, or an array of leads, which may be nested. Anything but an
// array is known to be well-formed.
func (d *decoder) rows(data json.RawMessage, depth int) error {
	switch data[0] {
	case 'n':
		return nil
	case '{':
		return d.lead(data)
	case '[':
	default:
		if depth == 0 {
			return fmt.Errorf("the body is %s, not an array of leads", kindOf(data))
		}
		return fmt.Errorf("the array of leads holds %s", kindOf(data))
	}
	if depth == maxNesting {
		return fmt.Errorf("arrays are nested deeper than %d", maxNesting)
	}
	var elements []json.RawMessage
	if err := unmarshal(data, &elements); err != nil {
		return err
	}
	for _, element := range elements {
		if err := d.rows(element, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(data json.RawMessage) string {
	switch data[0] {
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

// unmarshal is json.Unmarshal with errors that do not quote their input.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("the body is not valid JSON: it ends early or has an error at byte %d", syntax.Offset)
	}
	return fmt.Errorf("the body cannot be read (%T)", err)
}

func (d *decoder) lead(data []byte) error {
	var w wireLead
	if err := unmarshal(data, &w); err != nil {
		return err
	}
	status := d.text("status", w.Status)
	l := &lead.Lead{
		ID:                 d.plain("id", w.ID),
		TenantID:           d.plain("tenantId", w.TenantID),
		TenantOrigin:       d.text("tenantOrigin", w.TenantOrigin),
		OperatorID:         d.text("operatorId", w.OperatorID),
		StatusText:         status,
		IsDirectLead:       d.boolean("isDirectLead", w.IsDirectLead),
		IsNotActive:        d.boolean("isNotActive", w.IsNotActive),
		UMPCustomerGUID:    d.text("umpCustomerGuid", w.UMPCustomerGUID),
		ChannelID:          d.channel("channelId", w.ChannelID),
		OVOCChannelID:      d.channel("ovocChannelId", w.OVOCChannelID),
		Comments:           comments(w.Comments),
		ConsentedOn:        d.time("consentedOn", w.ConsentedOn),
		LastModifiedOn:     d.time("lastModifiedOn", w.LastModifiedOn),
		ConsentedCountries: d.texts("consentedCountries", w.ConsentedCountries),
		ContactDetails:     d.details(w.ContactDetails),
		Contacts:           convert(d, "contacts", w.Contacts, (*decoder).contact),
		CivicAddresses:     convert(d, "civicAddresses", w.CivicAddresses, (*decoder).address),
	}
	if status != nil {
		l.Status = lead.ParseStatus(*status)
	}
	if strings.TrimSpace(l.ID) == "" {
		d.noID++
	}
	if strings.TrimSpace(l.TenantID) == "" {
		d.noTenant++
	}
	d.leads = append(d.leads, l)
	return nil
}

func (d *decoder) contact(w *wireContact) lead.Contact {
	return lead.Contact{
		FullName:    d.text("contacts.fullName", w.FullName),
		Email:       d.text("contacts.email", w.Email),
		PhoneNumber: d.text("contacts.phoneNumber", w.PhoneNumber),
		CompanyName: d.text("contacts.companyName", w.CompanyName),
		CompanySize: d.text("contacts.companySize", w.CompanySize),
		Contacts:    d.raw("contacts.contacts", w.Contacts),
	}
}

func (d *decoder) details(l list[wireContact]) *lead.ContactDetails {
	d.count("contactDetails", l.odd)
	if len(l.items) == 0 {
		return nil
	}
	w := &l.items[0]
	return &lead.ContactDetails{
		FullName:    d.text("contactDetails.fullName", w.FullName),
		Email:       d.text("contactDetails.email", w.Email),
		PhoneNumber: d.text("contactDetails.phoneNumber", w.PhoneNumber),
		CompanyName: d.text("contactDetails.companyName", w.CompanyName),
		CompanySize: d.text("contactDetails.companySize", w.CompanySize),
	}
}

func (d *decoder) address(w *wireAddress) lead.CivicAddress {
	status := d.text("civicAddresses.validationStatus", w.ValidationStatus)
	a := lead.CivicAddress{
		ID:                   d.plain("civicAddresses.id", w.ID),
		Country:              d.text("civicAddresses.country", w.Country),
		HouseNumber:          d.text("civicAddresses.houseNumber", w.HouseNumber),
		HouseNumberSuffix:    d.text("civicAddresses.houseNumberSuffix", w.HouseNumberSuffix),
		PreDirectional:       d.text("civicAddresses.preDirectional", w.PreDirectional),
		StreetName:           d.text("civicAddresses.streetName", w.StreetName),
		StreetSuffix:         d.text("civicAddresses.streetSuffix", w.StreetSuffix),
		PostDirectional:      d.text("civicAddresses.postDirectional", w.PostDirectional),
		StateOrProvince:      d.text("civicAddresses.stateOrProvince", w.StateOrProvince),
		CountyOrDistrict:     d.text("civicAddresses.countyOrDistrict", w.CountyOrDistrict),
		CityOrTown:           d.text("civicAddresses.cityOrTown", w.CityOrTown),
		CityOrTownAlias:      d.text("civicAddresses.cityOrTownAlias", w.CityOrTownAlias),
		PostalOrZipCode:      d.text("civicAddresses.postalOrZipCode", w.PostalOrZipCode),
		Description:          d.text("civicAddresses.description", w.Description),
		CompanyName:          d.text("civicAddresses.companyName", w.CompanyName),
		CompanyID:            d.text("civicAddresses.companyId", w.CompanyID),
		DefaultLocationID:    d.text("civicAddresses.defaultLocationId", w.DefaultLocationID),
		ValidationStatusText: status,
		TenantID:             d.text("civicAddresses.tenantId", w.TenantID),
		PartnerID:            d.text("civicAddresses.partnerId", w.PartnerID),
		Locations:            convert(d, "civicAddresses.locations", w.Locations, (*decoder).location),
	}
	if status != nil {
		a.ValidationStatus = lead.ParseValidationStatus(*status)
	}
	return a
}

func (d *decoder) location(w *wireLocation) lead.Location {
	return lead.Location{
		ID:             d.plain("civicAddresses.locations.id", w.ID),
		CivicAddressID: d.text("civicAddresses.locations.civicAddressId", w.CivicAddressID),
		Description:    d.text("civicAddresses.locations.description", w.Description),
		AdditionalInfo: d.text("civicAddresses.locations.additionalInfo", w.AdditionalInfo),
		IsDefault:      d.boolean("civicAddresses.locations.isDefault", w.IsDefault),
		ELIN:           d.text("civicAddresses.locations.elin", w.ELIN),
	}
}
