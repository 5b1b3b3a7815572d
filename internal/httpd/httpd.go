// Package httpd provides the HTTP server: routes, request ids, protection against
// foreign web pages, each caller's share of the server, timeouts, health and an
// orderly shutdown.
package httpd

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
)

// ExportPath is the path of exports.
const ExportPath = "/export"

// Routes returns a handler that serves the API at /graphql and /export, the health
// endpoints and, unless playground is nil, the playground at every other path. It
// gives each request an id. The proxies are those that are believed.
func Routes(api, playground http.Handler, health *Health, proxies Proxies) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/graphql", api)
	mux.Handle(ExportPath, api)
	health.mount(mux)
	if playground != nil {
		mux.Handle("/", playground)
	}
	return withRequestID(proxies, mux)
}

type requestKey struct{}

// request is the data about a request that its context carries.
type request struct {
	id, remote string
	refusals   *refusals // nil outside of WithRefusals
}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// RemoteIP returns the address that the request of ctx came from, or "". It
// identifies a caller who has no other name. For IPv6 it is the /64 network, since
// one client can use all addresses in it. With a proxy in front that is not trusted
// it is the proxy's address.
func RemoteIP(ctx context.Context) string { return requestOf(ctx).remote }

// acceptable matches request ids that are safe in a log and a header.
var acceptable = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withRequestID uses the caller's X-Request-Id if it is safe, or else generates
// one. It returns the id in the response's X-Request-Id.
func withRequestID(proxies Proxies, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !acceptable.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, &request{id: id, remote: proxies.client(r)})))
	})
}
