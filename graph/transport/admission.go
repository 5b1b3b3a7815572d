package transport

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
)

// enter gives an operation its slot and returns the context that carries it. The
// operation is refused if retryAfter is positive. Without bounds the slot is nil,
// and its methods do nothing.
func (t endpoint) enter(ctx context.Context) (inside context.Context, slot *admission.Slot, retryAfter time.Duration) {
	if t.Admit == nil {
		return ctx, nil, 0
	}
	if slot, retryAfter = t.Admit(ctx); slot == nil {
		return ctx, nil, retryAfter
	}
	return admission.With(ctx, slot), slot, 0
}

// weigh returns the weight of an operation's planned cost.
func (t endpoint) weigh(op *graphql.OperationContext) int {
	if t.Weigh == nil {
		return 1
	}
	return t.Weigh(op)
}

// reserve reserves memory for an operation by its weight. The operation is refused if
// retryAfter is positive.
func (t endpoint) reserve(ctx context.Context, weight int) (retryAfter time.Duration) {
	_, retryAfter = admission.Of(ctx).Reserve(ctx, weight)
	return retryAfter
}

// sending counts an answer while it is written.
func (t endpoint) sending(ctx context.Context, size int) (end func()) {
	if t.Sending == nil {
		return func() {}
	}
	return t.Sending(ctx, size)
}

// setRetryAfter says when to try again, in whole seconds.
func (x exchange) setRetryAfter(wait time.Duration) {
	x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// answerOverloaded sends JSON even to a client that wants a stream of events:
// the stream has not started, and clients try again.
func (x exchange) answerOverloaded(ctx context.Context, retryAfter time.Duration) {
	x.refuseOverloaded(x.begin(ctx, x.came), retryAfter)
}

// refuseOverloaded is like answerOverloaded for an operation that has begun.
func (x exchange) refuseOverloaded(ctx context.Context, retryAfter time.Duration) {
	x.setRetryAfter(retryAfter)
	response := overloaded(ctx, x.exec, retryAfter)
	x.done(ctx, nil, http.StatusServiceUnavailable, response.Errors, x.writeResponse(ctx, http.StatusServiceUnavailable, response))
}

func overloaded(ctx context.Context, exec graphql.GraphExecutor, retryAfter time.Duration) *graphql.Response {
	return exec.DispatchError(ctx, gqlerror.List{{
		Message:    "The server is overloaded.",
		Extensions: map[string]any{"code": errcode.Overloaded, "retryAfterMs": retryAfter.Milliseconds()},
	}})
}
