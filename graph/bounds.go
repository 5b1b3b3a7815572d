package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/limits"
	"leadgraph/internal/errcode"
)

// maxErrors bounds the errors that speak of the document: more of them help
// nobody, and it can have one for each of its tokens.
const maxErrors = 10

// bounds refuses what would be expensive before it is: documents and variables
// before validation, and operations that could cost the platform too much before
// anything is asked of it.
type bounds struct {
	schema *ast.Schema
	// known holds the documents that have passed.
	known  graphql.Cache[*ast.QueryDocument]
	limits limits.Limits
	rates  limits.Rates
	budget limits.Budget
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = bounds{}

// ExtensionName implements graphql.HandlerExtension.
func (bounds) ExtensionName() string { return "Bounds" }

// Validate implements graphql.HandlerExtension.
func (bounds) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (b bounds) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if violation := limits.CheckVariables(request.Variables, b.limits); violation != nil {
		return tooComplex(violation)
	}
	if _, passed := b.known.Get(ctx, request.Query); passed {
		return nil
	}
	if violation := limits.Check(request.Query, b.limits); violation != nil {
		return tooComplex(violation)
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (b bounds) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	cost := limits.Estimate(b.schema, op.Operation, op.Doc.Fragments, op.Variables, b.rates, b.budget)
	if violation := cost.Exceeds(b.budget); violation != nil {
		return tooComplex(violation)
	}
	op.Stats.SetExtension(requestedCost, cost)
	return nil
}

// requestedCost names what an operation could cost at most in its statistics.
const requestedCost = "RequestedCost"

func tooComplex(violation *limits.Violation) *gqlerror.Error {
	return &gqlerror.Error{
		Message: violation.Error() + ".",
		Extensions: map[string]any{
			"code": errcode.TooComplex, "limit": violation.Limit, "max": violation.Max, "found": violation.Found,
		},
	}
}
