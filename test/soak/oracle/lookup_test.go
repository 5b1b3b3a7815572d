package oracle

import (
	"slices"
	"testing"
)

// A list of several tenants is in the platform's order or in that of ids, which also
// separates the leads of one tenant. A list of one tenant is in the platform's.
func TestOrderOfLeadsOfTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.current().rows[0]
	w.changeAt(t, w.when.Sent.Add(-20*1e9), func(t *testing.T, rows []*Row) []*Row {
		t.Helper()
		return append(rows, edited(t, first, Object{"id": "00000000-0000-4000-8000-00000000000a"})) // its id comes first, and it comes last
	})
	rows := w.current().rows
	last, other := rows[len(rows)-1], rows[1]
	page := func(rows ...*Row) string { return w.truth(t, w.page(rows, len(rows), false, false)) }
	several := TenantPage("leads", []string{first.Tenant, other.Tenant}, w.everything)
	w.accept(t, several, page(first, other, last))
	byID := []*Row{first, other, last}
	slices.SortFunc(byID, Query{Field: idAlone}.compare)
	w.accept(t, several, page(byID...))
	w.refuse(t, several, map[string]string{
		"no order":       page(other, last, first),
		"one is missing": page(first, other),
		"another tenant": page(first, other, rows[2], last),
	})
	one := TenantPage("leads", []string{first.Tenant}, w.everything)
	w.accept(t, one, page(first, last))
	w.refuse(t, one, map[string]string{"in the order of ids": page(last, first)})
}
