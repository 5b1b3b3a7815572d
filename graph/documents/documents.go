// Package documents keeps parsed documents, with what gqlgen must not see of them.
package documents

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/limits"
)

// maxDocumentBytes is what the parsed documents in the cache may hold together, in
// bytes. A query of every field of a lead holds about 10 KiB, so there is room for
// hundreds of documents of front-ends.
const maxDocumentBytes = 8 << 20

// Cache maps the texts of requests to parsed documents. It is bounded by what
// they hold. When it is full, it keeps the documents that are requested often. It is
// safe for concurrent use.
//
// gqlgen coerces variables as gqlparser does, which differs from the
// specification, and it does so before any extension is called. It finds the
// variables in the definitions of the operation. The cache therefore takes them
// out of the document and hands them to DeclaredBy.
type Cache struct {
	documents *otter.Cache[string, Cached]
}

// Cached is a document that is valid and within the limits. It is shared: do not change
// it.
type Cached struct {
	// Text does not retain the memory of a request, which can be much longer.
	Text     string
	Document *ast.QueryDocument
	declared declarations
	weight   uint32 // see limits.Weight
}

// Variables returns the variables that an operation of the document declares. They are
// not in its definition.
func (c Cached) Variables(operation *ast.OperationDefinition) ast.VariableDefinitionList {
	return c.declared[operation]
}

// declarations are the variables of each operation of a document.
type declarations map[*ast.OperationDefinition]ast.VariableDefinitionList

var _ graphql.Cache[*ast.QueryDocument] = Cache{}

// New returns an empty cache.
func New() Cache {
	return Cache{otter.Must(&otter.Options[string, Cached]{
		MaximumWeight: maxDocumentBytes,
		Weigher:       func(_ string, cached Cached) uint32 { return cached.weight },
		// Evict before Add returns, so that the bound holds however fast
		// documents arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Get implements graphql.Cache.
func (c Cache) Get(ctx context.Context, text string) (*ast.QueryDocument, bool) {
	cached, known := c.documents.GetIfPresent(text)
	if known {
		declare(ctx, cached.declared)
	}
	return cached.Document, known
}

// Lookup returns the document with this text, if it is cached.
func (c Cache) Lookup(text string) (Cached, bool) { return c.documents.GetIfPresent(text) }

// Own returns a text that does not retain the memory of a request: the copy in the cache
// if there is one. It reports whether the document with this text is cached.
func (c Cache) Own(text string) (own string, known bool) {
	if cached, known := c.documents.GetIfPresent(text); known {
		return cached.Text, true
	}
	return strings.Clone(text), false
}

// Add implements graphql.Cache. gqlgen calls it with a valid document before it
// uses the document.
func (c Cache) Add(ctx context.Context, text string, document *ast.QueryDocument) {
	declared := prepare(document)
	cached := Cached{text, document, declared, limits.Weight(text, document, declared)}
	c.documents.Set(text, cached)
	declare(ctx, cached.declared)
}

// declared is the key of the variables of a document in an operation's statistics, which
// are the only place that gqlgen offers for them.
const declared = "DeclaredVariables"

// DeclaredBy returns the variables that an operation declares.
func DeclaredBy(op *graphql.OperationContext) ast.VariableDefinitionList {
	of, _ := op.Stats.GetExtension(declared).(declarations)
	return of[op.Operation]
}

// declare hands the variables of a document to DeclaredBy.
func declare(ctx context.Context, variables declarations) {
	if graphql.HasOperationContext(ctx) {
		graphql.GetOperationContext(ctx).Stats.SetExtension(declared, variables)
	}
}

// prepare takes the declarations of variables out of a document and adapts its
// literals to gqlgen. It works on the only copy of the document.
func prepare(document *ast.QueryDocument) declarations {
	declared := declarations{}
	for _, operation := range document.Operations {
		declared[operation] = operation.VariableDefinitions
		operation.VariableDefinitions = nil
		prepareSet(operation.SelectionSet)
	}
	for _, fragment := range document.Fragments {
		prepareSet(fragment.SelectionSet)
	}
	return declared
}

func prepareSet(set ast.SelectionSet) {
	var directives ast.DirectiveList
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			directives = selected.Directives
			prepareArguments(selected.Arguments)
			prepareSet(selected.SelectionSet)
		case *ast.InlineFragment:
			directives = selected.Directives
			prepareSet(selected.SelectionSet)
		case *ast.FragmentSpread:
			directives = selected.Directives
		}
		for _, directive := range directives {
			prepareArguments(directive.Arguments)
		}
	}
}

func prepareArguments(arguments ast.ArgumentList) {
	for _, argument := range arguments {
		prepareValue(argument.Value)
	}
}

// prepareValue undoes two habits of gqlparser. A variable in a fragment would take
// the default that another operation declares for it, and the number of an ID
// would have to be a 64-bit integer.
func prepareValue(value *ast.Value) {
	value.VariableDefinition = nil
	if value.Kind == ast.IntValue && value.Definition != nil && value.Definition.Name == "ID" {
		value.Kind = ast.StringValue
	}
	for _, child := range value.Children {
		prepareValue(child.Value)
	}
}
