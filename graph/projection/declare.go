package projection

import (
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// declarations checks the table against the schema while it is written down.
type declarations struct {
	schema *ast.Schema
	errs   []error
}

func (d *declarations) errorf(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("projection: "+format, args...))
}

// rows are the fields of one type, by their signature in the schema.
type rows[T any] map[string]fieldCompiler[T]

func declare[T any](d *declarations, name string, rows rows[T]) *object[T] {
	o := &object[T]{name: name, satisfies: []string{name}, fields: map[string]fieldCompiler[T]{}}
	definition := d.schema.Types[name]
	if definition == nil {
		d.errorf("the schema has no type %s", name)
		return o
	}
	for _, abstract := range d.schema.GetImplements(definition) {
		o.satisfies = append(o.satisfies, abstract.Name)
	}
	inSchema := map[string]string{}
	for _, field := range definition.Fields {
		inSchema[signature(field)] = field.Name
	}
	for signature, compile := range rows {
		field, ok := inSchema[signature]
		if !ok {
			d.errorf("type %s: the schema has no field %q", name, signature)
		}
		o.fields[field] = compile
	}
	return o
}

// signature is the field as the schema language writes it.
func signature(field *ast.FieldDefinition) string {
	arguments := make([]string, len(field.Arguments))
	for i, argument := range field.Arguments {
		arguments[i] = argument.Name + ": " + argument.Type.String()
		if argument.DefaultValue != nil {
			arguments[i] += " = " + argument.DefaultValue.String()
		}
	}
	if len(arguments) == 0 {
		return field.Name + ": " + field.Type.String()
	}
	return field.Name + "(" + strings.Join(arguments, ", ") + "): " + field.Type.String()
}

// leaf is a field without selections.
func leaf[T, V any](get func(*T) V, value write[V]) fieldCompiler[T] {
	return func(*compiler, graphql.CollectedField) write[*T] {
		return func(o *output, v *T) { value(o, get(v)) }
	}
}

// child is a field of objects, in the shape that the schema gives them.
func child[T, E, V any](get func(*T) V, of *object[E], shape func(write[*E]) write[V]) fieldCompiler[T] {
	return func(c *compiler, field graphql.CollectedField) write[*T] {
		value := shape(of.compile(c, field.Selections))
		return func(o *output, v *T) { value(o, get(v)) }
	}
}

// rootOf is a field of objects whose value a resolver answers.
func rootOf[E, V any](of *object[E], shape func(write[*E]) write[V]) root {
	return func(c *compiler, selections ast.SelectionSet) func(*output, any) {
		write := shape(of.compile(c, selections))
		return func(o *output, value any) {
			v, ok := value.(V)
			if !ok {
				o.fail(unknownValue)
				return
			}
			write(o, v)
		}
	}
}

// enum is a writer of the names, which must be all of the enum's values. As in
// the executor, a value without a name is an empty text.
func enum[V ~uint8](d *declarations, name string, names map[V]string) write[V] {
	var quoted [256]string
	for v := range quoted {
		quoted[v] = `"` + names[V(v)] + `"`
	}
	definition := d.schema.Types[name]
	if definition == nil || len(definition.EnumValues) != len(names) {
		d.errorf("enum %s: the schema has other values", name)
	} else {
		for _, text := range names {
			if definition.EnumValues.ForName(text) == nil {
				d.errorf("enum %s: the schema has no value %s", name, text)
			}
		}
	}
	return func(o *output, v V) { o.bytes = append(o.bytes, quoted[v]...) }
}

// roots finds the fields of the schema that have one of the types.
func (d *declarations) roots(types map[string]root) (map[*ast.FieldDefinition]root, error) {
	found := map[*ast.FieldDefinition]root{}
	for _, definition := range d.schema.Types {
		for _, field := range definition.Fields {
			if root, ok := types[field.Type.String()]; ok {
				found[field] = root
			}
		}
	}
	return found, errors.Join(d.errs...)
}
