package oracle

import (
	"slices"
	"strings"
	"time"
)

// lookup returns the versions that a lookup of a tenant may show.
func (j *Judge) lookup(empty bool) []*version {
	age := j.remembered()
	if empty {
		age = j.ages.NoLead
	}
	return j.history.during(j.Sent.Add(-j.bound(age)), j.Answered)
}

// Lead checks lead(tenantId:).
func Lead(key, tenant string, selected Selection) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		if value != nil || !j.failed(key) {
			j.tenantRow(value, tenant, selected)
		}
	}}
}

// tenantRow checks the lead that is shown for a tenant. Null means that the
// tenant has none.
func (j *Judge) tenantRow(value any, tenant string, selected Selection) {
	versions := j.lookup(value == nil)
	id := ""
	if value != nil {
		r := j.row(value, selected, versions)
		if r == nil {
			return
		}
		id = r.ID
		if r.Tenant != tenant {
			j.fail("lead %s of tenant %s is shown for tenant %s", r.ID, r.Tenant, tenant)
		}
	}
	if !slices.ContainsFunc(versions, func(v *version) bool {
		best := preferred(v.tenants[tenant])
		return best == nil && id == "" || best != nil && best.ID == id
	}) {
		j.fail("lead %q is shown for tenant %s; it was not the tenant's at that time", id, tenant)
	}
}

// Lists checks leadsByTenantIds.
func Lists(key string, tenants []string, selected Selection) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		lists, answered := value.([]any)
		switch {
		case !answered && j.failed(key):
		case len(lists) != len(tenants):
			j.fail("%d lists for %d tenants", len(lists), len(tenants))
		default:
			for i, list := range lists {
				rows, answered := list.([]any)
				if answered {
					j.tenantRows(rows, tenants[i], selected, idsOf)
				} else if !j.failed(key, float64(i)) {
					j.fail("list %d is null without an error", i)
				}
			}
		}
	}}
}

// tenantRows checks a list of all leads of a tenant. Lists that compare returns the same
// for are equal.
func (j *Judge) tenantRows(values []any, tenant string, selected Selection, compare func([]*Row) []string) {
	versions := j.lookup(len(values) == 0)
	var rows []*Row
	for _, value := range values {
		r := j.row(value, selected, versions)
		if r == nil {
			return
		}
		if r.Tenant != tenant {
			j.fail("lead %s of tenant %s is shown for tenant %s", r.ID, r.Tenant, tenant)
		}
		rows = append(rows, r)
	}
	if !slices.ContainsFunc(versions, func(v *version) bool { return slices.Equal(compare(rows), compare(v.tenants[tenant])) }) {
		j.fail("tenant %s is shown with the leads %v, which it did not have at that time; now it has %v", tenant, idsOf(rows), idsOf(j.history.current().tenants[tenant]))
	}
}

// TenantPage checks leads(filter: {tenantId: …}), which leadgraph answers by
// lookups.
func TenantPage(key string, tenants []string, selected Selection) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		page, answered := value.(Object)
		if !answered {
			if !j.failed(key) {
				j.fail("%s is null without an error", key)
			}
			return
		}
		byTenant := map[string][]any{}
		var rows []*Row
		for _, node := range Elements(page["nodes"]) {
			id := Text(node.(Object)["id"])
			if states := j.history.states[id]; len(states) > 0 { // a lead keeps its tenant
				byTenant[states[0].Tenant] = append(byTenant[states[0].Tenant], node)
				rows = append(rows, states[0])
			}
		}
		if len(rows) != len(Elements(page["nodes"])) || page["totalCount"] != float64(len(rows)) {
			j.fail("the leads or their count is wrong")
		}
		if !j.listOrder(rows) {
			j.fail("the leads are neither in the platform's order nor in that of their ids")
		}
		tenants := slices.Compact(slices.Sorted(slices.Values(tenants)))
		// Only a list of one tenant is in the order of its lookup. Others are in that of ids or
		// of a catalogue, which may be older; listOrder has judged it.
		compare := idsOf
		if len(tenants) > 1 {
			compare = func(rows []*Row) []string { return slices.Sorted(slices.Values(idsOf(rows))) }
		}
		for _, tenant := range tenants {
			j.tenantRows(byTenant[tenant], tenant, selected, compare)
			delete(byTenant, tenant)
		}
		if len(byTenant) > 0 {
			j.fail("leads of other tenants are shown")
		}
	}}
}

// listOrder tells whether leads of tenants are in an order that their list may
// have: that of the platform, or of their ids.
func (j *Judge) listOrder(rows []*Row) bool {
	sorted := slices.IsSortedFunc(rows, func(a, b *Row) int { return strings.Compare(a.ID, b.ID) })
	w := Window{}
	for i := 0; !sorted && i+1 < len(rows); i++ {
		a, b, both := rows[i].ID, rows[i+1].ID, false
		if !slices.ContainsFunc(j.history.versions, func(v *version) bool {
			has := v.row(a) != nil && v.row(b) != nil
			both = both || has
			return has && w.inOrder(v, a, b)
		}) && both {
			return false
		}
	}
	return true
}

// checkLookedUp checks a page of the leads of tenants. Each tenant is looked up for
// itself, so that the page can show several moments.
func (w Window) checkLookedUp(j *Judge, key string, page Object) {
	versions := j.lookup(false)
	rows, complete := w.rows(j, page, versions)
	asOf := j.moment(page["asOf"])
	if asOf.Before(j.Sent.Add(-j.bound(j.remembered())-time.Millisecond)) || asOf.After(j.Answered) {
		j.fail("leads that were looked up between %v and %v claim to be from %v", j.Sent, j.Answered, asOf)
	}
	for _, r := range rows {
		if !w.matches(r) {
			j.fail("lead %s of tenant %s is shown, which was not asked for", r.ID, r.Tenant)
		}
	}
	if !complete || len(versions) > 1 {
		return
	}
	changed := !w.Since.IsZero() && len(j.history.during(w.Since, j.Answered)) > 1
	all := w.all(versions[0])
	misfit := w.misfit(page, rows, all, w.Count, changed)
	if misfit != "" && w.Field == "" {
		byID := w.Query
		byID.Field = idAlone
		misfit = w.misfit(page, rows, byID.all(versions[0]), w.Count, changed)
	}
	if misfit != "" {
		j.fail("%s: %s", key, misfit)
	}
}

// Online checks lead(tenantId:, checkOnline: true) for a lead that only Microsoft
// knows until then.
func Online(key, tenant string, r *Row, selected Selection) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		if value == nil {
			if !j.failed(key) {
				j.fail("null is shown for tenant %s, which Microsoft knows", tenant)
			}
			return
		}
		if found := j.row(value, selected, j.history.during(j.Sent, j.Answered)); found != r {
			j.fail("another lead is shown for tenant %s", tenant)
		}
	}}
}
