package lead

import (
	"encoding/json"
	"time"
)

// Field describes one field of T, which is a Lead or a part of one. The tables below
// are the only list of the fields. Reading, rendering, copying, sharing, weighing and
// redaction are based on them.
type Field[T any] struct {
	// Name is the field's name in the schema and in the platform's JSON.
	Name string
	// Part is the part of a lead that must be read for the field. 0 means that the
	// field is always read.
	Part   Parts
	Traits Traits

	// One of these functions is set. It returns a pointer to the value. Nested visits
	// the fields of a value that has fields of its own. Same and Differ are set with it:
	// Same compares two such values, and Differ adds the fields in which they differ. It
	// returns false if the two cannot be compared field by field.
	Text     func(*T) *string
	Optional func(*T) **string
	Flag     func(*T) **bool
	Moment   func(*T) *time.Time
	Texts    func(*T) *[]string
	Raw      func(*T) *json.RawMessage
	Code     func(*T) *uint8
	Nested   func(Visitor, *T)
	Same     func(a, b *T) bool
	Differ   func(d *differences, a, b *T) bool

	at place // of the value in T
}

// Traits is a set of properties of a field.
type Traits uint8

const (
	// Personal marks personal data: names, e-mail addresses, phone numbers, streets,
	// and free texts, which can contain any of these. The schema marks it with @pii.
	Personal Traits = 1 << iota
	// Common marks texts that are equal in many leads, which share one copy.
	Common
	// Derived marks a field that is read together with another one. The platform's
	// JSON has no member for it.
	Derived
	// Searched marks texts that a search looks at. They are searched for callers who may
	// not read personal data too, unless they are also Personal.
	Searched
	// Dialled marks phone numbers, of which a search looks at the digits.
	Dialled
)

// Has reports whether t has all traits of want.
func (t Traits) Has(want Traits) bool { return t&want == want }

// Parts is a set of parts of a lead, for readers that leave out what is not needed.
// ID and TenantID belong to every set. The zero value has no other part.
type Parts uint64

// The parts of a lead. A contact or an address has one bit for all its fields,
// because skipping a text costs nearly as much as reading it. Locations have a bit of
// their own, because they are half of an address.
const (
	PartTenantOrigin Parts = 1 << iota
	PartOperatorID
	PartStatus // Status and StatusText
	PartIsDirectLead
	PartIsNotActive
	PartUMPCustomerGUID
	PartChannelID
	PartOVOCChannelID
	PartComments
	PartConsentedOn
	PartLastModifiedOn
	PartConsentedCountries
	PartContactDetails
	PartContacts
	PartCivicAddresses // without their locations
	PartLocations      // has an effect only together with PartCivicAddresses

	endOfParts
)

// AllParts is the set of all parts.
const AllParts = endOfParts - 1

// Has reports whether p has every part of want.
func (p Parts) Has(want Parts) bool { return p&want == want }

// LeadFields are the fields of a lead. Replicas exchange leads in the order of the
// tables, so share.formatVersion must be increased when a table changes.
var LeadFields = located([]Field[Lead]{
	{Name: "id", Text: func(l *Lead) *string { return &l.ID }},
	{Name: "tenantId", Traits: Searched, Text: func(l *Lead) *string { return &l.TenantID }},
	{Name: "tenantOrigin", Part: PartTenantOrigin, Traits: Common, Optional: func(l *Lead) **string { return &l.TenantOrigin }},
	{Name: "operatorId", Part: PartOperatorID, Traits: Common, Optional: func(l *Lead) **string { return &l.OperatorID }},
	{Name: "status", Part: PartStatus, Code: func(l *Lead) *uint8 { return (*uint8)(&l.Status) }},
	{Name: "statusText", Part: PartStatus, Traits: Common | Derived, Optional: func(l *Lead) **string { return &l.StatusText }},
	{Name: "isDirectLead", Part: PartIsDirectLead, Flag: func(l *Lead) **bool { return &l.IsDirectLead }},
	{Name: "isNotActive", Part: PartIsNotActive, Flag: func(l *Lead) **bool { return &l.IsNotActive }},
	{Name: "umpCustomerGuid", Part: PartUMPCustomerGUID, Optional: func(l *Lead) **string { return &l.UMPCustomerGUID }},
	{Name: "channelId", Part: PartChannelID, Optional: func(l *Lead) **string { return &l.ChannelID }},
	{Name: "ovocChannelId", Part: PartOVOCChannelID, Optional: func(l *Lead) **string { return &l.OVOCChannelID }},
	{Name: "comments", Part: PartComments, Traits: Personal, Texts: func(l *Lead) *[]string { return &l.Comments }},
	{Name: "consentedOn", Part: PartConsentedOn, Moment: func(l *Lead) *time.Time { return &l.ConsentedOn }},
	{Name: "lastModifiedOn", Part: PartLastModifiedOn, Moment: func(l *Lead) *time.Time { return &l.LastModifiedOn }},
	{Name: "consentedCountries", Part: PartConsentedCountries, Traits: Common, Texts: func(l *Lead) *[]string { return &l.ConsentedCountries }},
	{Name: "contactDetails", Part: PartContactDetails, Nested: func(v Visitor, l *Lead) { walkOne(v, DetailsFields, &l.ContactDetails) },
		Same: func(a, b *Lead) bool { return sameOne(DetailsFields, a.ContactDetails, b.ContactDetails) },
		Differ: func(d *differences, a, b *Lead) bool {
			return differOne(d, "ContactDetails", DetailsFields, a.ContactDetails, b.ContactDetails)
		}},
	{Name: "contacts", Part: PartContacts, Nested: func(v Visitor, l *Lead) { walkList(v, ContactFields, &l.Contacts) },
		Same: func(a, b *Lead) bool { return sameList(ContactFields, a.Contacts, b.Contacts) },
		Differ: func(d *differences, a, b *Lead) bool {
			return differList(d, "Contact", ContactFields, a.Contacts, b.Contacts, func(_, _ *Contact) bool { return true }) // they have no ids
		}},
	{Name: "civicAddresses", Part: PartCivicAddresses, Nested: func(v Visitor, l *Lead) { walkList(v, AddressFields, &l.CivicAddresses) },
		Same: func(a, b *Lead) bool { return sameList(AddressFields, a.CivicAddresses, b.CivicAddresses) },
		Differ: func(d *differences, a, b *Lead) bool {
			return differList(d, "CivicAddress", AddressFields, a.CivicAddresses, b.CivicAddresses, func(x, y *CivicAddress) bool { return x.ID == y.ID })
		}},
})

// DetailsFields are the fields of the contact details.
var DetailsFields = located([]Field[ContactDetails]{
	{Name: "fullName", Traits: Personal | Searched, Optional: func(d *ContactDetails) **string { return &d.FullName }},
	{Name: "email", Traits: Personal | Searched, Optional: func(d *ContactDetails) **string { return &d.Email }},
	{Name: "phoneNumber", Traits: Personal | Dialled, Optional: func(d *ContactDetails) **string { return &d.PhoneNumber }},
	{Name: "companyName", Traits: Searched, Optional: func(d *ContactDetails) **string { return &d.CompanyName }},
	{Name: "companySize", Traits: Common, Optional: func(d *ContactDetails) **string { return &d.CompanySize }},
})

// ContactFields are the fields of a contact.
var ContactFields = located([]Field[Contact]{
	{Name: "fullName", Traits: Personal | Searched, Optional: func(c *Contact) **string { return &c.FullName }},
	{Name: "email", Traits: Personal | Searched, Optional: func(c *Contact) **string { return &c.Email }},
	{Name: "phoneNumber", Traits: Personal | Dialled, Optional: func(c *Contact) **string { return &c.PhoneNumber }},
	{Name: "companyName", Traits: Searched, Optional: func(c *Contact) **string { return &c.CompanyName }},
	{Name: "companySize", Traits: Common, Optional: func(c *Contact) **string { return &c.CompanySize }},
	{Name: "contacts", Traits: Personal, Raw: func(c *Contact) *json.RawMessage { return &c.Contacts }},
})

// AddressFields are the fields of a civic address.
var AddressFields = located([]Field[CivicAddress]{
	{Name: "id", Text: func(a *CivicAddress) *string { return &a.ID }},
	{Name: "country", Traits: Common, Optional: func(a *CivicAddress) **string { return &a.Country }},
	{Name: "houseNumber", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.HouseNumber }},
	{Name: "houseNumberSuffix", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.HouseNumberSuffix }},
	{Name: "preDirectional", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.PreDirectional }},
	{Name: "streetName", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.StreetName }},
	{Name: "streetSuffix", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.StreetSuffix }},
	{Name: "postDirectional", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.PostDirectional }},
	{Name: "stateOrProvince", Traits: Common, Optional: func(a *CivicAddress) **string { return &a.StateOrProvince }},
	{Name: "countyOrDistrict", Optional: func(a *CivicAddress) **string { return &a.CountyOrDistrict }},
	{Name: "cityOrTown", Traits: Searched, Optional: func(a *CivicAddress) **string { return &a.CityOrTown }},
	{Name: "cityOrTownAlias", Traits: Searched, Optional: func(a *CivicAddress) **string { return &a.CityOrTownAlias }},
	{Name: "postalOrZipCode", Traits: Searched, Optional: func(a *CivicAddress) **string { return &a.PostalOrZipCode }},
	{Name: "description", Traits: Personal, Optional: func(a *CivicAddress) **string { return &a.Description }},
	{Name: "companyName", Optional: func(a *CivicAddress) **string { return &a.CompanyName }},
	{Name: "companyId", Optional: func(a *CivicAddress) **string { return &a.CompanyID }},
	{Name: "defaultLocationId", Optional: func(a *CivicAddress) **string { return &a.DefaultLocationID }},
	{Name: "validationStatusText", Traits: Common | Derived, Optional: func(a *CivicAddress) **string { return &a.ValidationStatusText }},
	{Name: "tenantId", Optional: func(a *CivicAddress) **string { return &a.TenantID }},
	{Name: "partnerId", Traits: Common, Optional: func(a *CivicAddress) **string { return &a.PartnerID }},
	{Name: "validationStatus", Code: func(a *CivicAddress) *uint8 { return (*uint8)(&a.ValidationStatus) }},
	{Name: "locations", Part: PartLocations, Nested: func(v Visitor, a *CivicAddress) { walkList(v, LocationFields, &a.Locations) },
		Same: func(a, b *CivicAddress) bool { return sameList(LocationFields, a.Locations, b.Locations) },
		Differ: func(d *differences, a, b *CivicAddress) bool {
			return differList(d, "Location", LocationFields, a.Locations, b.Locations, func(x, y *Location) bool { return x.ID == y.ID })
		}},
})

// LocationFields are the fields of a location.
var LocationFields = located([]Field[Location]{
	{Name: "id", Text: func(l *Location) *string { return &l.ID }},
	{Name: "civicAddressId", Optional: func(l *Location) **string { return &l.CivicAddressID }},
	{Name: "description", Traits: Personal, Optional: func(l *Location) **string { return &l.Description }},
	{Name: "additionalInfo", Traits: Personal, Optional: func(l *Location) **string { return &l.AdditionalInfo }},
	{Name: "isDefault", Flag: func(l *Location) **bool { return &l.IsDefault }},
	{Name: "elin", Traits: Personal, Optional: func(l *Location) **string { return &l.ELIN }},
})
