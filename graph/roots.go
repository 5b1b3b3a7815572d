package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"leadgraph/internal/errcode"
)

// watchRootFields follows the root fields of operations.
func watchRootFields(begin func(context.Context, string) (context.Context, func(code string)), codeOf func(error) string) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object != "Query" {
			return next(ctx)
		}
		ctx, end := begin(ctx, field.Field.Name)
		code := errcode.Internal // of a panic
		defer func() { end(code) }()
		value, err := next(ctx)
		code = codeOf(err)
		return value, err
	}
}
