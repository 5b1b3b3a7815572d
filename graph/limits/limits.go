// Package limits bounds what one operation may cost, before it costs anything.
//
// Check measures a document in time linear in its length, so that nothing after
// it meets a document that is expensive to validate: gqlparser compares fields of
// one response name pairwise and walks each fragment again from each definition
// that reaches it. Rules ends validation with the first few errors. Estimate
// tells from a valid operation and its variables what answering it can take at
// most, before the platform is asked. The package does no I/O and knows the
// schema's root fields by name.
package limits

import (
	"cmp"
	"fmt"
)

// Document bound a document and its variables. What is zero stands for its
// default. The front-ends' documents, Relay's and Apollo's habits and the whole
// introspection query stay below the defaults; the most expensive documents within
// them that are known take some 25 ms of processor time and 7 MB to validate.
type Document struct {
	// Of the text.
	Bytes        int // bytes of the document
	Tokens       int // tokens of the document, each comment one of them, as the parser counts
	NameLength   int // bytes of the longest name
	StringLength int // bytes of the longest string, in the document or in the variables
	// Of the whole document, each fragment counted once.
	Operations  int
	Variables   int // variables that the operations declare
	Fragments   int // fragment definitions
	Spreads     int // fragment spreads and inline fragments
	InlineDepth int // inline fragments directly inside each other
	Directives  int
	Aliases     int
	Values      int // list items and input fields, in the document or in the variables
	ValueDepth  int // lists and input objects inside each other, likewise
	// Of the operations with every fragment put in where it is spread.
	RootFields int // fields of one operation's root
	Depth      int // fields inside each other
	Fields     int // all selections, of all operations together
	Repeats    int // fields that merge into one, because response name and place are the same
	// Of validation: selections, directives, arguments and values that it visits
	// from all operations and all fragments, entering each fragment once from each.
	Visits int
	// The same below __schema and __type, which do not count above.
	IntrospectionDepth  int
	IntrospectionFields int
}

// The defaults of Document.
const (
	// DefaultBytes holds 1,000 tokens with deep indentation; long inputs belong
	// into variables.
	DefaultBytes = 32 << 10
	// DefaultTokens is twice what a page of 25 fragments has, nine times what all
	// fields of a lead take.
	DefaultTokens = 1000
	// DefaultNameLength is well above generated names. Suggestions compare an
	// unknown name with each known one, letter by letter.
	DefaultNameLength = 128
	// DefaultStringLength is above each text that a field takes: a search has at
	// most 200 characters, of up to 4 bytes.
	DefaultStringLength = 1 << 10
	// DefaultOperations is for a playground's document that holds several.
	DefaultOperations = 10
	// DefaultVariables is above the number of all arguments of a page's fields.
	DefaultVariables = 50
	// DefaultFragments is for a page of that many components, as Relay generates
	// it.
	DefaultFragments = 40
	// DefaultSpreads lets each fragment be used more than twice.
	DefaultSpreads = 100
	// DefaultInlineDepth is for a type condition, a directive and one more.
	DefaultInlineDepth = 3
	// DefaultDirectives is for @include on each of a page's components.
	DefaultDirectives = 50
	// DefaultAliases is for 20 aliased lookups and the aliases within them.
	DefaultAliases = 30
	// DefaultValues is for 500 tenants and their filter; a list of a filter has at
	// most 1,000 values.
	DefaultValues = 2000
	// DefaultValueDepth is for a filter of 5 levels, two each, and a list inside.
	DefaultValueDepth = 12
	// DefaultRootFields is for 20 aliased lookups beside a dashboard.
	DefaultRootFields = 30
	// DefaultVisits is for 400 selections in fragments of fragments, ten deep; a page
	// of 25 fragments has 900.
	DefaultVisits = 4000
	// DefaultDepth is four more than the schema goes down.
	DefaultDepth = 10
	// DefaultFields is for 20 lookups of all fields of a lead, 1,460, twice.
	DefaultFields = 3000
	// DefaultRepeats is for the id and __typename that each of a row's components
	// selects for itself. Validation compares them pairwise.
	DefaultRepeats = 40
	// DefaultIntrospectionDepth is that of the query of graphql-js, with nine
	// levels of ofType.
	DefaultIntrospectionDepth = 15
	// DefaultIntrospectionFields is twice that of the same query.
	DefaultIntrospectionFields = 500
)

// Violation says which limit a request exceeds. It holds nothing of the request
// but numbers and may be shown to the client.
type Violation struct {
	// Limit is the stable name of the limit, for example depth.
	Limit string
	// Max is the limit, Found what the request has: at least that, where counting
	// on would have been work.
	Max, Found int
	unit       string
}

// Error names the limit, what was found and what is allowed.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %d %s, at most %d are allowed", v.Limit, v.Found, v.unit, v.Max)
}

// bound is one limit beside what was found.
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

// exceeded compares what was found with the limits.
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
		{"fields", "selections with all fragments put in", cmp.Or(l.Fields, DefaultFields), found.Fields},
		{"introspectionDepth", "levels of the schema", cmp.Or(l.IntrospectionDepth, DefaultIntrospectionDepth), found.IntrospectionDepth},
		{"introspectionFields", "selections of the schema", cmp.Or(l.IntrospectionFields, DefaultIntrospectionFields), found.IntrospectionFields},
		{"repeats", "fields for one place in the answer", cmp.Or(l.Repeats, DefaultRepeats), found.Repeats},
	})
}
