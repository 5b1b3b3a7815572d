package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/truth"
	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
)

// rootType returns the root type of a kind of operation, or nil if the schema
// has no such operations.
func rootType(schema *ast.Schema, kind ast.Operation) *ast.Definition {
	switch kind {
	case ast.Mutation:
		return schema.Mutation
	case ast.Subscription:
		return schema.Subscription
	default:
		return schema.Query
	}
}

// rootFields returns the root fields of an operation, with fragments expanded
// and equal fields merged.
func rootFields(schema *ast.Schema, op *graphql.OperationContext) []graphql.CollectedField {
	root := rootType(schema, op.Operation.Operation)
	return graphql.CollectFields(op, op.Operation.SelectionSet, []string{root.Name})
}

// watchRootFields calls begin before each root field is resolved. Afterwards it
// calls the function that begin returned, with the code of the field's error or
// "".
func watchRootFields(schema *ast.Schema, begin func(context.Context, string) (context.Context, func(code string)), codeOf func(error) string) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object != rootType(schema, graphql.GetOperationContext(ctx).Operation.Operation).Name {
			return next(ctx)
		}
		ctx, end := begin(ctx, field.Field.Name)
		code := errcode.Internal // reported if the resolver panics
		defer func() { end(code) }()
		value, err := next(ctx)
		code = codeOf(err)
		return value, err
	}
}

// meetingOf returns where the root fields that show leads wait for each other, or nil
// if there are not several.
func meetingOf(fields []graphql.CollectedField) *truth.Meeting {
	if n := showing(fields); n > 1 {
		return truth.NewMeeting(n)
	}
	return nil
}

type seatKey struct{}

// seatRootFields gives each root field that shows leads a seat at the operation's
// meeting. The field leaves it in any case, even if its arguments are refused before
// its resolver is called.
func seatRootFields(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	op, begun := ctx.Value(operationKey{}).(*operation)
	if !begun || op.meeting == nil || !showsLeads(graphql.GetRootFieldContext(ctx).Field.Name) {
		return next(ctx)
	}
	seat := op.meeting.Seat()
	defer seat.Leave()
	return next(context.WithValue(ctx, seatKey{}, seat))
}

// meet waits until the other root fields have read their leads.
func (op *operation) meet(ctx context.Context) error {
	seat, seated := ctx.Value(seatKey{}).(*truth.Seat)
	if !seated {
		return nil
	}
	slot := admission.Of(ctx)
	slot.Away()
	defer slot.Back(ctx)
	return seat.Wait(ctx)
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

// failAt adds the error of an element of a field that is a list.
func failAt(ctx context.Context, element int, err error) {
	graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(element)), err)
}

// failEach adds an error for each element of a list. A root field that may not be null
// fails in this way: an error of the field itself would leave nothing of the operation,
// or of the deferred part, that other fields have answered.
func failEach(ctx context.Context, elements int, err error) {
	for element := range elements {
		failAt(ctx, element, err)
	}
}
