// Package lead defines Operator Connect leads: customers who have consented, in Teams
// or through their operator, to get telephony from a service provider.
//
// Leads are shared between requests without copying, so they must not be changed
// once they have been passed on. A text that may be absent is a pointer; nil means
// that the platform sent null or nothing. A time is absent if it is zero, because the
// platform itself writes year 1 for "unset". A collection is absent if it is empty,
// because the platform sends both null and [].
//
// The meaning of each field comes from the AudioCodes pages "Get Specific OC Lead for
// Customer" (SEED, GSL) and "Get All OC Leads" (GAL). Leads contain personal data, so
// nothing in this package formats a lead for a log.
package lead

import (
	"encoding/json"
	"time"
)

// Lead is one Operator Connect lead. Only ID and TenantID are always set.
type Lead struct {
	// ID is Live Platform's id of the lead: an opaque, unique text [SEED].
	ID string
	// TenantID is the customer's Microsoft tenant. It is not unique: a tenant can have
	// a consentless lead and a consented one.
	TenantID string
	// TenantOrigin can be any text. "Office365" is the only documented value.
	TenantOrigin *string
	// OperatorID is the operator that onboarded the customer.
	OperatorID *string
	// Status is StatusText mapped to the known set.
	Status Status
	// StatusText is the platform's text for the status. It is nil if absent.
	StatusText *string
	// IsDirectLead is true for a lead created without the customer's consent in
	// Teams ("consentless").
	IsDirectLead *bool
	// IsNotActive is passed through unchanged. Its name and its documentation
	// contradict each other [SEED], so nothing is derived from it.
	IsNotActive *bool
	// UMPCustomerGUID is set once a Live licence was applied. This is the reliable
	// sign that the lead became a customer.
	UMPCustomerGUID *string
	// ChannelID and OVOCChannelID are channel ids as text. The platform sends numbers
	// and texts. It sends 0 or "" if there is no channel, which is nil here.
	ChannelID     *string
	OVOCChannelID *string
	// Comments are the operator's remarks in the platform's order, oldest first.
	Comments []string
	// ConsentedOn and LastModifiedOn are in UTC, with the platform's precision of up to
	// 100 ns.
	ConsentedOn    time.Time
	LastModifiedOn time.Time
	// ConsentedCountries are ISO 3166-1 alpha-2 codes.
	ConsentedCountries []string
	ContactDetails     *ContactDetails
	Contacts           []Contact
	CivicAddresses     []CivicAddress

	// AsOf is when reading these values began. It is no field of the platform, so
	// lead/table.go does not list it. Package lookup, package catalogue and the reader
	// of single pages set it.
	AsOf time.Time
	// Age says of a lead that an operation shows whether it is as fresh as promised. Only
	// package graph sets it, in a copy.
	Age Age
}

// ReadAt returns AsOf in milliseconds, as answers show it.
func (l *Lead) ReadAt() time.Time { return l.AsOf.Truncate(time.Millisecond) }

// ContactDetails identifies the customer's contact person. Every field is personal or
// company data.
type ContactDetails struct {
	FullName    *string
	Email       *string
	PhoneNumber *string // free text, not E.164
	CompanyName *string
	CompanySize *string // an employee band such as L250_U999
}

// CompanySizeRange returns CompanySize as numbers; see ParseSizeRange.
func (d *ContactDetails) CompanySizeRange() *SizeRange { return ParseSizeRange(d.CompanySize) }

// Contact is a global administrator or service account of the customer.
type Contact struct {
	FullName    *string
	Email       *string
	PhoneNumber *string
	CompanyName *string
	CompanySize *string
	// Contacts is the platform's nested contacts, as compact JSON. Their shape is not
	// documented and has never been seen.
	Contacts json.RawMessage
}

// CompanySizeRange returns CompanySize as numbers; see ParseSizeRange.
func (c *Contact) CompanySizeRange() *SizeRange { return ParseSizeRange(c.CompanySize) }

// CivicAddress is an emergency address of the customer. The names of its fields come
// from GSL, their meanings from the parameters of Microsoft Teams with these names.
type CivicAddress struct {
	ID                string
	Country           *string // ISO 3166-1 alpha-2
	HouseNumber       *string
	HouseNumberSuffix *string
	PreDirectional    *string
	StreetName        *string
	StreetSuffix      *string
	PostDirectional   *string
	StateOrProvince   *string
	CountyOrDistrict  *string
	CityOrTown        *string
	CityOrTownAlias   *string
	PostalOrZipCode   *string
	Description       *string
	CompanyName       *string
	CompanyID         *string
	DefaultLocationID *string
	// ValidationStatus is ValidationStatusText mapped to the known set.
	ValidationStatus     ValidationStatus
	ValidationStatusText *string
	TenantID             *string
	PartnerID            *string
	Locations            []Location
}

// Location is a place inside a civic address.
type Location struct {
	ID             string
	CivicAddressID *string
	Description    *string
	AdditionalInfo *string // floor, wing, office
	IsDefault      *bool
	ELIN           *string // Emergency Location Identification Number, free text
}
