package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
)

// hiddenSchema refuses introspection as an error of the document. gqlgen finds
// it only during execution and reports a server error.
type hiddenSchema struct{ schema *ast.Schema }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = hiddenSchema{}

// ExtensionName implements graphql.HandlerExtension.
func (hiddenSchema) ExtensionName() string { return "HiddenSchema" }

// Validate implements graphql.HandlerExtension.
func (hiddenSchema) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (h hiddenSchema) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, field := range rootFields(h.schema, op) {
		if field.Name == "__schema" || field.Name == "__type" {
			return &gqlerror.Error{
				Message:    "Introspection is disabled.",
				Extensions: map[string]any{"code": errcode.ValidationFailed},
				Locations:  []gqlerror.Location{{Line: field.Position.Line, Column: field.Position.Column}},
			}
		}
	}
	return nil
}
