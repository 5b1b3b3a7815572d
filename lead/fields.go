package lead

// Fields is a set of parts of a lead, for readers that leave out what is not needed.
// ID and TenantID belong to every set. The zero value has no other part.
type Fields uint64

// The parts of a lead. A contact or an address has one bit for all its fields,
// because skipping a text costs nearly as much as reading it. Locations have a bit of
// their own, because they are half of an address.
const (
	FieldTenantOrigin Fields = 1 << iota
	FieldOperatorID
	FieldStatus // Status and StatusText
	FieldIsDirectLead
	FieldIsNotActive
	FieldUMPCustomerGUID
	FieldChannelID
	FieldOVOCChannelID
	FieldComments
	FieldConsentedOn
	FieldLastModifiedOn
	FieldConsentedCountries
	FieldContactDetails
	FieldContacts
	FieldCivicAddresses // without their locations
	FieldLocations      // has an effect only together with FieldCivicAddresses

	endOfFields
)

// AllFields is the set of all parts.
const AllFields = endOfFields - 1

// Has reports whether f has every part of want.
func (f Fields) Has(want Fields) bool { return f&want == want }
