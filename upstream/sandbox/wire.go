package sandbox

import "encoding/json"

// These types are the wire format of a lead. Fields have type any because the
// platform sends the same field as null, a string or a number. Nil omits a field
// with omitzero; null sends null. Like ASP.NET, encoding/json escapes &, < and >.

type wireLead struct {
	ID                 any `json:"id"`
	TenantID           any `json:"tenantId"`
	TenantOrigin       any `json:"tenantOrigin,omitzero"`
	OperatorID         any `json:"operatorId,omitzero"`
	Status             any `json:"status"`
	IsDirectLead       any `json:"isDirectLead"`
	IsNotActive        any `json:"isNotActive,omitzero"`
	UMPCustomerGUID    any `json:"umpCustomerGuid,omitzero"`
	ChannelID          any `json:"channelId,omitzero"`
	OVOCChannelID      any `json:"ovocChannelId"`
	Comments           any `json:"comments,omitzero"`
	ConsentedOn        any `json:"consentedOn"`
	LastModifiedOn     any `json:"lastModifiedOn"`
	ConsentedCountries any `json:"consentedCountries"`
	ContactDetails     any `json:"contactDetails"`
	Contacts           any `json:"contacts"`
	CivicAddresses     any `json:"civicAddresses"`
}

type wireContact struct {
	FullName    any `json:"fullName"`
	Email       any `json:"email"`
	PhoneNumber any `json:"phoneNumber,omitzero"`
	CompanyName any `json:"companyName,omitzero"`
	CompanySize any `json:"companySize,omitzero"`
	Contacts    any `json:"contacts,omitzero"`
}

type wireAddress struct {
	ID                any `json:"id"`
	Country           any `json:"country"`
	HouseNumber       any `json:"houseNumber"`
	HouseNumberSuffix any `json:"houseNumberSuffix,omitzero"`
	PreDirectional    any `json:"preDirectional,omitzero"`
	StreetName        any `json:"streetName"`
	StreetSuffix      any `json:"streetSuffix,omitzero"`
	PostDirectional   any `json:"postDirectional,omitzero"`
	StateOrProvince   any `json:"stateOrProvince,omitzero"`
	CountyOrDistrict  any `json:"countyOrDistrict,omitzero"`
	CityOrTown        any `json:"cityOrTown"`
	CityOrTownAlias   any `json:"cityOrTownAlias,omitzero"`
	PostalOrZipCode   any `json:"postalOrZipCode"`
	Description       any `json:"description,omitzero"`
	CompanyName       any `json:"companyName,omitzero"`
	CompanyID         any `json:"companyId,omitzero"`
	DefaultLocationID any `json:"defaultLocationId,omitzero"`
	ValidationStatus  any `json:"validationStatus"`
	TenantID          any `json:"tenantId,omitzero"`
	PartnerID         any `json:"partnerId,omitzero"`
	Locations         any `json:"locations"`
}

type wireLocation struct {
	ID             any  `json:"id"`
	CivicAddressID any  `json:"civicAddressId"`
	Description    any  `json:"description"`
	AdditionalInfo any  `json:"additionalInfo"`
	IsDefault      bool `json:"isDefault"`
	ELIN           any  `json:"elin"`
}

// null is sent as JSON null even with omitzero: unlike nil, it is not the zero
// value of any.
var null = (*json.RawMessage)(nil)

// textOrNull returns null for an empty string.
func textOrNull(s string) any {
	if s == "" {
		return null
	}
	return s
}
