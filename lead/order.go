package lead

// OrderField is the field that leads are ordered by. The zero value is OrderAsRead.
type OrderField uint8

// The fields to order by.
const (
	// OrderAsRead is the platform's own order. It has no direction.
	OrderAsRead OrderField = iota
	OrderConsentedOn
	OrderLastModifiedOn
	// OrderCompanyName orders by the company name in the contact details, in the
	// collation of the Unicode root locale: letters first, then accents, then case.
	// Only the first 64 characters count, at most 192 bytes, and a blank name counts as
	// no value.
	OrderCompanyName
	// OrderStatus orders active, not active, suspended, removed, unknown.
	OrderStatus
	// OrderTenantID ignores case.
	OrderTenantID
	// OrderCompanySize orders by the employee band in the contact details: by its
	// smallest number, then by its largest. Codes that ParseSizeRange cannot interpret
	// come after all bands, by their first 16 bytes.
	OrderCompanySize
	// OrderCountry orders by the first of the consented countries in the alphabet.
	OrderCountry

	// OrderFields is the number of fields.
	OrderFields

	// OrderID orders by ascending id alone, which never changes. Clients cannot ask for it.
	OrderID = OrderFields
)

// MaxOrders is the maximum number of fields in an order.
const MaxOrders = 3

// Order orders leads by one field. In both directions, leads without a value come last.
// Leads with equal values are ordered by the next Order of a list, and in the end by
// ascending id. A cursor holds the values and the id, so all are cut to a fixed length
// before they are compared.
type Order struct {
	Field      OrderField
	Descending bool
}
