// Package projection renders root fields of the GraphQL schema faster than the
// generated executor, and to the same bytes.
//
// The generated executor builds a response with closures, maps and, for lists,
// goroutines, once for each field of each row. From row to row only the values
// differ. This package therefore compiles a selection once into a plan, a list
// of steps such as "append `,"status":`, then append the lead's status", and
// runs the plan over all rows into one buffer:
//
//	table.go       which types and fields are covered, and where their values are
//	declare.go     checks the table against the schema
//	plan.go        selection → steps
//	write.go       how values become JSON
//	projection.go  the field middleware and the cache of plans
//	texts.go       lists of changes that many subscribers get
//	rows.go        connections whose leads are rendered while they are read
//
// The resolvers run as usual. The middleware takes the value that a resolver
// returned and gives the executor a finished graphql.Marshaler instead, which
// the executor writes as it is. It does so only if the bytes are certain to be
// the same. Whatever needs more than writing values, such as a field that is
// not in the table, @defer, or a null where the schema allows none, falls back
// to the executor: the middleware returns the value itself. If a connection
// falls back, its lists of leads are tried again on their own.
//
// Selections have the executor's own semantics: graphql.CollectFields handles
// merging, fragments, @skip and @include, and the generated FieldContext
// coerces arguments. As @skip and @include depend on variables, a plan belongs
// to one combination of the operation's Boolean variables.
package projection

import (
	"context"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
)

// maxPlanBytes is what the plans in a cache may hold together, in bytes, including
// the texts of their documents. There are two caches. A plan usually holds a few KiB.
const maxPlanBytes = 4 << 20

// Projector renders the values of covered fields. It is safe for concurrent
// use.
type Projector struct {
	roots  map[*ast.FieldDefinition]root
	plans  planCache[*plan]
	counts counters
	// Used by Rows.
	streamed *object[streamed]
	rowPlans planCache[*rowPlan]
	free     buffers
	// texts are lists of changes that were rendered for one subscriber and may be for others.
	texts *texts
}

// planKey identifies a plan. It contains the text of the document, not a
// pointer to it, because extensions that rewrite a document change the
// pointers.
type planKey struct {
	document, operation string
	// path holds the field and its parents by type and response name.
	path string
	// booleans holds the values of the operation's Boolean variables, the only
	// ones that @skip, @include and @defer can use.
	booleans string
}

// New returns a Projector for the schema of the executor that uses its
// Middleware. It fails if a covered field of the schema has another type, other
// arguments or, for an enum, other values.
func New(schema *ast.Schema) (*Projector, error) {
	roots, streamed, err := table(schema)
	if err != nil {
		return nil, err
	}
	return &Projector{roots: roots, plans: newPlanCache[*plan](), streamed: streamed, rowPlans: newPlanCache[*rowPlan](), texts: newTexts()}, nil
}

// weighed is a plan that tells about how many bytes it holds.
type weighed interface{ weight() int }

// planCache keeps plans, which hold up to maxPlanBytes. When it is full, it keeps the
// plans that are used often. It is safe for concurrent use.
type planCache[P weighed] struct{ plans *otter.Cache[planKey, P] }

func newPlanCache[P weighed]() planCache[P] {
	return planCache[P]{otter.Must(&otter.Options[planKey, P]{
		MaximumWeight: maxPlanBytes,
		Weigher: func(key planKey, plan P) uint32 {
			held := heldByPlan + len(key.document) + len(key.operation) + len(key.path) + len(key.booleans) + plan.weight()
			return uint32(min(held, math.MaxUint32))
		},
		// Evict before Add returns, so that the bound holds however fast plans
		// arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Get returns the plan of a key, if there is one.
func (c planCache[P]) Get(key planKey) (P, bool) { return c.plans.GetIfPresent(key) }

// Add adds a plan.
func (c planCache[P]) Add(key planKey, plan P) { c.plans.Set(key, plan) }

// Middleware is a graphql.FieldMiddleware. Middlewares around it see a
// graphql.Marshaler instead of a rendered value, and no middleware sees the
// fields below. Extensions may rewrite a document, but must rewrite equal texts
// to equal documents. If the context ends while a long list is rendered,
// Middleware returns the context's error.
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

// render returns an output with a problem if it cannot render the value.
func (p *Projector) render(ctx context.Context, field *graphql.FieldContext, root root, value any) (out *output) {
	out = &output{ctx: ctx, free: &p.free}
	defer func() {
		if recover() != nil { // the executor meets the same panic and reports it
			out.problem = panicked
		}
	}()
	plan := p.plan(ctx, field, root)
	if out.problem = plan.problem; out.problem == none {
		plan.bind(out, field)
	}
	if out.problem != none {
		return out
	}
	if list, of := value.([]*generated.LeadChange); of && field.Object == "LeadChangeBatch" {
		p.texts.once(plan, out, list)
	} else {
		plan.fill(out, value)
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
