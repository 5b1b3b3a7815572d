package lead

import (
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

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

	orderFields
)

// Order is a total order of leads: equal ones go by ascending id, those without
// a value come last, in both directions.
type Order struct {
	Field      OrderField
	Descending bool
}

// normal drops the direction where it has no meaning.
func (o Order) normal() Order {
	if o.Field == OrderAsRead {
		o.Descending = false
	}
	return o
}

// companyKeys returns the collation key of each lead's company name, "" for
// leads without one. Keys compare bytewise as the names do in the collation.
func companyKeys(leads []*Lead) []string {
	collator := collate.New(language.Und)
	var buffer collate.Buffer
	var all []byte
	ends := make([]int, len(leads))
	for row, l := range leads {
		if name := companyName(l); name != "" {
			all = append(all, collator.KeyFromString(&buffer, name)...)
			buffer.Reset()
		}
		ends[row] = len(all)
	}
	arena := string(all)
	keys := make([]string, len(leads))
	start := 0
	for row, end := range ends {
		keys[row] = arena[start:end]
		start = end
	}
	return keys
}

func companyName(l *Lead) string {
	if l.ContactDetails == nil || l.ContactDetails.CompanyName == nil {
		return ""
	}
	return strings.TrimSpace(*l.ContactDetails.CompanyName)
}
