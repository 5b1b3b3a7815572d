package limits

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"

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

// orDefault replaces zeros by the defaults.
func (b Budget) orDefault() Budget {
	return Budget{
		UpstreamCalls: cmp.Or(b.UpstreamCalls, DefaultBudgetCalls),
		Rows:          cmp.Or(b.Rows, DefaultBudgetRows),
		Fields:        cmp.Or(b.Fields, DefaultBudgetFields),
	}
}

// Exceeds returns the first part of the budget that the cost exceeds, or nil.
func (c Cost) Exceeds(b Budget) *Violation {
	b = b.orDefault()
	return first([]bound{
		{"upstreamCalls", "calls to the platform", b.UpstreamCalls, c.UpstreamCalls},
		{"rows", "rows", b.Rows, c.Rows},
		{"answerFields", "fields in the answer", b.Fields, c.Fields},
	})
}

// Estimate returns what an operation can cost at most. The operation must be
// valid and its document within Document, which bounds the work; the variables are
// those that validation coerced. @skip and @include are taken to let everything
// in.
//
// A root field that has no price costs the whole budget, so that it can be
// refused but never run beside others for free.
func Estimate(schema *ast.Schema, operation *ast.OperationDefinition, fragments ast.FragmentDefinitionList, variables map[string]any, rates Rates, budget Budget) Cost {
	e := estimate{
		schema: schema, variables: variables, lookups: map[lookup]bool{}, budget: budget.orDefault(),
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
		e.root(operation.Operation, root)
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
	budget    Budget
	catalogue bool // all leads are needed; they are taken once for all fields
	cost      Cost
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
