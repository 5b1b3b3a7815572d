package lead

// Fields is a set of parts of a lead, for readers that leave out what nobody
// asks for. ID and TenantID belong to every set. The zero value has nothing else.
type Fields uint64

// The parts of a lead. One bit stands for all of a contact or an address, since
// skipping a text costs nearly as much as reading it; locations have their own,
// because they are half of an address.
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
	FieldLocations      // has a meaning only beside FieldCivicAddresses

	endOfFields
)

// AllFields is the set of all parts.
const AllFields = endOfFields - 1

// Has tells whether f has every part of want.
func (f Fields) Has(want Fields) bool { return f&want == want }
