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
type documentCache struct {
	documents *otter.Cache[string, *ast.QueryDocument]
}

var _ graphql.Cache[*ast.QueryDocument] = documentCache{}

func newDocumentCache() documentCache {
	return documentCache{otter.Must(&otter.Options[string, *ast.QueryDocument]{
		MaximumSize: maxDocuments,
		// Evict before Add returns, so that the bound holds however fast
		// documents arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Get implements graphql.Cache.
func (c documentCache) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	return c.documents.GetIfPresent(text)
}

// Add implements graphql.Cache.
func (c documentCache) Add(_ context.Context, text string, document *ast.QueryDocument) {
	c.documents.Set(text, document)
}
