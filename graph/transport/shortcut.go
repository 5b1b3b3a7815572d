package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Shortcut answers some operations in less time than the executor does.
type Shortcut interface {
	// Prepare returns the operation of a request whose document is known, or nil if the
	// executor must answer it. Nothing has happened then.
	Prepare(ctx context.Context, params *graphql.RawParams) Prepared
}

// Prepared is an operation that is valid and within its limits.
type Prepared interface {
	// Operation is its definition in the document.
	Operation() *ast.OperationDefinition
	// Weight is the weight of its planned cost, for its slot.
	Weight() int
	// Answer runs it. It returns nil if the executor must answer it after all.
	Answer(ctx context.Context) *graphql.Response
}

// shorten answers an operation without the executor. It reports false if it has not
// answered it.
func (x exchange) shorten(ctx context.Context, params *operationParams, known resolved) (answered bool) {
	if x.Shortcut == nil || known.err != nil {
		return false
	}
	prepared := x.Shortcut.Prepare(ctx, &params.RawParams)
	if prepared == nil {
		return false
	}
	x.Documents.Register(ctx, known.register)
	if retryAfter := x.reserve(ctx, prepared.Weight()); retryAfter > 0 {
		x.refuseOverloaded(ctx, retryAfter)
		return true
	}
	response := prepared.Answer(ctx)
	if response == nil {
		return false
	}
	x.answerWhole(ctx, prepared.Operation(), response)
	return true
}
