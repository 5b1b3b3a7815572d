package graph

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/limits"
	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
)

// weigh returns the weight of an operation's planned cost.
func weigh(op *graphql.OperationContext) int {
	planned, _ := op.Stats.GetExtension(requestedCost).(limits.Cost)
	return planned.Weight()
}

// computeRootFields tells the operation's slot which goroutines resolve its root
// fields: the slot gives its token back while all of them wait.
func computeRootFields(schema *ast.Schema) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object != rootType(schema, graphql.GetOperationContext(ctx).Operation.Operation).Name {
			return next(ctx)
		}
		defer admission.Of(ctx).Field(ctx)()
		return next(ctx)
	}
}

// waiting calls read, which may wait for the platform, while the field's goroutine
// has no token.
func waiting[T any](ctx context.Context, read func() (T, error)) (T, error) {
	slot := admission.Of(ctx)
	slot.Away()
	defer slot.Back(ctx)
	return read()
}

// crowded returns the error of a call to the platform. If the call ended because
// too many operations wait for the platform, the error says so.
func crowded(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), admission.ErrCrowded) {
		return err
	}
	return &gqlerror.Error{
		Message:    "The server is overloaded.",
		Extensions: map[string]any{"code": errcode.Overloaded, "retryAfterMs": admission.Later().Milliseconds()},
	}
}
