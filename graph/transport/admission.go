package transport

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
)

// enter reserves a share of the server for an operation. release may be called
// more than once; it is nil if there is no share.
func (t endpoint) enter(ctx context.Context) (release func(), retryAfter time.Duration) {
	if t.Admit == nil {
		return func() {}, 0
	}
	if release, retryAfter = t.Admit(ctx); release == nil {
		return nil, retryAfter
	}
	return sync.OnceFunc(release), 0
}

// answerOverloaded sends JSON even to a client that wants a stream of events:
// the stream has not started, and clients try again.
func (x exchange) answerOverloaded(ctx context.Context, retryAfter time.Duration) {
	x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	x.answerRefused(ctx, http.StatusServiceUnavailable, overloaded(ctx, x.exec, retryAfter))
}

func overloaded(ctx context.Context, exec graphql.GraphExecutor, retryAfter time.Duration) *graphql.Response {
	return exec.DispatchError(ctx, gqlerror.List{{
		Message:    "The server is overloaded.",
		Extensions: map[string]any{"code": errcode.Overloaded, "retryAfterMs": retryAfter.Milliseconds()},
	}})
}
