package oracle

import (
	"slices"
	"strings"
	"time"
)

// Query selects and sorts the leads of a list.
type Query struct {
	Filter     Object // as the API takes it; nil if there is none
	Matches    func(*Row) bool
	Field      string // to sort by; empty for the platform's own order
	Descending bool
	// Tenants are the tenants of a filter that has no other condition. leadgraph
	// looks them up.
	Tenants []string
}

// FromCatalogue tells whether leadgraph answers the list from the catalogue even
// if no count is selected.
func (q Query) FromCatalogue() bool { return q.Filter != nil || q.Field != "" }

// idAlone is a field that clients cannot sort by: the order of ids.
const idAlone = "ID"

// Order returns the value of the argument orderBy, nil if there is none.
func (q Query) Order() any {
	if q.Field == "" {
		return nil
	}
	direction := "ASC"
	if q.Descending {
		direction = "DESC"
	}
	return Object{"field": q.Field, "direction": direction}
}

func (q Query) matches(r *Row) bool { return q.Matches == nil || q.Matches(r) }

// all returns the rows of a version that match the query, in its order.
func (q Query) all(v *version) []*Row {
	rows := make([]*Row, 0, len(v.rows))
	for _, r := range v.rows {
		if q.matches(r) {
			rows = append(rows, r)
		}
	}
	if q.Field != "" {
		slices.SortFunc(rows, q.compare)
	}
	return rows
}

// compare puts rows without a value last in both directions, and rows with equal
// values in the order of their ids.
func (q Query) compare(a, b *Row) int {
	x, y := q.key(a), q.key(b)
	switch {
	case x == y:
		return strings.Compare(a.ID, b.ID)
	case x == "":
		return 1
	case y == "":
		return -1
	case q.Descending:
		return strings.Compare(y, x)
	}
	return strings.Compare(x, y)
}

// key returns a text that sorts as the row's value does.
func (q Query) key(r *Row) string {
	moment := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format("2006-01-02T15:04:05.000000000")
	}
	switch q.Field {
	case "CONSENTED_ON":
		return moment(r.Consented)
	case "LAST_MODIFIED_ON":
		return moment(r.Modified)
	case "COMPANY_NAME":
		return r.company
	case "COUNTRY":
		if len(r.Countries) == 0 {
			return ""
		}
		return slices.Min(r.Countries)
	case "COMPANY_SIZE":
		return sizeKey(r.Size)
	case idAlone:
		return ""
	case "STATUS":
		return string(rune('a' + slices.Index(Statuses(), r.Status)))
	}
	return r.Tenant
}
