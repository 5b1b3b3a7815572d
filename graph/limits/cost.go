package limits

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/pagination"
)

// Cost is the most that an operation can cost. Values that would overflow are
// math.MaxInt.
type Cost struct {
	// UpstreamCalls is the number of calls to the platform, weighted by Rates.
	UpstreamCalls int
	// Rows is the number of leads that are read for this operation alone or
	// taken from the catalogue. It does not include reading the catalogue,
	// which serves everyone, nor the search for a cursor whose lead moved far.
	Rows int
	// Fields is the number of fields in the response. Introspection fields are
	// weighted by introspectionWeight. Each object to which a deferred fragment
	// adds something counts as pieceWeight more.
	Fields int
}

// An operation weighs one, and one more for each of these leads and calls. A weight
// of one is meant for 128 KiB: an operation with its request and response, the
// leads that it holds while they are rendered, and the buffers of its calls.
const (
	RowsPerWeight  = 32
	CallsPerWeight = 4
)

// Weight returns what the operation weighs in memory, compared with a small one.
func (c Cost) Weight() int { return 1 + c.Rows/RowsPerWeight + c.UpstreamCalls/CallsPerWeight }

// Rates hold what the cost depends on besides the operation; zeros mean the
// defaults.
type Rates struct {
	// LookupCalls is the number of calls needed to look up one tenant: 2 until
	// the number of the platform's first page is known, then 1.
	LookupCalls int
	// OnlineCalls is the weight of a lookup for which the platform asks
	// Microsoft.
	OnlineCalls int
	// CataloguePages is the number of calls that read all leads.
	CataloguePages int
	// DefaultPage and MaxPage are the rows of a page without first and last,
	// and the maximum of first and last. Their defaults are those of package
	// pagination.
	DefaultPage, MaxPage int
	// ListLength is the expected length of a list inside a lead or its counts.
	ListLength int
}

// Defaults of Rates.
const (
	DefaultLookupCalls = 2
	DefaultOnlineCalls = 5
	// DefaultCataloguePages is enough for 100,000 leads in the platform's
	// largest pages.
	DefaultCataloguePages = 5
	// DefaultListLength is for contacts, addresses and the locations of an
	// address.
	DefaultListLength = 3
)

// ChangesPerBatch is the maximum number of changes that a subscription sends at once.
const ChangesPerBatch = 100

// leadsPerTenant is the number of leads that a tenant can have: one created by
// the operator and one consented to by the customer.
const leadsPerTenant = 2

// introspectionWeight is the cost of an introspection field, counted in fields
// of leads. It takes gqlgen's executor about 1.4 µs and 800 bytes, while a
// compiled plan renders the fields of a lead.
const introspectionWeight = 20

// pieceWeight is the cost of a deferred fragment of an object, counted in
// fields of leads. Cutting it out and sending it after the rest takes about 10
// µs (BenchmarkDeferredPieces), so 4,000 of them fill the budget.
const pieceWeight = 75

// The calls that read a window: two pages and, with a cursor, up to twice two
// more to find its lead. See package pagination.
const (
	windowCalls = 2
	anchorCalls = 4
)

// Budget is the most that one operation may cost; zeros mean the defaults.
type Budget Cost

// Defaults of Budget.
const (
	// DefaultBudgetCalls allows 500 tenants at two calls each, a dashboard and
	// 20 lookups.
	DefaultBudgetCalls = 1200
	// DefaultBudgetRows allows a few of the largest pages.
	DefaultBudgetRows = 10_000
	// DefaultBudgetFields allows 1,000 leads with all their fields, about 5 MB,
	// or six times the standard introspection query.
	DefaultBudgetFields = 300_000
)

// withDefaults replaces zeros with the defaults.
func (b Budget) withDefaults() Budget {
	return Budget{
		UpstreamCalls: cmp.Or(b.UpstreamCalls, DefaultBudgetCalls),
		Rows:          cmp.Or(b.Rows, DefaultBudgetRows),
		Fields:        cmp.Or(b.Fields, DefaultBudgetFields),
	}
}

// Exceeds returns the first part of the budget that the cost exceeds, or nil.
func (c Cost) Exceeds(b Budget) *Violation {
	b = b.withDefaults()
	return first([]bound{
		{"upstreamCalls", "calls to the platform", b.UpstreamCalls, c.UpstreamCalls},
		{"rows", "rows", b.Rows, c.Rows},
		{"answerFields", "fields in the response", b.Fields, c.Fields},
	})
}

// Estimate returns the most that an operation can cost. The operation must be
// valid and its document within the limits, which bound the work of Estimate.
// The variables are those that validation coerced. Estimate assumes that @skip
// and @include skip nothing.
//
// A root field without a price costs the whole budget: it can run alone but not
// with anything else.
func Estimate(schema *ast.Schema, operation *ast.OperationDefinition, fragments ast.FragmentDefinitionList, variables map[string]any, rates Rates, budget Budget) Cost {
	e := estimate{
		schema: schema, variables: variables, lookups: map[lookup]bool{}, budget: budget.withDefaults(),
		rates: Rates{
			LookupCalls:    cmp.Or(rates.LookupCalls, DefaultLookupCalls),
			OnlineCalls:    cmp.Or(rates.OnlineCalls, DefaultOnlineCalls),
			CataloguePages: cmp.Or(rates.CataloguePages, DefaultCataloguePages),
			DefaultPage:    cmp.Or(rates.DefaultPage, pagination.DefaultSize),
			MaxPage:        cmp.Or(rates.MaxPage, pagination.DefaultMax),
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

// branch is one field of the response.
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

// lookup is one read of a tenant. Equal lookups of an operation are read once.
type lookup struct {
	by     string // the field that reads on its own, or empty
	tenant string
	online bool
}

type estimate struct {
	schema    *ast.Schema
	variables map[string]any
	rates     Rates
	lookups   map[lookup]bool
	budget    Budget
	catalogue bool // all leads are needed; they are read once for all fields
	cost      Cost
}

// answer adds the rows and fields of a root field's response. A list is taken
// to have that many items.
func (e *estimate) answer(field branch, rows, items int) {
	e.cost.Rows = add(e.cost.Rows, rows)
	of := 1
	if field.Definition.Type.Elem != nil {
		of = items
	}
	e.cost.Fields = add(e.cost.Fields, add(1, multiply(of, e.fields(field, items))))
}

// sized are the types whose lists are as long as the page that was asked for.
var sized = map[string]bool{"LeadConnection": true, "LeadChangeConnection": true, "LeadChangeBatch": true}

// lengths are the types whose lists have a maximum length of their own: leadgraph fills
// them, not the platform.
var lengths = map[string]int{"Timeline": 400, "LeadStats": 400}

// fields counts the fields below a parent. Lists of leads in it have that many
// items.
func (e *estimate) fields(parent branch, items int) int {
	total := multiply(pieceWeight, parent.pieces)
	for _, child := range parent.children {
		of := 1
		switch list, name := child.Definition.Type.Elem != nil, parent.Definition.Type.Name(); {
		case list && sized[name]:
			of = items
		case list:
			of = cmp.Or(lengths[name], e.rates.ListLength)
		}
		total = add(total, add(1, multiply(of, e.fields(child, items))))
	}
	return total
}

// argument returns the value of a field's argument, or nil if it is absent.
func (e *estimate) argument(field branch, name string) any {
	given := field.Arguments.ForName(name)
	if given == nil {
		return nil
	}
	value, err := given.Value.Value(e.variables)
	if err != nil {
		return nil // the executor refuses it before it uses it
	}
	return value
}

// List returns the items of an argument, which may have another type of slice than []any. A single value counts as a list of one.
func List(value any) []any {
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

// number returns a whole number from a literal or a variable.
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
	return math.MaxInt // unknown, so assume the maximum
}

// multiply returns the product of two counts, or math.MaxInt if it overflows.
func multiply(a, b int) int {
	if a != 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}
