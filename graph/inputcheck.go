package graph

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/scalar"
	"leadgraph/internal/errcode"
)

// inputCheck refuses malformed custom scalars and enums anywhere in an
// operation before it is executed. Validation does not check custom scalars and
// is lenient about enums in variables. Execution does, but it would report a
// bad argument of a nested field once for every lead, after the leads were
// read.
type inputCheck struct{ schema *ast.Schema }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = inputCheck{}

// ExtensionName implements graphql.HandlerExtension.
func (inputCheck) ExtensionName() string { return "InputCheck" }

// Validate implements graphql.HandlerExtension.
func (inputCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. It checks
// each fragment once, however often it is spread, so the work is linear in the
// document.
func (c inputCheck) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if err := c.selection(op.Operation.SelectionSet, op.Variables); err != nil {
		return err
	}
	for _, fragment := range op.Doc.Fragments {
		if err := c.selection(fragment.SelectionSet, op.Variables); err != nil {
			return err
		}
	}
	return nil
}

func (c inputCheck) selection(set ast.SelectionSet, variables map[string]any) *gqlerror.Error {
	for _, selected := range set {
		var err *gqlerror.Error
		switch selected := selected.(type) {
		case *ast.Field:
			if err = c.arguments(selected, variables); err == nil {
				err = c.selection(selected.SelectionSet, variables)
			}
		case *ast.InlineFragment:
			err = c.selection(selected.SelectionSet, variables)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c inputCheck) arguments(field *ast.Field, variables map[string]any) *gqlerror.Error {
	for _, given := range field.Arguments {
		definition := field.Definition.Arguments.ForName(given.Name)
		value, err := given.Value.Value(variables)
		if definition == nil || err != nil {
			return errcode.BadInput(given.Name, "is not a valid value.", given.Position)
		}
		if fault := c.value(given.Name, definition.Type, value); fault != nil {
			return errcode.BadInput(fault.at, fault.reason+".", given.Position)
		}
	}
	return nil
}

// inputFault says where in an argument a value is malformed, and why.
type inputFault struct{ at, reason string }

func (c inputCheck) value(at string, expected *ast.Type, value any) *inputFault {
	if value == nil {
		return nil // validation has checked whether null is allowed
	}
	if expected.Elem != nil {
		items, ok := value.([]any)
		if !ok { // a single value counts as a list of one
			return c.value(at, expected.Elem, value)
		}
		for i, item := range items {
			if fault := c.value(fmt.Sprintf("%s[%d]", at, i), expected.Elem, item); fault != nil {
				return fault
			}
		}
		return nil
	}
	switch definition := c.schema.Types[expected.NamedType]; definition.Kind {
	case ast.InputObject:
		fields, _ := value.(map[string]any)
		for _, field := range definition.Fields {
			if fault := c.value(at+"."+field.Name, field.Type, fields[field.Name]); fault != nil {
				return fault
			}
		}
		return nil
	case ast.Enum:
		known := func(v *ast.EnumValueDefinition) bool { return v.Name == value }
		if !slices.ContainsFunc(definition.EnumValues, known) {
			return &inputFault{at, "must be a value of " + definition.Name}
		}
		return nil
	default:
		if err := checkScalar(definition.Name, value); err != nil {
			return &inputFault{at, err.Error()}
		}
		return nil
	}
}

func checkScalar(name string, value any) error {
	var err error
	switch name {
	case "UUID":
		_, err = scalar.UnmarshalUUID(value)
	case "DateTime":
		_, err = scalar.UnmarshalDateTime(value)
	case "CountryCode":
		_, err = scalar.UnmarshalCountryCode(value)
	case "Cursor":
		_, err = graphql.UnmarshalString(value)
	}
	return err
}
