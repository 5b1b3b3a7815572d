package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/persisted"
	"leadgraph/internal/errcode"
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

// resolve replaces the name of a document by the document.
func (t endpoint) resolve(ctx context.Context, params *operationParams) (persisted.Registration, *gqlerror.Error) {
	register, err := t.Documents.Resolve(ctx, &params.RawParams, params.DocumentID)
	if err == nil && params.Query == "" {
		err = errcode.BadInput("query", "must be a GraphQL document.", nil)
	}
	return register, err
}

// shorten answers an operation without the executor. It reports false if it has not
// answered it.
func (x exchange) shorten(ctx context.Context, params *operationParams) (answered bool) {
	if x.Shortcut == nil {
		return false
	}
	register, err := x.resolve(ctx, params)
	if err != nil {
		return false
	}
	prepared := x.Shortcut.Prepare(ctx, &params.RawParams)
	if prepared == nil {
		return false
	}
	x.Documents.Register(ctx, register)
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
