package reader

import "leadgraph/lead"

// member tells how the member of a JSON object with that name is read.
type member[T any] struct {
	name string
	// part is what it belongs to, to be skipped if that is not wanted; 0 is
	// always read.
	part lead.Fields
	// Read reads the value at i into x. It overwrites what a member of the same
	// name left there before: the last one counts, as in encoding/json.
	read func(p *parser, i int, x *T) int
	// path names the member in warnings.
	path string
}

// named sets the paths of the members of an object that is itself the member
// called parent.
func named[T any](parent string, members []member[T]) []member[T] {
	for n := range members {
		members[n].path = parent + members[n].name
	}
	return members
}

// textOf is a member of which any scalar is read as text.
func textOf[T any](name string, part lead.Fields, at func(*T) **string) member[T] {
	return member[T]{name: name, part: part, read: func(p *parser, i int, x *T) int { return p.optionalText(i, at(x)) }}
}

var leadMembers = named("", []member[lead.Lead]{
	{name: "id", read: func(p *parser, i int, l *lead.Lead) int { p.isLead = true; return p.plainText(i, &l.ID) }},
	{name: "tenantId", read: func(p *parser, i int, l *lead.Lead) int { p.isLead = true; return p.plainText(i, &l.TenantID) }},
	textOf("tenantOrigin", lead.FieldTenantOrigin, func(l *lead.Lead) **string { return &l.TenantOrigin }),
	textOf("operatorId", lead.FieldOperatorID, func(l *lead.Lead) **string { return &l.OperatorID }),
	{name: "status", part: lead.FieldStatus, read: (*parser).status},
	{name: "isDirectLead", part: lead.FieldIsDirectLead, read: func(p *parser, i int, l *lead.Lead) int { return p.boolean(i, &l.IsDirectLead) }},
	{name: "isNotActive", part: lead.FieldIsNotActive, read: func(p *parser, i int, l *lead.Lead) int { return p.boolean(i, &l.IsNotActive) }},
	textOf("umpCustomerGuid", lead.FieldUMPCustomerGUID, func(l *lead.Lead) **string { return &l.UMPCustomerGUID }),
	{name: "channelId", part: lead.FieldChannelID, read: func(p *parser, i int, l *lead.Lead) int { return p.channel(i, &l.ChannelID) }},
	{name: "ovocChannelId", part: lead.FieldOVOCChannelID, read: func(p *parser, i int, l *lead.Lead) int { return p.channel(i, &l.OVOCChannelID) }},
	{name: "comments", part: lead.FieldComments, read: (*parser).remarks},
	{name: "consentedOn", part: lead.FieldConsentedOn, read: func(p *parser, i int, l *lead.Lead) int { return p.moment(i, &l.ConsentedOn) }},
	{name: "lastModifiedOn", part: lead.FieldLastModifiedOn, read: func(p *parser, i int, l *lead.Lead) int { return p.moment(i, &l.LastModifiedOn) }},
	{name: "consentedCountries", part: lead.FieldConsentedCountries, read: (*parser).consentedCountries},
	{name: "contactDetails", part: lead.FieldContactDetails, read: (*parser).contactDetails},
	{name: "contacts", part: lead.FieldContacts, read: (*parser).contactList},
	{name: "civicAddresses", part: lead.FieldCivicAddresses, read: (*parser).addressList},
	{name: "data", read: (*parser).data}, // of an envelope
})

var detailsMembers = named("contactDetails.", []member[lead.ContactDetails]{
	textOf("fullName", 0, func(d *lead.ContactDetails) **string { return &d.FullName }),
	textOf("email", 0, func(d *lead.ContactDetails) **string { return &d.Email }),
	textOf("phoneNumber", 0, func(d *lead.ContactDetails) **string { return &d.PhoneNumber }),
	textOf("companyName", 0, func(d *lead.ContactDetails) **string { return &d.CompanyName }),
	textOf("companySize", 0, func(d *lead.ContactDetails) **string { return &d.CompanySize }),
})

var contactMembers = named("contacts.", []member[lead.Contact]{
	textOf("fullName", 0, func(c *lead.Contact) **string { return &c.FullName }),
	textOf("email", 0, func(c *lead.Contact) **string { return &c.Email }),
	textOf("phoneNumber", 0, func(c *lead.Contact) **string { return &c.PhoneNumber }),
	textOf("companyName", 0, func(c *lead.Contact) **string { return &c.CompanyName }),
	textOf("companySize", 0, func(c *lead.Contact) **string { return &c.CompanySize }),
	{name: "contacts", read: func(p *parser, i int, c *lead.Contact) int { return p.raw(i, &c.Contacts) }},
})

var addressMembers = named("civicAddresses.", []member[lead.CivicAddress]{
	{name: "id", read: func(p *parser, i int, a *lead.CivicAddress) int { return p.plainText(i, &a.ID) }},
	textOf("country", 0, func(a *lead.CivicAddress) **string { return &a.Country }),
	textOf("houseNumber", 0, func(a *lead.CivicAddress) **string { return &a.HouseNumber }),
	textOf("houseNumberSuffix", 0, func(a *lead.CivicAddress) **string { return &a.HouseNumberSuffix }),
	textOf("preDirectional", 0, func(a *lead.CivicAddress) **string { return &a.PreDirectional }),
	textOf("streetName", 0, func(a *lead.CivicAddress) **string { return &a.StreetName }),
	textOf("streetSuffix", 0, func(a *lead.CivicAddress) **string { return &a.StreetSuffix }),
	textOf("postDirectional", 0, func(a *lead.CivicAddress) **string { return &a.PostDirectional }),
	textOf("stateOrProvince", 0, func(a *lead.CivicAddress) **string { return &a.StateOrProvince }),
	textOf("countyOrDistrict", 0, func(a *lead.CivicAddress) **string { return &a.CountyOrDistrict }),
	textOf("cityOrTown", 0, func(a *lead.CivicAddress) **string { return &a.CityOrTown }),
	textOf("cityOrTownAlias", 0, func(a *lead.CivicAddress) **string { return &a.CityOrTownAlias }),
	textOf("postalOrZipCode", 0, func(a *lead.CivicAddress) **string { return &a.PostalOrZipCode }),
	textOf("description", 0, func(a *lead.CivicAddress) **string { return &a.Description }),
	textOf("companyName", 0, func(a *lead.CivicAddress) **string { return &a.CompanyName }),
	textOf("companyId", 0, func(a *lead.CivicAddress) **string { return &a.CompanyID }),
	textOf("defaultLocationId", 0, func(a *lead.CivicAddress) **string { return &a.DefaultLocationID }),
	{name: "validationStatus", read: (*parser).validationStatus},
	textOf("tenantId", 0, func(a *lead.CivicAddress) **string { return &a.TenantID }),
	textOf("partnerId", 0, func(a *lead.CivicAddress) **string { return &a.PartnerID }),
	{name: "locations", part: lead.FieldLocations, read: (*parser).locationList},
})

var locationMembers = named("civicAddresses.locations.", []member[lead.Location]{
	{name: "id", read: func(p *parser, i int, l *lead.Location) int { return p.plainText(i, &l.ID) }},
	textOf("civicAddressId", 0, func(l *lead.Location) **string { return &l.CivicAddressID }),
	textOf("description", 0, func(l *lead.Location) **string { return &l.Description }),
	textOf("additionalInfo", 0, func(l *lead.Location) **string { return &l.AdditionalInfo }),
	{name: "isDefault", read: func(p *parser, i int, l *lead.Location) int { return p.boolean(i, &l.IsDefault) }},
	textOf("elin", 0, func(l *lead.Location) **string { return &l.ELIN }),
})
