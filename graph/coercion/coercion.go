// Package coercion turns the variables and literals of a request into values of
// the schema's input types, by the rules of the GraphQL specification of October
// 2021 and with the verdicts of graphql-js. It is the only place where input is
// judged, so that variables and literals get the same errors. Errors never repeat
// a refused value: it may be personal data.
package coercion

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// Fault says which value of the input is refused and why.
type Fault struct {
	// At is the path of the value, such as $filter.and[0].status or tenantId.
	At string
	// Reason is the rest of the sentence, with its full stop.
	Reason string
	// Position is where the document mentions the value; for a variable, where
	// it is declared.
	Position *ast.Position
}

// MaxFaults is the maximum number of faults that are reported for an operation.
const MaxFaults = 10

// Variables returns the values of an operation's variables, defaults included. A
// variable without a value and without a default is not in the result. If there are
// faults, up to MaxFaults, the values must not be used.
func Variables(schema *ast.Schema, declared ast.VariableDefinitionList, given map[string]any) (map[string]any, []*Fault) {
	values := make(map[string]any, len(declared))
	var faults []*Fault
	for _, variable := range declared {
		at := "$" + variable.Variable
		c := coercion{schema: schema, position: variable.Position}
		value, present := given[variable.Variable]
		var usual any
		var wrong []*Fault
		if variable.DefaultValue != nil { // malformed, it makes the document invalid, even if it is not used
			usual, wrong = c.literal(at, variable.Type, variable.DefaultValue)
		}
		switch {
		case wrong != nil:
		case present:
			value, wrong = c.value(at, variable.Type, value)
		case variable.DefaultValue != nil:
			value = usual
		case variable.Type.NonNull:
			wrong = c.fault(at, isRequired)
		default:
			continue
		}
		values[variable.Variable] = value
		if faults = joined(faults, wrong); len(faults) == MaxFaults {
			break
		}
	}
	return values, faults
}

// joined appends faults up to the maximum.
func joined(faults, more []*Fault) []*Fault {
	return append(faults, more[:min(len(more), MaxFaults-len(faults))]...)
}

// Argument returns the value of an argument that the document gives, and false if
// it is a variable without a value, so that the argument's default applies.
// variables are the result of Variables.
func Argument(schema *ast.Schema, declared *ast.ArgumentDefinition, given *ast.Argument, variables map[string]any) (any, bool, []*Fault) {
	c := coercion{schema: schema, variables: variables, position: given.Position}
	if c.unset(given.Value) {
		if declared.Type.NonNull && declared.DefaultValue == nil {
			return nil, false, c.fault(given.Name, isRequired)
		}
		return nil, false, nil
	}
	value, faults := c.literal(given.Name, declared.Type, given.Value)
	return value, len(faults) == 0, faults
}

const (
	isRequired = "is required."
	isNull     = "must not be null."
)

type coercion struct {
	schema    *ast.Schema
	variables map[string]any // those that literals may contain, already coerced
	position  *ast.Position
}

func (c coercion) fault(at, reason string) []*Fault { return []*Fault{{at, reason, c.position}} }

// value coerces a value of a JSON document.
func (c coercion) value(at string, expected *ast.Type, value any) (any, []*Fault) {
	switch {
	case value == nil && expected.NonNull:
		return nil, c.fault(at, isNull)
	case value == nil:
		return nil, nil
	case expected.Elem != nil:
		items, isList := value.([]any)
		if !isList {
			return alone(c.value(at, expected.Elem, value))
		}
		return list(items, func(i int, item any) (any, []*Fault) { return c.value(index(at, i), expected.Elem, item) })
	}
	definition := c.schema.Types[expected.NamedType]
	switch definition.Kind {
	case ast.InputObject:
		members, isObject := value.(map[string]any)
		if !isObject {
			return nil, c.fault(at, notObject(definition))
		}
		var unknown []string
		for name := range members {
			if definition.Fields.ForName(name) == nil {
				unknown = append(unknown, name)
			}
		}
		slices.Sort(unknown)
		return c.object(at, definition, unknown, func(field *ast.FieldDefinition) (any, bool, []*Fault) {
			member, present := members[field.Name]
			if !present {
				return nil, false, nil
			}
			member, faults := c.value(at+"."+field.Name, field.Type, member)
			return member, true, faults
		})
	case ast.Enum:
		if name, isText := value.(string); isText && definition.EnumValues.ForName(name) != nil {
			return name, nil
		}
		return nil, c.fault(at, notInEnum(definition))
	default:
		return c.scalar(at, definition.Name, value)
	}
}

// literal coerces a value that is written in the document. A variable in it has
// been coerced to its own type, which validation found to be allowed there, but it
// may be null where null is not allowed.
func (c coercion) literal(at string, expected *ast.Type, value *ast.Value) (any, []*Fault) {
	if value.Kind == ast.Variable {
		known := c.variables[value.Raw]
		if known == nil && expected.NonNull {
			return nil, c.fault(at, isNull)
		}
		return known, nil
	}
	switch {
	case value.Kind == ast.NullValue && expected.NonNull:
		return nil, c.fault(at, isNull)
	case value.Kind == ast.NullValue:
		return nil, nil
	case expected.Elem != nil:
		if value.Kind != ast.ListValue {
			return alone(c.literal(at, expected.Elem, value))
		}
		return list(value.Children, func(i int, item *ast.ChildValue) (any, []*Fault) {
			return c.literal(index(at, i), expected.Elem, item.Value)
		})
	}
	definition := c.schema.Types[expected.NamedType]
	switch definition.Kind {
	case ast.InputObject:
		if value.Kind != ast.ObjectValue {
			return nil, c.fault(at, notObject(definition))
		}
		var unknown []string
		for _, member := range value.Children {
			if definition.Fields.ForName(member.Name) == nil {
				unknown = append(unknown, member.Name)
			}
		}
		return c.object(at, definition, unknown, func(field *ast.FieldDefinition) (any, bool, []*Fault) {
			member := value.Children.ForName(field.Name)
			if member == nil || c.unset(member) {
				return nil, false, nil
			}
			known, faults := c.literal(at+"."+field.Name, field.Type, member)
			return known, true, faults
		})
	case ast.Enum:
		if value.Kind == ast.EnumValue && definition.EnumValues.ForName(value.Raw) != nil {
			return value.Raw, nil
		}
		return nil, c.fault(at, notInEnum(definition))
	default:
		return c.scalarLiteral(at, definition.Name, value)
	}
}

// unset reports whether a value is a variable that has none.
func (c coercion) unset(value *ast.Value) bool {
	if value.Kind != ast.Variable {
		return false
	}
	_, set := c.variables[value.Raw]
	return !set
}

// object coerces the members of an input object and adds the defaults. unknown are the
// names of members that the object does not have.
func (c coercion) object(at string, definition *ast.Definition, unknown []string, member func(*ast.FieldDefinition) (any, bool, []*Fault)) (any, []*Fault) {
	values := map[string]any{}
	var faults []*Fault
	for _, name := range unknown {
		faults = joined(faults, c.unknown(at, name, definition))
	}
	for _, field := range definition.Fields {
		value, present, wrong := member(field)
		switch {
		case present:
		case field.DefaultValue != nil:
			value, wrong = c.literal(at+"."+field.Name, field.Type, field.DefaultValue)
		case field.Type.NonNull:
			wrong = c.fault(at+"."+field.Name, isRequired)
		default:
			continue
		}
		values[field.Name] = value
		faults = joined(faults, wrong)
	}
	return values, faults
}

// alone returns the list that a single value counts as.
func alone(value any, faults []*Fault) (any, []*Fault) { return []any{value}, faults }

func list[T any](items []T, coerce func(int, T) (any, []*Fault)) (any, []*Fault) {
	values := make([]any, len(items))
	var faults []*Fault
	for i, item := range items {
		var wrong []*Fault
		if values[i], wrong = coerce(i, item); len(wrong) > 0 {
			if faults = joined(faults, wrong); len(faults) == MaxFaults {
				break
			}
		}
	}
	return values, faults
}

func index(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

// name matches what can be the name of a member. Anything else may be data.
var name = regexp.MustCompile(`^[_A-Za-z]\w{0,63}$`)

func (c coercion) unknown(at, member string, definition *ast.Definition) []*Fault {
	if name.MatchString(member) {
		return c.fault(at+"."+member, "is not a member of "+definition.Name+".")
	}
	return c.fault(at, "has a member that "+definition.Name+" does not have.")
}

func notObject(definition *ast.Definition) string {
	return "must be an object of type " + definition.Name + "."
}

func notInEnum(definition *ast.Definition) string {
	return "must be a value of " + definition.Name + "."
}
