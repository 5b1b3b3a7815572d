// Package projection renders root fields of the GraphQL schema faster than the
// generated executor, and to the same bytes.
//
// The generated executor walks an answer with closures, maps and, for lists,
// goroutines, once for each field of each row. What it does differs from row to
// row only in the values. So a selection is compiled once into a plan, a list of
// steps such as "append `,"status":`, then append the lead's status", and the
// plan runs over all rows into one buffer:
//
//	table.go       which types and fields are covered, and where their values are
//	declare.go     checks the table against the schema
//	plan.go        selection → steps
//	write.go       how values become JSON
//	projection.go  the field middleware, and the plans that are kept
//	rows.go        connections whose leads are rendered while they are read
//
// The resolvers run as always. The middleware takes the value that a resolver
// answered and hands the executor a finished graphql.Marshaler in its place,
// which the executor writes as it is. It takes over only when the outcome is
// certain to be equal: whatever needs more than writing values, such as a field
// without a row in the table, @defer, or a null where the schema allows none,
// falls back to the executor by handing on the value itself. Where a connection
// falls back, its lists of leads are tried again on their own.
//
// The semantics of selections are the executor's own: merging, fragments, @skip
// and @include are graphql.CollectFields, arguments are coerced by the generated
// FieldContext. As @skip and @include depend on variables, a plan belongs to one
// combination of the operation's Boolean variables.
package projection

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// maxPlans bounds the plans that are kept. One usually takes a few KiB, and at
// the most about 30 KiB (see maxFields).
const maxPlans = 2000

// Projector renders the values of covered fields. It is safe for concurrent use.
type Projector struct {
	roots  map[*ast.FieldDefinition]root
	plans  planCache[plan]
	counts counters
	// What Rows needs.
	streamed *object[streamed]
	rowPlans planCache[rowPlan]
	free     buffers
}

// planKey says what a plan depends on besides the schema. It names the document
// by its text: pointers into it change when an extension rewrites it.
type planKey struct {
	document, operation string
	// path names the field and its parents by type and response name.
	path string
	// booleans are the values of the operation's Boolean variables, the only
	// ones that @skip, @include and @defer can take.
	booleans string
}

// New returns a Projector for the schema of the executor in which its
// Middleware is used. It fails if the schema has a covered field with another
// type, other arguments or, of an enum, other values.
func New(schema *ast.Schema) (*Projector, error) {
	roots, streamed, err := table(schema)
	if err != nil {
		return nil, err
	}
	return &Projector{roots: roots, plans: newPlanCache[plan](), streamed: streamed, rowPlans: newPlanCache[rowPlan]()}, nil
}

// planCache keeps up to maxPlans plans. When it is full it keeps those that are
// used often. It is safe for concurrent use.
type planCache[P any] struct{ plans *otter.Cache[planKey, *P] }

func newPlanCache[P any]() planCache[P] {
	return planCache[P]{otter.Must(&otter.Options[planKey, *P]{
		MaximumSize: maxPlans,
		// Evict before Add returns, so that the bound holds however fast plans come.
		Executor: func(evict func()) { evict() },
	})}
}

// Get returns the plan for a key, if it is kept.
func (c planCache[P]) Get(key planKey) (*P, bool) { return c.plans.GetIfPresent(key) }

// Add keeps a plan.
func (c planCache[P]) Add(key planKey, plan *P) { c.plans.Set(key, plan) }

// Middleware is a graphql.FieldMiddleware. Middlewares around it see a
// graphql.Marshaler in the place of a rendered value, and no middleware sees the
// fields below. Extensions may rewrite a document, but equal texts must become
// equal documents. When the context ends, a long list is given up with the
// context's error.
func (p *Projector) Middleware(ctx context.Context, next graphql.Resolver) (any, error) {
	value, err := next(ctx)
	field := graphql.GetFieldContext(ctx)
	root, covered := p.roots[field.Field.Definition]
	if !covered || value == nil || err != nil {
		return value, err
	}
	out := p.render(ctx, field, root, value)
	p.counts.add(out.problem)
	switch out.problem {
	case none:
		return out, nil
	case ended:
		return nil, ctx.Err()
	default:
		return value, nil
	}
}

// render answers an output with a problem if it cannot render the value.
func (p *Projector) render(ctx context.Context, field *graphql.FieldContext, root root, value any) (out *output) {
	out = &output{ctx: ctx, free: &p.free}
	defer func() {
		if recover() != nil { // the executor meets the same panic and reports it
			out.problem = panicked
		}
	}()
	plan := p.plan(ctx, field, root)
	if out.problem = plan.problem; out.problem == none {
		plan.run(out, field, value)
	}
	return out
}

func (p *Projector) plan(ctx context.Context, field *graphql.FieldContext, root root) *plan {
	op := graphql.GetOperationContext(ctx)
	key := planKey{op.RawQuery, op.Operation.Name, path(field), booleans(op)}
	if known, ok := p.plans.Get(key); ok {
		return known
	}
	compiled := compile(op, field.Field, root)
	p.plans.Add(key, compiled)
	return compiled
}

func path(field *graphql.FieldContext) string {
	names := field.Object + "." + field.Field.Alias
	for parent := field.Parent; parent != nil; parent = parent.Parent {
		if parent.Field.Field != nil {
			names = parent.Object + "." + parent.Field.Alias + "/" + names
		}
	}
	return names
}

func booleans(op *graphql.OperationContext) string {
	var values []byte
	for _, variable := range op.Operation.VariableDefinitions {
		if variable.Type.NamedType != "Boolean" {
			continue
		}
		switch op.Variables[variable.Variable] {
		case true:
			values = append(values, 't')
		case false:
			values = append(values, 'f')
		default:
			values = append(values, '-')
		}
	}
	return string(values)
}
