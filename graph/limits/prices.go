package limits

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/federation"
	"leadgraph/graph/pagination"
)

// A price adds the cost of a root field to an estimate.
type price func(*estimate, branch)

// prices holds the price of every root field, by kind of operation and field
// name; the root types may have any names. TestEveryRootFieldHasAPrice compares
// it with the schema.
var prices = map[ast.Operation]map[string]price{
	ast.Query: {
		"lead":             (*estimate).lead,
		"leadsByTenantIds": (*estimate).leadsByTenantIDs,
		"leads":            (*estimate).leads,
		"leadStats":        (*estimate).leadStats,
		"node":             (*estimate).node,
		"nodes":            (*estimate).nodes,
		"leadChanges":      (*estimate).leadChanges,
		"_entities":        (*estimate).entities,
		"_service":         (*estimate).service,
		"__schema":         (*estimate).introspection,
		"__type":           (*estimate).introspection,
		"__typename":       (*estimate).typeName,
	},
	ast.Mutation:     {"__typename": (*estimate).typeName},
	ast.Subscription: {"__typename": (*estimate).typeName, "leadChanges": (*estimate).watch},
}

func (e *estimate) root(kind ast.Operation, field branch) {
	if price, known := prices[kind][field.Name]; known {
		price(e, field)
		return
	}
	e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, e.budget.UpstreamCalls)
	e.cost.Rows = add(e.cost.Rows, e.budget.Rows)
	e.cost.Fields = add(e.cost.Fields, e.budget.Fields)
}

func (e *estimate) typeName(field branch) { e.answer(field, 0, 1) }

func (e *estimate) introspection(field branch) {
	name, _ := e.argument(field, "name").(string)
	e.cost.Fields = add(e.cost.Fields, multiply(introspectionWeight, introspected(e.schema, field, name)))
}

func (e *estimate) lead(field branch) {
	online, _ := e.argument(field, "checkOnline").(bool)
	e.look("", e.argument(field, "tenantId"), online)
	e.answer(field, leadsPerTenant, 1)
}

func (e *estimate) leadsByTenantIDs(field branch) {
	ids := List(e.argument(field, "tenantIds"))
	for _, id := range ids {
		e.look("", id, false)
	}
	rows := multiply(len(ids), leadsPerTenant)
	e.answer(field, rows, rows)
}

func (e *estimate) leadStats(field branch) {
	e.catalogue = true
	e.answer(field, 0, 1)
}

func (e *estimate) node(field branch) {
	id, _ := e.argument(field, "id").(string)
	e.objects(field, []federation.Key{federation.NodeKey(id)})
}

func (e *estimate) nodes(field branch) {
	ids := List(e.argument(field, "ids"))
	keys := make([]federation.Key, len(ids))
	for i := range ids {
		id, _ := ids[i].(string)
		keys[i] = federation.NodeKey(id)
	}
	e.objects(field, keys)
}

func (e *estimate) entities(field branch) {
	e.objects(field, federation.KeysOf(List(e.argument(field, "representations"))))
}

func (e *estimate) service(field branch) { e.answer(field, 0, 1) }

// objects adds the cost of objects: leads are in the catalogue, and so are tenants if there
// are too many of them.
func (e *estimate) objects(field branch, keys []federation.Key) {
	tenants, tooMany := federation.Lookups(keys)
	rows := 0
	for _, key := range keys {
		if key.Type == federation.Tenant {
			rows = add(rows, leadsPerTenant)
			continue
		}
		e.catalogue = true
		rows++
	}
	if tooMany {
		e.catalogue = true
	} else {
		for _, tenant := range tenants {
			e.look("", tenant, false)
		}
	}
	e.answer(field, rows, len(keys))
}

// leadChanges shows each lead of a page before and after the change.
func (e *estimate) leadChanges(field branch) {
	e.catalogue = true
	size := e.pageSize(field)
	e.answer(field, multiply(2, size), size)
}

// watch is the price of one batch: the server sends them at a pace of its own.
func (e *estimate) watch(field branch) {
	e.catalogue = true
	e.answer(field, 2*ChangesPerBatch, ChangesPerBatch)
}

// leads follows the three ways in which a page is read. Which one applies can
// depend on whether a condition selects anything: a blank search does not.
func (e *estimate) leads(field branch) {
	size := e.pageSize(field)
	filter, _ := e.argument(field, "filter").(map[string]any)
	tenants := List(filter["tenantId"])
	for _, id := range tenants {
		// These are not read by the operation's loader, so they may be read
		// once more than for other fields.
		e.look(field.Alias, id, false)
	}
	rows := multiply(len(tenants), leadsPerTenant)
	if onlyTenants(filter) {
		e.answer(field, rows, min(rows, size))
		return
	}
	after, before := e.argument(field, "after") != nil, e.argument(field, "before") != nil
	ordered := len(List(e.argument(field, "orderBy"))) > 0
	fromEnd := e.argument(field, "last") != nil && !before
	if ordered || fromEnd || len(filter) > 0 || field.selects("totalCount") || field.selects("changeCursor") {
		e.catalogue = true
	}
	if ordered || fromEnd {
		rows = add(rows, size)
	} else { // the page is read even if counting fails
		e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, windowCalls)
		if after || before {
			e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, anchorCalls)
		}
		rows = add(rows, multiply(2, add(size, pagination.RowsAround))) // at most doubled by the plan
	}
	e.answer(field, rows, size)
}

// onlyTenants reports whether a filter has a condition on tenants and no other.
func onlyTenants(filter map[string]any) bool {
	for name, condition := range filter {
		if name != "tenantId" && condition != nil {
			return false
		}
	}
	return filter["tenantId"] != nil
}

func (e *estimate) pageSize(field branch) int {
	for _, argument := range []string{"first", "last"} {
		if given := e.argument(field, argument); given != nil {
			return min(max(0, number(given)), e.rates.MaxPage)
		}
	}
	return min(e.rates.DefaultPage, e.rates.MaxPage)
}

func (b branch) selects(name string) bool {
	for _, child := range b.children {
		if child.Name == name {
			return true
		}
	}
	return false
}

func (e *estimate) look(by string, tenant any, online bool) {
	id, _ := tenant.(string)
	e.lookups[lookup{by, strings.ToLower(id), online}] = true
}
