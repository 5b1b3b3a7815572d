package projection

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"leadgraph/lead"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// declarations checks the table against the schema while the table is declared.
type declarations struct {
	schema *ast.Schema
	errs   []error
}

func (d *declarations) errorf(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("projection: "+format, args...))
}

// signatures are the fields of one type, by signature; see signature.
type signatures[T any] map[string]fieldCompiler[T]

func declare[T any](d *declarations, name string, fields signatures[T]) *object[T] {
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
	for signature, compile := range fields {
		field, ok := inSchema[signature]
		if !ok {
			d.errorf("type %s: the schema has no field %q", name, signature)
		}
		o.fields[field] = compile
	}
	return o
}

// signature returns the field in the form of the schema language.
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

// fields declares a type whose fields are listed in a table of package lead. Each is
// rendered by the Go type of its value, except those that have a row of their own. A
// field of the schema in neither list is an error: the executor would render it, only
// more slowly.
func fields[T any](d *declarations, name string, table []lead.Field[T], own signatures[T]) *object[T] {
	definition := d.schema.Types[name]
	if definition == nil {
		d.errorf("the schema has no type %s", name)
		return &object[T]{name: name}
	}
	all, declared := signatures[T]{}, map[string]bool{}
	for signature, compile := range own {
		all[signature], declared[fieldName(signature)] = compile, true
	}
	for _, f := range table {
		if field := definition.Fields.ForName(f.Name); field != nil && !declared[f.Name] {
			declared[f.Name] = true
			all[signature(field)] = byType(d, name, f, field.Type)
		}
	}
	for _, field := range definition.Fields {
		if !declared[field.Name] {
			d.errorf("type %s: the field %s is neither in lead/table.go nor declared in table.go", name, field.Name)
		}
	}
	return declare(d, name, all)
}

// fieldName returns the name at the start of a signature.
func fieldName(signature string) string {
	return signature[:strings.IndexAny(signature, "(:")]
}

// byType compiles a field by the Go type of its value. The schema must allow null
// where the value can be absent, and only there.
func byType[T any](d *declarations, name string, f lead.Field[T], declared *ast.Type) fieldCompiler[T] {
	nullable := f.Optional != nil || f.Flag != nil || f.Moment != nil || f.Raw != nil
	if nullable == declared.NonNull || (f.Texts != nil) != (declared.Elem != nil) {
		d.errorf("type %s: the field %s cannot be of type %s", name, f.Name, declared)
	}
	switch {
	case f.Optional != nil:
		return leaf(func(v *T) *string { return *f.Optional(v) }, optional(text))
	case f.Text != nil:
		return leaf(func(v *T) string { return *f.Text(v) }, text)
	case f.Flag != nil:
		return leaf(func(v *T) *bool { return *f.Flag(v) }, optional(boolean))
	case f.Moment != nil:
		return leaf(func(v *T) time.Time { return *f.Moment(v) }, moment)
	case f.Texts != nil:
		return leaf(func(v *T) []string { return *f.Texts(v) }, list(text))
	case f.Raw != nil:
		return leaf(func(v *T) json.RawMessage { return *f.Raw(v) }, raw)
	}
	d.errorf("type %s: the field %s needs a row in table.go", name, f.Name)
	return nil
}

// leaf compiles a field without selections.
func leaf[T, V any](get func(*T) V, value write[V]) fieldCompiler[T] {
	return func(*compiler, graphql.CollectedField) write[*T] {
		return func(o *output, v *T) { value(o, get(v)) }
	}
}

// child compiles a field of objects. shape is the shape of the field in the schema: one
// object, a list, and so on.
func child[T, E, V any](get func(*T) V, of *object[E], shape func(write[*E]) write[V]) fieldCompiler[T] {
	return func(c *compiler, field graphql.CollectedField) write[*T] {
		value := shape(of.compile(c, field.Selections))
		return func(o *output, v *T) { value(o, get(v)) }
	}
}

// rootOf compiles a field of objects whose value comes from a resolver.
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

// enum returns a writer of the names, which must be all values of the enum. As in the
// executor, a value without a name is written as an empty text.
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

// roots returns the fields of the schema that have one of the types.
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
