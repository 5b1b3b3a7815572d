// Package limits bounds the cost of an operation before any work is done for
// it.
//
// Check measures a document in time linear in its length, so that no later step
// meets a document that is expensive to validate: gqlparser compares fields
// with the same response name pairwise and walks each fragment again from each
// definition that reaches it. Rules ends validation after the first few errors.
// Estimate takes a valid operation and its variables and returns the most that
// answering it can cost, before the platform is called. The package does no I/O
// and knows the schema's root fields by name.
package limits

import (
	"cmp"
	"fmt"
)

// Document holds the limits of a document and its variables; zeros mean the
// defaults. In this package it also holds what was found in a document. The
// front-ends' documents, the documents that Relay and Apollo generate and the
// whole introspection query stay below the defaults. The most expensive known
// documents within the defaults take about 25 ms of CPU time and 7 MB to
// validate.
type Document struct {
	// Limits of the text.
	Bytes        int // bytes of the document
	Tokens       int // tokens of the document as the parser counts them, comments included
	NameLength   int // bytes of the longest name
	StringLength int // bytes of the longest string, in the document or the variables
	// Limits of the whole document, counting each fragment once.
	Operations  int
	Variables   int // variables declared by the operations
	Fragments   int // fragment definitions
	Spreads     int // fragment spreads and inline fragments
	InlineDepth int // nesting depth of inline fragments without a field between them
	Directives  int
	Aliases     int
	Values      int // list items and input fields, in the document or the variables
	ValueDepth  int // nesting depth of lists and input objects, in the document or the variables
	// Limits of the operations with every fragment expanded where it is spread.
	RootFields int // fields at the root of one operation
	Depth      int // nesting depth of fields
	Fields     int // selections of all operations together
	Repeats    int // fields that merge into one because they have the same response name and parent
	// Limit of validation: the selections, directives, arguments and values
	// that it visits, starting from each operation and each fragment and
	// entering each fragment once per start.
	Visits int
	// Limits below __schema and __type, which do not count above.
	IntrospectionDepth  int
	IntrospectionFields int
}

// Defaults of Document.
const (
	// DefaultBytes allows 1,000 tokens with deep indentation. Long inputs
	// belong in variables.
	DefaultBytes = 32 << 10
	// DefaultTokens is twice what a page of 25 fragments has and nine times
	// what all fields of a lead take.
	DefaultTokens = 1000
	// DefaultNameLength is well above the length of generated names.
	// Suggestions compare an unknown name with each known one, letter by
	// letter.
	DefaultNameLength = 128
	// DefaultStringLength is above every text that a field accepts: a search
	// has at most 200 characters of up to 4 bytes.
	DefaultStringLength = 1 << 10
	// DefaultOperations allows a playground document with several operations.
	DefaultOperations = 10
	// DefaultVariables is above the number of arguments of all fields of a
	// page.
	DefaultVariables = 50
	// DefaultFragments allows a page of 40 components as Relay generates it.
	DefaultFragments = 40
	// DefaultSpreads allows each fragment to be used more than twice.
	DefaultSpreads = 100
	// DefaultInlineDepth allows a type condition, a directive and one more.
	DefaultInlineDepth = 3
	// DefaultDirectives allows @include on each component of a page.
	DefaultDirectives = 50
	// DefaultAliases allows 20 aliased lookups and the aliases inside them.
	DefaultAliases = 30
	// DefaultValues allows 500 tenants and their filter. A list in a filter has
	// at most 1,000 values.
	DefaultValues = 2000
	// SubgraphValues is the default of Document.Values for a server that gateways ask: it
	// allows 1,000 representations with four members and their filter.
	SubgraphValues = 6000
	// DefaultValueDepth allows a filter of 5 levels, two each, and a list
	// inside.
	DefaultValueDepth = 12
	// DefaultRootFields allows 20 aliased lookups and a dashboard.
	DefaultRootFields = 30
	// DefaultVisits allows 400 selections in fragments nested ten deep. A page
	// of 25 fragments has 900 visits.
	DefaultVisits = 4000
	// DefaultDepth is four more than the depth of the schema.
	DefaultDepth = 10
	// DefaultFields allows 20 lookups of all fields of a lead, 1,460, twice.
	DefaultFields = 3000
	// DefaultRepeats allows each component of a row to select id and __typename
	// for itself. Validation compares them pairwise.
	DefaultRepeats = 40
	// DefaultIntrospectionDepth is the depth of the query of graphql-js, with
	// nine levels of ofType.
	DefaultIntrospectionDepth = 15
	// DefaultIntrospectionFields is twice the size of the same query.
	DefaultIntrospectionFields = 500
)

// Violation says which limit a request exceeds. Of the request it holds only
// numbers, so it may be shown to the client.
type Violation struct {
	// Limit is the stable name of the limit, for example "depth".
	Limit string
	// Max is the limit and Found what the request has. Found is a lower bound
	// where counting stopped early.
	Max, Found int
	unit       string
}

// Error returns the name of the limit, what was found and what is allowed.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %d %s, at most %d are allowed", v.Limit, v.Found, v.unit, v.Max)
}

// CheckOnline returns the violation of an operation with more lookups with
// checkOnline than are allowed, or nil.
func CheckOnline(found, most int) *Violation {
	return first([]bound{{"checkOnline", "lookups with checkOnline", most, found}})
}

// bound is a limit and what was found.
type bound struct {
	limit, unit string
	max, found  int
}

// first returns the first bound that is exceeded.
func first(bounds []bound) *Violation {
	for _, b := range bounds {
		if b.found > b.max {
			return &Violation{Limit: b.limit, Max: b.max, Found: b.found, unit: b.unit}
		}
	}
	return nil
}

// exceeded returns the first limit that is exceeded, or nil.
func (l Document) exceeded(found Document) *Violation {
	return first([]bound{
		{"bytes", "bytes", cmp.Or(l.Bytes, DefaultBytes), found.Bytes},
		{"tokens", "tokens", cmp.Or(l.Tokens, DefaultTokens), found.Tokens},
		{"nameLength", "bytes in a name", cmp.Or(l.NameLength, DefaultNameLength), found.NameLength},
		{"stringLength", "bytes in a string", cmp.Or(l.StringLength, DefaultStringLength), found.StringLength},
		{"operations", "operations", cmp.Or(l.Operations, DefaultOperations), found.Operations},
		{"variables", "variables", cmp.Or(l.Variables, DefaultVariables), found.Variables},
		{"fragments", "fragments", cmp.Or(l.Fragments, DefaultFragments), found.Fragments},
		{"spreads", "spreads and inline fragments", cmp.Or(l.Spreads, DefaultSpreads), found.Spreads},
		{"inlineDepth", "levels of inline fragments", cmp.Or(l.InlineDepth, DefaultInlineDepth), found.InlineDepth},
		{"directives", "directives", cmp.Or(l.Directives, DefaultDirectives), found.Directives},
		{"aliases", "aliases", cmp.Or(l.Aliases, DefaultAliases), found.Aliases},
		{"values", "values in lists and input objects", cmp.Or(l.Values, DefaultValues), found.Values},
		{"valueDepth", "levels of lists and input objects", cmp.Or(l.ValueDepth, DefaultValueDepth), found.ValueDepth},
		{"rootFields", "fields at the root", cmp.Or(l.RootFields, DefaultRootFields), found.RootFields},
		{"visits", "nodes reached from all operations and fragments", cmp.Or(l.Visits, DefaultVisits), found.Visits},
		{"depth", "levels", cmp.Or(l.Depth, DefaultDepth), found.Depth},
		{"fields", "selections with all fragments expanded", cmp.Or(l.Fields, DefaultFields), found.Fields},
		{"introspectionDepth", "introspection levels", cmp.Or(l.IntrospectionDepth, DefaultIntrospectionDepth), found.IntrospectionDepth},
		{"introspectionFields", "introspection selections", cmp.Or(l.IntrospectionFields, DefaultIntrospectionFields), found.IntrospectionFields},
		{"repeats", "fields that merge into one", cmp.Or(l.Repeats, DefaultRepeats), found.Repeats},
	})
}
