package projection

import (
	"slices"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/lead"
)

// maxFields is the maximum number of fields in one plan. A query of every field
// of the schema has a third of it. Without a limit, nested fragments could make
// a plan that grows exponentially with the document.
const maxFields = 400

// A plan writes the value of one field of one document.
type plan struct {
	problem problem // why there is no plan
	write   func(*output, any)
	// arguments holds the fields with arguments, each with its parents below
	// the plan's own field.
	arguments [][]graphql.CollectedField
	// size is the number of bytes of the last response, a guess for the next
	// one.
	size atomic.Int64
	// held is about how many bytes the plan holds.
	held int
}

func (p *plan) weight() int { return p.held }

// bind sets the arguments in out, or a problem.
func (p *plan) bind(out *output, field *graphql.FieldContext) {
	for _, path := range p.arguments {
		arguments, ok := coerce(out, field, path)
		if !ok {
			out.fail(badArguments)
			return
		}
		out.arguments = append(out.arguments, arguments)
	}
}

// fill writes the value into a buffer for out, or sets a problem in out.
func (p *plan) fill(out *output, value any) {
	// The slack avoids growing the buffer when responses vary a little.
	size := int(p.size.Load())
	out.bytes = out.free.get(size + size/16 + 64)
	p.write(out, value)
	p.size.Store(int64(len(out.bytes)))
}

// coerce evaluates the arguments of the field at the end of the path. Its
// errors are not added to the response, because the executor reports them for
// each object.
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

// compiler holds the state of one compilation. Once it has a problem, its
// results are not used.
type compiler struct {
	op        *graphql.OperationContext
	fields    int
	path      []graphql.CollectedField
	arguments [][]graphql.CollectedField
	nodes     []write[*lead.Lead] // see rowPlan
	problem   problem
	held      int // about how many bytes the results hold
}

// Parts of the weight of a plan, by measurement and rounded up.
const (
	heldByPlan     = 512 // with its entry in the cache
	heldByField    = 128 // its step and its functions
	heldByArgument = 512 // for each field, argument and value in compiler.arguments
)

// compile returns the plan of the field for the variables of op.
func compile(op *graphql.OperationContext, field graphql.CollectedField, root root) *plan {
	c := &compiler{op: op}
	write := root(c, field.Selections)
	return &plan{problem: c.problem, write: write, arguments: c.arguments, held: c.held}
}

// withArguments registers the field that is being compiled as one with
// arguments. It returns its index in output.arguments.
func (c *compiler) withArguments() int {
	path := slices.Clone(c.path)
	for i, field := range path {
		// Without the selections, which would keep most of the document.
		path[i] = graphql.CollectedField{Field: &ast.Field{
			Alias: field.Alias, Name: field.Name, Arguments: field.Arguments, Position: field.Position,
			Definition: field.Definition, ObjectDefinition: field.ObjectDefinition,
		}}
		c.held += heldByArgument
		for _, argument := range field.Arguments {
			c.held += heldByArgument + heldByValue(argument.Value)
		}
	}
	c.arguments = append(c.arguments, path)
	return len(c.arguments) - 1
}

func heldByValue(value *ast.Value) int {
	held := heldByArgument + len(value.Raw)
	for _, child := range value.Children {
		held += heldByValue(child.Value)
	}
	return held
}

// write appends one value to the output.
type write[V any] func(*output, V)

// An object is a type of the schema that is rendered from the Go type T.
type object[T any] struct {
	name string
	// satisfies holds the type and its interfaces.
	satisfies []string
	fields    map[string]fieldCompiler[T]
}

// A fieldCompiler compiles the writer of one field of *T.
type fieldCompiler[T any] func(*compiler, graphql.CollectedField) write[*T]

// A root compiles the writer of a value that a marshaler may replace. A value
// of another Go type is a problem.
type root func(*compiler, ast.SelectionSet) func(*output, any)

// step is constant text followed by a value.
type step[T any] struct {
	text  string
	value write[*T]
}

// compile returns the writer for the selections of an object. The writer's
// pointer must not be nil.
func (o *object[T]) compile(c *compiler, selections ast.SelectionSet) write[*T] {
	var steps []step[T]
	text := "{"
	typenames := map[string]bool{}
	for i, field := range graphql.CollectFields(c.op, selections, o.satisfies) {
		if typenames[field.Alias] { // CollectFields does not know that a union's is the same
			continue
		}
		if i > 0 {
			text += ","
		}
		text += `"` + field.Alias + `":`
		if field.Name == "__typename" {
			text += `"` + o.name + `"`
			typenames[field.Alias] = true
			continue
		}
		value := o.compileField(c, field)
		if c.problem != none {
			return nil
		}
		steps = append(steps, step[T]{text, value})
		c.held += heldByField + len(text)
		text = ""
	}
	text += "}"
	c.held += heldByField + len(text)
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
