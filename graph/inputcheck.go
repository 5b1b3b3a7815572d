package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/coercion"
	"leadgraph/internal/errcode"
)

// inputCheck coerces the variables of an operation and refuses malformed values
// anywhere in it before it is executed. Execution would report a bad argument of
// a nested field once for every lead, after the leads were read.
type inputCheck struct{ schema *ast.Schema }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = inputCheck{}

// The keys of what inputCheck needs in the statistics of an operation, which are
// the only place that gqlgen offers for it.
const (
	givenVariables    = "GivenVariables"
	declaredVariables = "DeclaredVariables"
)

// ExtensionName implements graphql.HandlerExtension.
func (inputCheck) ExtensionName() string { return "InputCheck" }

// Validate implements graphql.HandlerExtension.
func (inputCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. It keeps
// the variables as the client sent them.
func (inputCheck) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	graphql.GetOperationContext(ctx).Stats.SetExtension(givenVariables, request.Variables)
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator. The document
// is shared with other requests, so it restores the variables of a copy of the
// operation; see documentCache.
func (c inputCheck) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	given, _ := op.Stats.GetExtension(givenVariables).(map[string]any)
	declared, _ := op.Stats.GetExtension(declaredVariables).(declarations)
	operation := *op.Operation
	operation.VariableDefinitions = declared[op.Operation]
	op.Operation = &operation
	var fault *coercion.Fault
	if op.Variables, fault = coercion.Variables(c.schema, operation.VariableDefinitions, given); fault != nil {
		return badInput(fault)
	}
	walk := inputWalk{c.schema, op, map[string]bool{}}
	return walk.selection(operation.SelectionSet)
}

func badInput(fault *coercion.Fault) *gqlerror.Error {
	return errcode.BadInput(fault.At, fault.Reason, fault.Position)
}

// inputWalk checks the arguments of an operation. It checks each fragment once,
// however often it is spread, so the work is linear in the document. It leaves
// out the fragments that only other operations use, because their variables have
// no values.
type inputWalk struct {
	schema  *ast.Schema
	op      *graphql.OperationContext
	checked map[string]bool // fragments
}

func (w inputWalk) selection(set ast.SelectionSet) *gqlerror.Error {
	for _, selected := range set {
		if err := w.selected(selected); err != nil {
			return err
		}
	}
	return nil
}

func (w inputWalk) selected(selected ast.Selection) *gqlerror.Error {
	switch selected := selected.(type) {
	case *ast.Field:
		if err := w.arguments(selected.Definition.Arguments, selected.Arguments); err != nil {
			return err
		}
		if err := w.directives(selected.Directives); err != nil {
			return err
		}
		return w.selection(selected.SelectionSet)
	case *ast.InlineFragment:
		if err := w.directives(selected.Directives); err != nil {
			return err
		}
		return w.selection(selected.SelectionSet)
	case *ast.FragmentSpread:
		if err := w.directives(selected.Directives); err != nil {
			return err
		}
		if w.checked[selected.Name] {
			return nil
		}
		w.checked[selected.Name] = true
		return w.selection(w.op.Doc.Fragments.ForName(selected.Name).SelectionSet)
	}
	return nil
}

func (w inputWalk) directives(list ast.DirectiveList) *gqlerror.Error {
	for _, directive := range list {
		if err := w.arguments(directive.Definition.Arguments, directive.Arguments); err != nil {
			return err
		}
	}
	return nil
}

func (w inputWalk) arguments(declared ast.ArgumentDefinitionList, given ast.ArgumentList) *gqlerror.Error {
	for _, argument := range given {
		if _, _, fault := coercion.Argument(w.schema, declared.ForName(argument.Name), argument, w.op.Variables); fault != nil {
			return badInput(fault)
		}
	}
	return nil
}
