// Package httpd is leadgraph's HTTP edge: routes, request ids, time-outs and an
// orderly shutdown.
package httpd

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"time"
)

// Bounds on a connection. They keep a slow or silent client from holding one;
// the time for an operation is the GraphQL handler's affair.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 8 * time.Second
	writeTimeout  = time.Minute // a large answer over a slow line
	idleTimeout   = 30 * time.Second
	maxHeader     = 16 << 10
)

// Routes joins the GraphQL endpoint at /graphql and, unless it is nil, the
// playground at every other path, and gives each request its id.
func Routes(graphql, playground http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphql)
	if playground != nil {
		mux.Handle("/", playground)
	}
	return withRequestID(mux)
}

type requestIDKey struct{}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// acceptable is a caller's request id that is safe in a log and a header.
var acceptable = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withRequestID takes over the caller's X-Request-Id if it is harmless,
// otherwise it makes one, and answers with it.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !acceptable.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// Serve answers requests on listener until ctx ends, then lets running ones
// finish for at most drain and cancels the rest. It closes the listener. The
// error is nil after an orderly end.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, drain time.Duration, log *slog.Logger) error {
	// Shutdown neither waits for WebSockets nor ends them: they end with this.
	sockets, endSockets := context.WithCancel(context.WithoutCancel(ctx))
	defer endSockets()
	server := &http.Server{
		BaseContext:       func(net.Listener) context.Context { return sockets },
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(limit)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if closed := <-failed; !errors.Is(closed, http.ErrServerClosed) {
		err = errors.Join(err, closed)
	}
	return err
}
