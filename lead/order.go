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
	// Only the first 64 characters count, and a blank name counts as no value.
	OrderCompanyName
	// OrderStatus orders active, not active, suspended, removed, unknown.
	OrderStatus
	// OrderTenantID ignores case.
	OrderTenantID

	// OrderFields is the number of fields.
	OrderFields

	// OrderID orders by ascending id alone, which never changes. Clients cannot ask for it.
	OrderID = OrderFields
)

// Order is a total order of leads. In both directions, leads with equal values are
// ordered by ascending id, and leads without a value come last. A cursor holds the
// value and the id, so both are cut to a fixed length before they are compared.
type Order struct {
	Field      OrderField
	Descending bool
}
