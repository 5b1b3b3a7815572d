package compiled

import (
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/documents"
	"leadgraph/graph/limits"
	"leadgraph/graph/projection"
	"leadgraph/lead"
)

// maxProgramBytes is what the programs in a cache may hold together, in bytes. Most
// hold a few KiB.
const maxProgramBytes = 4 << 20

// Options are what programs are compiled with. All are required; zeros of Rates and
// Budget mean their defaults.
type Options struct {
	Schema    *ast.Schema
	Projector *projection.Projector
	// Documents holds the documents that are valid and within the limits.
	Documents documents.Cache
	Rates     limits.Rates
	Budget    limits.Budget
	// PartsOf returns the parts of a lead that a root field shows or decides by.
	PartsOf func(*graphql.OperationContext, graphql.CollectedField) lead.Parts
}

// Cache keeps programs, and what is known not to be covered. It is bounded by what they
// hold, and safe for concurrent use.
type Cache struct {
	options  Options
	programs *otter.Cache[key, *Program] // nil if not covered
}

// key identifies an operation by the text of its document and its name, which is empty if
// the request does not choose one.
type key struct{ document, operation string }

// New returns an empty cache.
func New(o Options) *Cache {
	return &Cache{o, otter.Must(&otter.Options[key, *Program]{
		MaximumWeight: maxProgramBytes,
		Weigher: func(k key, p *Program) uint32 {
			const ofEntry = 256
			held := ofEntry + len(k.document) + len(k.operation)
			if p != nil {
				held += p.weight()
			}
			return uint32(min(held, math.MaxUint32))
		},
		// Evict before Find returns, so that the bound holds however fast documents
		// arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Find returns the program of an operation, or nil if the executor must answer it. The
// name chooses among the operations of a document, as in a request.
func (c *Cache) Find(document, name string) *Program {
	if known, ok := c.programs.GetIfPresent(key{document, name}); ok {
		return known
	}
	cached, ok := c.options.Documents.Lookup(document)
	if !ok {
		return nil
	}
	operation := cached.Document.Operations.ForName(name)
	if operation == nil {
		return nil
	}
	op := &graphql.OperationContext{RawQuery: cached.Text, Doc: cached.Document, Operation: operation, OperationName: name}
	program := compiler{c.options, op, cached.Variables(operation)}.compile()
	c.programs.Set(key{cached.Text, strings.Clone(name)}, program)
	return program
}
