package reader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf16"

	"leadgraph/lead"
)

// ReferenceLeads reads an answer of the lead endpoint. It accepts an array of leads,
// arrays nested in it, null, a single lead, and an envelope with one of these. The error names the shape of the answer and never quotes content. A row
// that cannot be a lead is nil: see the package comment.
//
// It is the reference for Read: slow, but based on encoding/json.
func ReferenceLeads(data []byte) ([]*lead.Lead, Oddities, error) {
	d := decoder{odd: Oddities{}}
	if err := d.answer(data); err != nil {
		return nil, d.odd, err
	}
	return d.leads, d.odd, nil
}

// plainText returns the UTF-8 of a text in UTF-8 or UTF-16.
func plainText(data []byte) []byte {
	at := func(i int) int {
		if i < len(data) {
			return int(data[i])
		}
		return -1
	}
	high := -1 // the index of the high byte of each unit
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return data[3:]
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE, 0, 0}):
	case at(0) == 0xFF && at(1) == 0xFE || at(0) > 0 && at(1) == 0:
		high = 1
	case at(0) == 0xFE && at(1) == 0xFF || at(0) == 0 && at(1) > 0:
		high = 0
	}
	if high < 0 {
		return data
	}
	var units []uint16
	for i := 0; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i+high])<<8|uint16(data[i+1-high]))
	}
	if len(units) > 0 && units[0] == 0xFEFF {
		units = units[1:]
	}
	text := string(utf16.Decode(units))
	if len(data)%2 == 1 {
		text += "\uFFFD"
	}
	return []byte(text)
}

type decoder struct {
	leads []*lead.Lead
	odd   Oddities
	other bool // a list of the lead has another form
}

func (d *decoder) answer(data []byte) error {
	data = bytes.TrimLeft(plainText(data), " \t\r\n")
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

// object reads a single lead or an envelope.
func (d *decoder) object(data []byte) error {
	var whole json.RawMessage
	if err := unmarshal(data, &whole); err != nil {
		return err
	}
	found, err := d.holder(whole, 0)
	if err == nil && !found {
		err = errors.New("the body is an object that is neither a lead nor an envelope")
	}
	return err
}

var lists = map[string]bool{
	"data": true, "value": true, "values": true, "$values": true, "items": true, "results": true, "result": true,
	"records": true, "content": true, "leads": true, "rows": true, "d": true, "embedded": true,
}

// holder reads an object outside a list. It refuses one in which a value that may hold
// the leads precedes a member of a lead, because a reader that does not hold the whole
// body cannot recognize it in time.
func (d *decoder) holder(object []byte, depth int) (found bool, err error) {
	if depth > 3 {
		return false, errors.New("too many envelopes")
	}
	members := json.NewDecoder(bytes.NewReader(object))
	_, _ = members.Token() // the brace; the object is well-formed
	var none, scalar, isLead, isEnvelope bool
	for members.More() {
		token, _ := members.Token()
		name := foldName(token.(string))
		var value json.RawMessage
		_ = members.Decode(&value)
		holds := value[0] == '[' || value[0] == '{'
		switch {
		case name == "id" || name == "tenantid":
			if isEnvelope {
				return false, errors.New("an envelope that may be a lead")
			}
			isLead = true
		case !lists[name] || isLead:
		case !holds:
			if !isEnvelope {
				none, scalar = none || value[0] == 'n', scalar || value[0] != 'n'
			}
		case found:
			return false, errors.New("two lists")
		default:
			isEnvelope = true
			if value[0] == '[' {
				found, err = true, d.rows(value, 0)
			} else {
				found, err = d.holder(value, depth+1)
			}
			if err != nil {
				return false, err
			}
		}
	}
	switch {
	case isLead:
		return true, d.single(object)
	case found || none:
		return true, nil
	case scalar && !isEnvelope:
		return false, errors.New("a scalar in place of the list")
	}
	return false, nil
}

// foldName returns the name of a member as it is compared.
func foldName(name string) string {
	return strings.ToLower(strings.NewReplacer("\u017f", "s", "\u212a", "k").Replace(name))
}

// single reads a lead outside a list.
func (d *decoder) single(data []byte) error {
	if err := d.lead(data); err != nil {
		return err
	}
	if d.leads[0] == nil {
		return errors.New("the body is an object that is neither a lead nor an envelope")
	}
	return nil
}

// rows reads null, a lead, or an array of leads, which may be nested. Anything but an
// array is known to be well-formed.
func (d *decoder) rows(data json.RawMessage, depth int) error {
	switch data[0] {
	case 'n':
		if depth > 0 {
			d.leads = append(d.leads, nil)
		}
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
	if err := unmarshal(data, new(json.RawMessage)); err != nil {
		return err
	}
	var w wireLead
	if renamed, err := camel[wireLead](data); err != nil {
		return err
	} else if renamed != nil {
		if err := unmarshal(renamed, &w); err != nil {
			return err
		}
	}
	before := maps.Clone(d.odd)
	d.other = false
	status := d.text("status", w.Status)
	l := &lead.Lead{
		ID:                 d.plain("id", w.ID),
		TenantID:           usualGUID(d.plain("tenantId", w.TenantID)),
		TenantOrigin:       d.text("tenantOrigin", w.TenantOrigin),
		OperatorID:         d.id("operatorId", w.OperatorID),
		StatusText:         status,
		IsDirectLead:       d.boolean("isDirectLead", w.IsDirectLead),
		IsNotActive:        d.boolean("isNotActive", w.IsNotActive),
		UMPCustomerGUID:    d.guid("umpCustomerGuid", w.UMPCustomerGUID),
		ChannelID:          d.channel("channelId", w.ChannelID),
		OVOCChannelID:      d.channel("ovocChannelId", w.OVOCChannelID),
		Comments:           comments(w.Comments),
		ConsentedOn:        d.time("consentedOn", w.ConsentedOn),
		LastModifiedOn:     d.time("lastModifiedOn", w.LastModifiedOn),
		ConsentedCountries: d.countries("consentedCountries", w.ConsentedCountries),
		ContactDetails:     d.details(w.ContactDetails),
		Contacts:           convert(d, "contacts", w.Contacts, (*decoder).contact),
		CivicAddresses:     convert(d, "civicAddresses", w.CivicAddresses, (*decoder).address),
	}
	if status != nil {
		l.Status = lead.ParseStatus(*status)
	}
	id, tenant := strings.TrimSpace(l.ID), l.TenantID
	if id == "" || zeroGUID.MatchString(id) || zeroGUID.MatchString(tenant) || !guidD.MatchString(tenant) {
		d.leads, d.odd = append(d.leads, nil), before
		return nil
	}
	if d.other {
		l = nil
	}
	d.leads = append(d.leads, l)
	return nil
}

// A GUID in form D, and in one of the forms D, N, B and P.
var (
	guidD    = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	zeroGUID = regexp.MustCompile(`^\s*(0{32}|0{8}(-0{4}){3}-0{12}|\{0{8}(-0{4}){3}-0{12}\}|\(0{8}(-0{4}){3}-0{12}\))\s*$`)
	guidAny  = regexp.MustCompile(`^\s*(?:[{(]?([0-9A-Fa-f]{8})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{12})[)}]?|` +
		`([0-9A-Fa-f]{8})([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})([0-9A-Fa-f]{12}))\s*$`)
)

// usualGUID returns a GUID in form D, and any other text unchanged.
func usualGUID(text string) string {
	bare := strings.TrimSpace(text)
	if opens, closes := strings.ContainsAny(bare, "{("), strings.ContainsAny(bare, "})"); opens != closes ||
		strings.HasPrefix(bare, "{") != strings.HasSuffix(bare, "}") {
		return text
	}
	parts := guidAny.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	return strings.Trim(strings.Join(parts[1:6], "-")+strings.Join(parts[6:], "-"), "-")
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

func (d *decoder) details(l list[wireDetails]) *lead.ContactDetails {
	d.count("contactDetails", l.odd+l.early)
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
		ID:                   d.plainID("civicAddresses.id", w.ID),
		Country:              d.country("civicAddresses.country", w.Country),
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
		CompanyID:            d.id("civicAddresses.companyId", w.CompanyID),
		DefaultLocationID:    d.id("civicAddresses.defaultLocationId", w.DefaultLocationID),
		ValidationStatusText: status,
		TenantID:             d.id("civicAddresses.tenantId", w.TenantID),
		PartnerID:            d.id("civicAddresses.partnerId", w.PartnerID),
		Locations:            convert(d, "civicAddresses.locations", w.Locations, (*decoder).location),
	}
	if status != nil {
		a.ValidationStatus = lead.ParseValidationStatus(*status)
	}
	return a
}

func (d *decoder) location(w *wireLocation) lead.Location {
	return lead.Location{
		ID:             d.plainID("civicAddresses.locations.id", w.ID),
		CivicAddressID: d.id("civicAddresses.locations.civicAddressId", w.CivicAddressID),
		Description:    d.text("civicAddresses.locations.description", w.Description),
		AdditionalInfo: d.text("civicAddresses.locations.additionalInfo", w.AdditionalInfo),
		IsDefault:      d.boolean("civicAddresses.locations.isDefault", w.IsDefault),
		ELIN:           d.text("civicAddresses.locations.elin", w.ELIN),
	}
}
