package lead

// OrderField is what leads are ordered by. The zero value is OrderAsRead.
type OrderField uint8

// The fields to order by.
const (
	// OrderAsRead is the platform's own order; it has no direction.
	OrderAsRead OrderField = iota
	OrderConsentedOn
	OrderLastModifiedOn
	// OrderCompanyName goes by the company in the contact details, in the
	// collation of the Unicode root locale: letters first, then accents, then
	// case. A blank name counts as none.
	OrderCompanyName
	// OrderStatus goes active, not active, suspended, removed, unknown.
	OrderStatus
	// OrderTenantID does not regard case.
	OrderTenantID

	OrderFields
)

// Order is a total order of leads: equal ones go by ascending id, those without
// a value come last, in both directions.
type Order struct {
	Field      OrderField
	Descending bool
}
