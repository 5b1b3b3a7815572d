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

// enter asks for an operation's share of the server. The release can be called
// more than once; it is nil if there is no share for it.
func (t endpoint) enter(ctx context.Context) (release func(), retryAfter time.Duration) {
	if t.Admit == nil {
		return func() {}, 0
	}
	if release, retryAfter = t.Admit(ctx); release == nil {
		return nil, retryAfter
	}
	return sync.OnceFunc(release), 0
}

// answerOverloaded is also the answer to who wants a stream of events: it has
// not begun, and clients try it again.
func (x exchange) answerOverloaded(ctx context.Context, retryAfter time.Duration) {
	x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	x.answerRefused(ctx, http.StatusServiceUnavailable, overloaded(ctx, x.exec, retryAfter))
}

func overloaded(ctx context.Context, exec graphql.GraphExecutor, retryAfter time.Duration) *graphql.Response {
	return exec.DispatchError(ctx, gqlerror.List{{
		Message:    "The server has too much to do at the moment.",
		Extensions: map[string]any{"code": errcode.Overloaded, "retryAfterMs": retryAfter.Milliseconds()},
	}})
}
