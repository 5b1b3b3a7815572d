// Package httpd is leadgraph's HTTP edge: routes, request ids, what browsers may
// do, each caller's share, time-outs, health and an orderly shutdown.
package httpd

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"regexp"
)

// Routes joins the GraphQL endpoint at /graphql, what the server says of its
// health and, unless it is nil, the playground at every other path, and gives
// each request its id.
func Routes(graphql, playground http.Handler, health *Health) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphql)
	health.mount(mux)
	if playground != nil {
		mux.Handle("/", playground)
	}
	return withRequestID(mux)
}

type requestKey struct{}

// request is what the context of a request knows of it.
type request struct{ id, remote string }

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// RemoteIP returns the address that the request of ctx came from, or "". It
// stands for a caller who has no other name, so of IPv6 it is the network, of
// which anybody has all addresses. Behind a proxy it is the proxy's.
func RemoteIP(ctx context.Context) string { return requestOf(ctx).remote }

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	address, notIP := netip.ParseAddr(host)
	if err != nil || notIP != nil {
		return r.RemoteAddr
	}
	if address = address.Unmap().WithZone(""); address.Is6() {
		network, _ := address.Prefix(64) // fits
		return network.String()
	}
	return address.String()
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
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, request{id, remoteIP(r)})))
	})
}
