// Package lead is leadgraph's own vocabulary of Operator Connect leads: the
// customers who consent, in Teams or through their operator, to get telephony
// from a service provider.
//
// Values are read-only once they have been handed out; they are shared between
// requests without copying. Where a text may be absent it is a pointer (nil
// means that the platform sent null or nothing); a time is absent when it is
// zero, because the platform itself writes year 1 for "unset"; a collection is
// absent when it is empty, because the platform sends null and [] alike.
//
// The meaning of each field comes from the AudioCodes pages "Get Specific OC
// Lead for Customer" (SEED, GSL) and "Get All OC Leads" (GAL). Leads hold
// personal data: nothing in this package formats a lead for a log.
package lead

import (
	"encoding/json"
	"time"
)

// Lead is one Operator Connect lead. Only ID and TenantID are always set.
type Lead struct {
	// ID is Live Platform's own id of the lead: an opaque, unique text [SEED].
	ID string
	// TenantID is the customer's Microsoft tenant. It is no key: a consentless
	// lead and a consented one of the same tenant coexist.
	TenantID string
	// TenantOrigin is an open text; "Office365" is the only documented value.
	TenantOrigin *string
	// OperatorID names the operator who onboarded the customer.
	OperatorID *string
	// Status is StatusText mapped to the known set.
	Status Status
	// StatusText is the status as the platform wrote it; empty if it sent none.
	StatusText string
	// IsDirectLead is true for a lead created without the customer's consent in
	// Teams ("consentless").
	IsDirectLead *bool
	// IsNotActive is passed through: its name and its documentation contradict
	// each other [SEED], so nothing is derived from it.
	IsNotActive *bool
	// UMPCustomerGUID is set once a Live licence was applied: the reliable sign
	// that the lead became a customer.
	UMPCustomerGUID *string
	// ChannelID and OVOCChannelID are channel ids as text; the platform sends
	// numbers, texts, 0 and "" and the last two mean no channel.
	ChannelID     *string
	OVOCChannelID *string
	// Comments are the operator's remarks, oldest first as the platform lists them.
	Comments []string
	// ConsentedOn and LastModifiedOn are in UTC with the platform's precision
	// (up to 100 ns).
	ConsentedOn    time.Time
	LastModifiedOn time.Time
	// ConsentedCountries are ISO 3166-1 alpha-2 codes.
	ConsentedCountries []string
	ContactDetails     *ContactDetails
	Contacts           []Contact
	CivicAddresses     []CivicAddress
}

// ContactDetails says whom to talk to at the customer. Every field is personal
// or company data.
type ContactDetails struct {
	FullName    *string
	Email       *string
	PhoneNumber *string // free text, not E.164
	CompanyName *string
	CompanySize *string // an employee band such as L250_U999
}

// CompanySizeRange is the employee band of CompanySize; see ParseSizeRange.
func (d *ContactDetails) CompanySizeRange() *SizeRange { return ParseSizeRange(d.CompanySize) }

// Contact is a global administrator or service account of the customer.
type Contact struct {
	FullName    *string
	Email       *string
	PhoneNumber *string
	CompanyName *string
	CompanySize *string
	// Contacts is what the platform nests here, as compact JSON: its shape is
	// undocumented and was never seen.
	Contacts json.RawMessage
}

// CompanySizeRange is the employee band of CompanySize; see ParseSizeRange.
func (c *Contact) CompanySizeRange() *SizeRange { return ParseSizeRange(c.CompanySize) }

// CivicAddress is an emergency address of the customer; names from GSL,
// meanings from the like-named parameters of Microsoft Teams.
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
