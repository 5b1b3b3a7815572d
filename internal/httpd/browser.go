package httpd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/jub0bs/cors"

	"leadgraph/internal/accept"
)

// BrowserOptions say which browsers may use the API and how large a request may
// be.
type BrowserOptions struct {
	// Origins lists the web origins, such as https://app.example.com, whose pages
	// may call the API; without one, only pages of the API's own origin may. Each
	// is written out: wildcards are refused.
	Origins []string
	// Credentials lets those pages send what the browser holds for the API, such
	// as the cookies of a proxy in front. Bearer tokens do not need it.
	Credentials bool
	// LoopbackOnly refuses requests that were sent to the name of another
	// machine. A server on a loopback address that asks nobody who he is needs
	// it: a page can point its own name at that address and is then of the same
	// origin to the browser.
	LoopbackOnly bool
	// MaxBody bounds a request body in bytes, as it was sent and decompressed.
	MaxBody int64
}

// Protect guards an API against pages that its callers' browsers visit, and
// handles compression of requests and answers. It is safe for concurrent use.
// Pages of foreign origins are refused whatever the method, so that a WebSocket
// upgrade that reaches next comes from an allowed origin or from no browser.
func Protect(o BrowserOptions, next http.Handler) (http.Handler, error) {
	next, err := withCompression(o.MaxBody, next)
	if err != nil {
		return nil, err
	}
	if next, err = withOrigins(o, next); err != nil {
		return nil, err
	}
	if o.LoopbackOnly {
		next = loopbackOnly(next)
	}
	return withSecurityHeaders(next), nil
}

// withSecurityHeaders says what a browser may do with an answer, which is data
// and never a page. The resource policy speaks only of embedding: what another
// origin's scripts may read is up to CORS.
func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// preflightAge is how long, in seconds, a browser may remember a preflight: it
// costs a round trip, and the origins change only when the server restarts.
const preflightAge = 600

// withOrigins answers CORS preflights and refuses pages of foreign origins.
func withOrigins(o BrowserOptions, next http.Handler) (http.Handler, error) {
	foreign := http.NewCrossOriginProtection()
	for _, origin := range o.Origins {
		if strings.Contains(origin, "*") {
			return nil, fmt.Errorf("origin %q: wildcards are not supported", origin)
		}
		if err := foreign.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	next = refuseForeign(foreign, next)
	if len(o.Origins) == 0 {
		if o.Credentials {
			return nil, errors.New("credentials are for the pages of listed origins, and none is listed")
		}
		return next, nil
	}
	shared, err := cors.NewMiddleware(cors.Config{
		Origins:      o.Origins,
		Credentialed: o.Credentials,
		Methods:      []string{http.MethodGet, http.MethodPost},
		RequestHeaders: []string{
			"Accept", "Authorization", "Cache-Control", "Content-Encoding", "Content-Type", "X-Request-Id",
			"Apollo-Require-Preflight", "ApolloGraphQL-Client-Name", "ApolloGraphQL-Client-Version",
			"X-Apollo-Operation-Name", "Traceparent", "Tracestate",
		},
		ResponseHeaders: []string{"Retry-After", "X-Request-Id"},
		MaxAgeInSeconds: preflightAge,
	})
	if err != nil {
		return nil, err
	}
	// Outside, so that a listed page can also read why it was refused.
	return shared.Wrap(next), nil
}

// refuseForeign holds every method to the rule for POST. The standard library
// lets GET pass because it should change nothing, but a page could make its
// visitors' browsers spend the platform's capacity with it.
func refuseForeign(foreign *http.CrossOriginProtection, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asPost := &http.Request{Method: http.MethodPost, Header: r.Header, Host: r.Host}
		if foreign.Check(asPost) != nil {
			Refuse(w, r, http.StatusForbidden, "FORBIDDEN", "Pages of this origin may not use the API.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackOnly answers only requests whose Host is this machine to itself.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil { // no port
			host = strings.Trim(r.Host, "[]")
		}
		address, err := netip.ParseAddr(host)
		if !strings.EqualFold(host, "localhost") && (err != nil || !address.Unmap().IsLoopback()) {
			Refuse(w, r, http.StatusMisdirectedRequest, "FORBIDDEN", "This server answers only to localhost.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Refuse answers a request that did not become a GraphQL operation with one
// error, in the media type of GraphQL over HTTP if the client accepts it. Code
// is one of the closed list of docs/design.md section 6.
func Refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	type failure struct {
		Message    string            `json:"message"`
		Extensions map[string]string `json:"extensions"`
	}
	extensions := map[string]string{"code": code}
	if id := RequestID(r.Context()); id != "" {
		extensions["requestId"] = id
	}
	body, err := json.Marshal(map[string][]failure{"errors": {{message, extensions}}})
	if err != nil { // texts always encode
		panic(err)
	}
	const typeJSON, typeGraphQL = "application/json", "application/graphql-response+json"
	mediaType, _ := accept.Choose(accept.Parse(r.Header.Values("Accept")), typeJSON, typeGraphQL)
	w.Header().Set("Content-Type", cmp.Or(mediaType, typeJSON)+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left cannot be told so
	tellRefusal(r.Context(), status, code)
}
