package graph

import (
	"strconv"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

func TestDocumentCacheIsBounded(t *testing.T) {
	t.Parallel()
	cache := newDocumentCache()
	often := &ast.QueryDocument{}
	cache.Add(t.Context(), "often", often)
	for i := range 10 * maxDocuments {
		cache.Add(t.Context(), strconv.Itoa(i), &ast.QueryDocument{})
		if got, known := cache.Get(t.Context(), "often"); !known || got != often {
			t.Fatalf("a document that is used often is gone after %d others", i)
		}
	}
	if size := cache.documents.EstimatedSize(); size > maxDocuments {
		t.Errorf("%d documents are kept, want at most %d", size, maxDocuments)
	}
}
