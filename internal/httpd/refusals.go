package httpd

import (
	"context"
	"log/slog"
	"net/http"
)

// refusals logs and counts the requests that Refuse answers.
type refusals struct {
	log   *slog.Logger
	count func(code string)
}

// WithRefusals logs one line for each request that Refuse answers within next, and
// calls count with its code. Requests that become operations have a log line of
// their own.
func WithRefusals(log *slog.Logger, count func(code string), next http.Handler) http.Handler {
	told := &refusals{log, count}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, routed := r.Context().Value(requestKey{}).(*request); !routed {
			r = r.WithContext(context.WithValue(r.Context(), requestKey{}, &request{}))
		}
		requestOf(r.Context()).refusals = told
		next.ServeHTTP(w, r)
	})
}

func tellRefusal(ctx context.Context, status int, code string) {
	if told := requestOf(ctx).refusals; told != nil {
		told.log.InfoContext(ctx, "refused", "status", status, "code", code)
		told.count(code)
	}
}
