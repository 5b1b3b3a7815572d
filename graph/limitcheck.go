package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/limits"
	"leadgraph/internal/errcode"
)

// maxErrors is the maximum number of errors about a document. More do not help
// anybody, and a document can have one for each of its tokens.
const maxErrors = 10

// limitCheck refuses expensive requests early: documents and variables before
// validation, and operations over the budget before the platform is called.
type limitCheck struct {
	schema *ast.Schema
	// passed holds the documents that are within the limits and valid.
	passed graphql.Cache[*ast.QueryDocument]
	limits limits.Document
	rates  limits.Rates
	budget limits.Budget
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = limitCheck{}

// ExtensionName implements graphql.HandlerExtension.
func (limitCheck) ExtensionName() string { return "LimitCheck" }

// Validate implements graphql.HandlerExtension.
func (limitCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator.
func (c limitCheck) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if violation := limits.CheckVariables(request.Variables, c.limits); violation != nil {
		return tooComplex(violation)
	}
	if _, known := c.passed.Get(ctx, request.Query); known {
		return nil
	}
	if violation := limits.Check(request.Query, c.limits); violation != nil {
		return tooComplex(violation)
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (c limitCheck) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	cost := limits.Estimate(c.schema, op.Operation, op.Doc.Fragments, op.Variables, c.rates, c.budget)
	if violation := cost.Exceeds(c.budget); violation != nil {
		return tooComplex(violation)
	}
	op.Stats.SetExtension(requestedCost, cost)
	return nil
}

// requestedCost is the key of an operation's estimated cost in its statistics.
const requestedCost = "RequestedCost"

func tooComplex(violation *limits.Violation) *gqlerror.Error {
	return &gqlerror.Error{
		Message: violation.Error() + ".",
		Extensions: map[string]any{
			"code": errcode.TooComplex, "limit": violation.Limit, "max": violation.Max, "found": violation.Found,
		},
	}
}

// weigh returns the weight of an operation's planned cost.
func weigh(op *graphql.OperationContext) int {
	planned, _ := op.Stats.GetExtension(requestedCost).(limits.Cost)
	return planned.Weight()
}
