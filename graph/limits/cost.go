package limits

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Cost is the most that an operation can take. Each is at most the greatest
// number.
type Cost struct {
	// UpstreamCalls is the number of calls to the platform, weighted by Rates.
	UpstreamCalls int
	// Rows is the number of leads that are read for the operation alone or given
	// out of the catalogue. Reading the catalogue itself serves everyone, and
	// neither that nor the search for a cursor's lead that moved far counts here.
	Rows int
	// Fields is the number of fields in the answer, those of the schema weighted by
	// introspectionWeight. A deferred fragment counts as pieceWeight more for each
	// object that it adds to.
	Fields int
}

// Rates are what the cost of an operation depends on besides the operation. What
// is zero stands for its default.
type Rates struct {
	// LookupCalls is the number of calls that looking up one tenant takes: 2 while
	// it is not known from where the platform counts its pages, then 1.
	LookupCalls int
	// OnlineCalls is the weight of a lookup for which the platform asks Microsoft.
	OnlineCalls int
	// CataloguePages is the number of calls that read all leads.
	CataloguePages int
	// DefaultPage and MaxPage are the rows of a page without first and last, and
	// the most that they may ask for.
	DefaultPage, MaxPage int
	// ListLength is how many objects a list inside a lead or its counts is
	// expected to have.
	ListLength int
}

// The defaults of Rates.
const (
	DefaultLookupCalls = 2
	DefaultOnlineCalls = 5
	// DefaultCataloguePages is for 100,000 leads in the platform's largest pages.
	DefaultCataloguePages = 5
	DefaultPage           = 50
	DefaultMaxPage        = 1000
	// DefaultListLength is for contacts, addresses, places in an address.
	DefaultListLength = 3
)

// leadsPerTenant is how many leads a tenant can have: one that the operator
// created and one that the customer consented to.
const leadsPerTenant = 2

// introspectionWeight is what a field of the schema costs in fields of leads: it
// takes gqlgen's executor some 1.4 µs and 800 bytes, a field of a lead is rendered
// by a compiled plan.
const introspectionWeight = 20

// pieceWeight is what a deferred fragment of an object costs in fields of leads:
// it takes some 10 µs to cut it out and to send it behind the rest
// (BenchmarkDeferredPieces), so that 4,000 of them fill the budget.
const pieceWeight = 75

// The calls that read a window: two pages, and with a cursor up to twice two more
// in search of its lead. See package pagination.
const (
	windowCalls = 2
	anchorCalls = 4
)

// Budget is what one operation may cost. What is zero stands for its default.
type Budget Cost

// The defaults of Budget.
const (
	// DefaultBudgetCalls is for 500 tenants at two calls each, a dashboard and 20
	// lookups.
	DefaultBudgetCalls = 1200
	// DefaultBudgetRows is for a few of the largest pages.
	DefaultBudgetRows = 10_000
	// DefaultBudgetFields is for 1,000 leads with all their fields, some 5 MB, or
	// six times the standard introspection query.
	DefaultBudgetFields = 300_000
)

// Exceeds returns the first part of the budget that the cost exceeds, or nil.
func (c Cost) Exceeds(b Budget) *Violation {
	return first([]bound{
		{"upstreamCalls", "calls to the platform", cmp.Or(b.UpstreamCalls, DefaultBudgetCalls), c.UpstreamCalls},
		{"rows", "rows", cmp.Or(b.Rows, DefaultBudgetRows), c.Rows},
		{"answerFields", "fields in the answer", cmp.Or(b.Fields, DefaultBudgetFields), c.Fields},
	})
}

// Estimate returns what an operation can cost at most. The operation must be
// valid and its document within Limits, which bounds the work; the variables are
// those that validation coerced. @skip and @include are taken to let everything
// in.
func Estimate(schema *ast.Schema, operation *ast.OperationDefinition, fragments ast.FragmentDefinitionList, variables map[string]any, rates Rates) Cost {
	e := estimate{
		schema: schema, variables: variables, lookups: map[lookup]bool{},
		rates: Rates{
			LookupCalls:    cmp.Or(rates.LookupCalls, DefaultLookupCalls),
			OnlineCalls:    cmp.Or(rates.OnlineCalls, DefaultOnlineCalls),
			CataloguePages: cmp.Or(rates.CataloguePages, DefaultCataloguePages),
			DefaultPage:    cmp.Or(rates.DefaultPage, DefaultPage),
			MaxPage:        cmp.Or(rates.MaxPage, DefaultMaxPage),
			ListLength:     cmp.Or(rates.ListLength, DefaultListLength),
		},
	}
	roots, pieces := branches(byName(fragments), operation.SelectionSet)
	e.cost.Fields = multiply(pieceWeight, pieces)
	for _, root := range roots {
		e.root(root)
	}
	for key := range e.lookups {
		calls := e.rates.LookupCalls
		if key.online {
			calls = e.rates.OnlineCalls
		}
		e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, calls)
	}
	if e.catalogue {
		e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, e.rates.CataloguePages)
	}
	return e.cost
}

// branch is one field of the answer.
type branch struct {
	*ast.Field
	children []branch
	pieces   int // deferred fragments among the children
}

func branches(fragments map[string]*ast.FragmentDefinition, sets ...ast.SelectionSet) (list []branch, pieces int) {
	places, pieces := merge(fragments, sets)
	list = make([]branch, len(places))
	for i, place := range places {
		children, pieces := branches(fragments, place.children...)
		list[i] = branch{place.field, children, pieces}
	}
	return list, pieces
}

// lookup is one read of a tenant: equal ones are made once.
type lookup struct {
	by     string // the field that makes it on its own, or nothing
	tenant string
	online bool
}

type estimate struct {
	schema    *ast.Schema
	variables map[string]any
	rates     Rates
	lookups   map[lookup]bool
	catalogue bool // all leads are needed; they are taken once for all fields
	cost      Cost
}

func (e *estimate) root(field branch) {
	switch field.Name {
	case "lead":
		online, _ := e.argument(field, "checkOnline").(bool)
		e.look("", e.argument(field, "tenantId"), online)
		e.answer(field, leadsPerTenant, 1)
	case "leadsByTenantIds":
		ids := list(e.argument(field, "tenantIds"))
		for _, id := range ids {
			e.look("", id, false)
		}
		rows := multiply(len(ids), leadsPerTenant)
		e.answer(field, rows, rows)
	case "leads":
		e.leads(field)
	case "leadStats":
		e.catalogue = true
		e.answer(field, 0, 1)
	case "node":
		e.catalogue = true
		e.answer(field, 1, 1)
	case "nodes":
		e.catalogue = true
		ids := list(e.argument(field, "ids"))
		e.answer(field, len(ids), len(ids))
	case "__schema", "__type":
		name, _ := e.argument(field, "name").(string)
		e.cost.Fields = add(e.cost.Fields, multiply(introspectionWeight, introspected(e.schema, field, name)))
	default: // __typename
		e.answer(field, 0, 1)
	}
}

// leads follows the three ways in which a page is read. Which one it is can
// depend on whether a condition is one: a blank search is none.
func (e *estimate) leads(field branch) {
	size := e.pageSize(field)
	filter, _ := e.argument(field, "filter").(map[string]any)
	tenants := list(filter["tenantId"])
	for _, id := range tenants {
		// Not by the operation's loader, so perhaps once more than for other fields.
		e.look(field.Alias, id, false)
	}
	rows := multiply(len(tenants), leadsPerTenant)
	if onlyTenants(filter) {
		e.answer(field, rows, min(rows, size))
		return
	}
	after, before := e.argument(field, "after") != nil, e.argument(field, "before") != nil
	ordered := e.argument(field, "orderBy") != nil
	fromEnd := e.argument(field, "last") != nil && !before
	if ordered || fromEnd || len(filter) > 0 || field.selects("totalCount") {
		e.catalogue = true
	}
	if ordered || fromEnd {
		rows = add(rows, size)
	} else { // also a page that could not be counted is read
		e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, windowCalls)
		if after || before {
			e.cost.UpstreamCalls = add(e.cost.UpstreamCalls, anchorCalls)
		}
		rows = add(rows, multiply(2, add(size, 2))) // a row on either side, at most doubled by the plan
	}
	e.answer(field, rows, size)
}

// onlyTenants reports whether a filter asks for tenants and nothing else.
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

// answer adds the rows and the fields that a root field answers with: of items
// leads, or once of anything else.
func (e *estimate) answer(field branch, rows, items int) {
	e.cost.Rows = add(e.cost.Rows, rows)
	of := 1
	if field.Definition.Type.Elem != nil {
		of = items
	}
	e.cost.Fields = add(e.cost.Fields, add(1, multiply(of, e.fields(field, items))))
}

// fields counts the fields below one, whose lists of leads have that many items.
func (e *estimate) fields(parent branch, items int) int {
	total := multiply(pieceWeight, parent.pieces)
	for _, child := range parent.children {
		of := 1
		switch list := child.Definition.Type.Elem != nil; {
		case list && parent.Definition.Type.Name() == "LeadConnection":
			of = items
		case list:
			of = e.rates.ListLength
		}
		total = add(total, add(1, multiply(of, e.fields(child, items))))
	}
	return total
}

// argument returns the value of a field's argument, nil where there is none.
func (e *estimate) argument(field branch, name string) any {
	given := field.Arguments.ForName(name)
	if given == nil {
		return nil
	}
	value, err := given.Value.Value(e.variables)
	if err != nil {
		return nil // refused before it is used
	}
	return value
}

// list returns the items of a list; a single value stands for a list of one.
func list(value any) []any {
	if value == nil {
		return nil
	}
	items := reflect.ValueOf(value)
	if items.Kind() != reflect.Slice {
		return []any{value}
	}
	all := make([]any, items.Len())
	for i := range all {
		all[i] = items.Index(i).Interface()
	}
	return all
}

// number reads a whole number as literals and variables have it.
func number(value any) int {
	switch n := value.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case json.Number:
		whole, _ := n.Int64()
		return int(whole)
	case float64:
		return int(n)
	}
	return math.MaxInt // not known, so the most that is allowed
}

// multiply is the product of two counts, at most the greatest number.
func multiply(a, b int) int {
	if a != 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}
