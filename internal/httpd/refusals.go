package httpd

import (
	"context"
	"log/slog"
	"net/http"
)

type refusalsKey struct{}

// refusals is told of the requests that Refuse answers.
type refusals struct {
	log   *slog.Logger
	count func(code string)
}

// WithRefusals writes a line in the log for each request that Refuse answers on
// the way through next, and has it counted. Those that become operations have a
// line of their own.
func WithRefusals(log *slog.Logger, count func(code string), next http.Handler) http.Handler {
	told := &refusals{log, count}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), refusalsKey{}, told)))
	})
}

func tellRefusal(ctx context.Context, status int, code string) {
	if told, ok := ctx.Value(refusalsKey{}).(*refusals); ok {
		told.log.InfoContext(ctx, "refused", "status", status, "code", code)
		told.count(code)
	}
}
