package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// maxDocuments is the maximum number of parsed documents in the cache: far more
// than the front-ends of one operator send. Each takes a few KiB.
const maxDocuments = 1000

// documentCache maps the texts of requests to parsed documents. When it is
// full, it keeps the documents that are requested often. It is safe for
// concurrent use.
//
// gqlgen coerces variables as gqlparser does, which differs from the
// specification, and it does so before any extension is called. It finds the
// variables in the definitions of the operation. The cache therefore takes them
// out of the document and hands them to inputCheck.
type documentCache struct {
	documents *otter.Cache[string, cachedDocument]
}

type cachedDocument struct {
	document *ast.QueryDocument
	declared declarations
}

// declarations are the variables of each operation of a document.
type declarations map[*ast.OperationDefinition]ast.VariableDefinitionList

var _ graphql.Cache[*ast.QueryDocument] = documentCache{}

func newDocumentCache() documentCache {
	return documentCache{otter.Must(&otter.Options[string, cachedDocument]{
		MaximumSize: maxDocuments,
		// Evict before Add returns, so that the bound holds however fast
		// documents arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Get implements graphql.Cache.
func (c documentCache) Get(ctx context.Context, text string) (*ast.QueryDocument, bool) {
	cached, known := c.documents.GetIfPresent(text)
	if known {
		declare(ctx, cached.declared)
	}
	return cached.document, known
}

// Add implements graphql.Cache. gqlgen calls it with a valid document before it
// uses the document.
func (c documentCache) Add(ctx context.Context, text string, document *ast.QueryDocument) {
	cached := cachedDocument{document, prepare(document)}
	c.documents.Set(text, cached)
	declare(ctx, cached.declared)
}

// declare hands the variables of a document to inputCheck.
func declare(ctx context.Context, declared declarations) {
	if graphql.HasOperationContext(ctx) {
		graphql.GetOperationContext(ctx).Stats.SetExtension(declaredVariables, declared)
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
