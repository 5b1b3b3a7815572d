package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/coercion"
	"leadgraph/graph/documents"
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

// givenVariables is the key of an operation's variables, as they were sent, in its
// statistics. gqlgen offers no other place for them.
const givenVariables = "GivenVariables"

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
// operation; see package documents.
func (c inputCheck) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	given, _ := op.Stats.GetExtension(givenVariables).(map[string]any)
	operation := *op.Operation
	operation.VariableDefinitions = documents.DeclaredBy(op)
	op.Operation = &operation
	var faults []*coercion.Fault
	if op.Variables, faults = coercion.Variables(c.schema, operation.VariableDefinitions, given); len(faults) > 0 {
		return badInputs(faults, nil).whole()
	}
	walk := inputWalk{schema: c.schema, op: op, checked: map[string]bool{}}
	walk.selection(operation.SelectionSet, nil)
	return walk.found.whole()
}

// badInputs returns the errors for faults in the field with this path.
func badInputs(faults []*coercion.Fault, path ast.Path) inputErrors {
	errs := make(inputErrors, len(faults))
	for i, fault := range faults {
		errs[i] = errcode.BadInput(fault.At, fault.Reason, fault.Position)
		errs[i].Path = slices.Clone(path)
	}
	return errs
}

// inputErrors are the errors of an operation's input.
type inputErrors gqlerror.List

// whole returns nil or one error, from which the transport takes all of them: gqlgen
// has no room for more.
func (errs inputErrors) whole() *gqlerror.Error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return &gqlerror.Error{Err: gqlerror.List(errs), Message: errs[0].Message, Extensions: errs[0].Extensions}
}

// inputWalk checks the arguments of an operation, until it has found as many faults as
// are reported. It checks each fragment once, however often it is spread, so the work
// is linear in the document. It leaves out the fragments that only other operations
// use, because their variables have no values.
type inputWalk struct {
	schema  *ast.Schema
	op      *graphql.OperationContext
	checked map[string]bool // fragments
	found   inputErrors
}

// selection checks what is selected in the field with this path, which is nil for the
// operation. As in the errors about personal data, the path leads to the first element
// of a list.
func (w *inputWalk) selection(set ast.SelectionSet, path ast.Path) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			at := append(path, ast.PathName(selected.Alias)) //nolint:gocritic // errors clone their paths
			w.arguments(selected.Definition.Arguments, selected.Arguments, at)
			w.directives(selected.Directives, at)
			for list := selected.Definition.Type.Elem; list != nil; list = list.Elem {
				at = append(at, ast.PathIndex(0))
			}
			w.selection(selected.SelectionSet, at)
		case *ast.InlineFragment:
			w.directives(selected.Directives, path)
			w.selection(selected.SelectionSet, path)
		case *ast.FragmentSpread:
			w.directives(selected.Directives, path)
			if !w.checked[selected.Name] {
				w.checked[selected.Name] = true
				w.selection(w.op.Doc.Fragments.ForName(selected.Name).SelectionSet, path)
			}
		}
	}
}

func (w *inputWalk) directives(list ast.DirectiveList, path ast.Path) {
	for _, directive := range list {
		w.arguments(directive.Definition.Arguments, directive.Arguments, path)
	}
}

func (w *inputWalk) arguments(declared ast.ArgumentDefinitionList, given ast.ArgumentList, path ast.Path) {
	for _, argument := range given {
		if len(w.found) == coercion.MaxFaults {
			return
		}
		_, _, faults := coercion.Argument(w.schema, declared.ForName(argument.Name), argument, w.op.Variables)
		errs := badInputs(faults, path)
		w.found = append(w.found, errs[:min(len(errs), coercion.MaxFaults-len(w.found))]...)
	}
}
