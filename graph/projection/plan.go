package projection

import (
	"slices"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/lead"
)

// maxFields bounds the fields of one plan. A query of every field of the schema
// has a third of it; without a bound, fragments in fragments would make a plan
// that grows exponentially with the document.
const maxFields = 400

// A plan writes the value of one field of one document.
type plan struct {
	problem problem // why there is no plan
	write   func(*output, any)
	// arguments are the fields with arguments, each with its parents below the
	// plan's own field.
	arguments [][]graphql.CollectedField
	// size is how many bytes the last answer had: the guess for the next one.
	size atomic.Int64
}

// run writes the value, or leaves a problem in out.
func (p *plan) run(out *output, field *graphql.FieldContext, value any) {
	for _, path := range p.arguments {
		arguments, ok := coerce(out, field, path)
		if !ok {
			out.fail(badArguments)
			return
		}
		out.arguments = append(out.arguments, arguments)
	}
	// The slack keeps the buffer while answers vary a little.
	size := int(p.size.Load())
	out.bytes = out.free.get(size + size/16 + 64)
	p.write(out, value)
	p.size.Store(int64(len(out.bytes)))
}

// coerce evaluates the arguments of the field at the end of the path. The
// errors stay out of the answer: the executor reports them for each object.
func coerce(out *output, field *graphql.FieldContext, path []graphql.CollectedField) (map[string]any, bool) {
	ctx := graphql.WithFreshResponseContext(out.ctx)
	for _, step := range path {
		child, err := field.Child(ctx, step)
		if err != nil {
			return nil, false
		}
		field = child
	}
	return field.Args, true
}

// compiler carries the state of one compilation. Once it has a problem, what it
// returns is not used.
type compiler struct {
	op        *graphql.OperationContext
	fields    int
	path      []graphql.CollectedField
	arguments [][]graphql.CollectedField
	nodes     []write[*lead.Lead] // see rowPlan
	problem   problem
}

// compile returns the plan of the field for the variables of op.
func compile(op *graphql.OperationContext, field graphql.CollectedField, root root) *plan {
	c := &compiler{op: op}
	write := root(c, field.Selections)
	return &plan{problem: c.problem, write: write, arguments: c.arguments}
}

// withArguments registers the field that is being compiled as one with
// arguments and returns its index in output.arguments.
func (c *compiler) withArguments() int {
	c.arguments = append(c.arguments, slices.Clone(c.path))
	return len(c.arguments) - 1
}

// write appends one value to the output.
type write[V any] func(*output, V)

// An object is a type of the schema that is made from the Go type T.
type object[T any] struct {
	name string
	// satisfies lists the type and its interfaces.
	satisfies []string
	fields    map[string]fieldCompiler[T]
}

// A fieldCompiler compiles what writes the value of one field of *T.
type fieldCompiler[T any] func(*compiler, graphql.CollectedField) write[*T]

// A root compiles what writes a value in whose place a marshaler may stand. A
// value of another Go type is a problem.
type root func(*compiler, ast.SelectionSet) func(*output, any)

// step is constant text followed by a value.
type step[T any] struct {
	text  string
	value write[*T]
}

// compile returns what writes the selections of an object. The pointer must not
// be nil.
func (o *object[T]) compile(c *compiler, selections ast.SelectionSet) write[*T] {
	var steps []step[T]
	text := "{"
	for i, field := range graphql.CollectFields(c.op, selections, o.satisfies) {
		if i > 0 {
			text += ","
		}
		text += `"` + field.Alias + `":`
		if field.Name == "__typename" {
			text += `"` + o.name + `"`
			continue
		}
		value := o.compileField(c, field)
		if c.problem != none {
			return nil
		}
		steps = append(steps, step[T]{text, value})
		text = ""
	}
	text += "}"
	return func(out *output, value *T) {
		for i := range steps {
			out.bytes = append(out.bytes, steps[i].text...)
			steps[i].value(out, value)
		}
		out.bytes = append(out.bytes, text...)
	}
}

func (o *object[T]) compileField(c *compiler, field graphql.CollectedField) write[*T] {
	c.fields++
	compile, known := o.fields[field.Name]
	switch {
	case !known:
		c.problem = unknownField
	case field.IsDeferred():
		c.problem = deferred
	case c.fields > maxFields:
		c.problem = tooLarge
	default:
		c.path = append(c.path, field)
		defer func() { c.path = c.path[:len(c.path)-1] }()
		return compile(c, field)
	}
	return nil
}
