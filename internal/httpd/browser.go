package httpd

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jub0bs/cors"

	"leadgraph/internal/accept"
	"leadgraph/internal/errcode"
	"leadgraph/internal/loopback"
)

// BrowserOptions configure which web pages may use the API and how large a request
// may be.
type BrowserOptions struct {
	// Origins lists the web origins, such as https://app.example.com, whose pages
	// may call the API. If it is empty, only pages of the API's own origin may.
	// Wildcards are refused.
	Origins []string
	// Headers lists request headers that those pages may send, besides those that
	// common clients and tracers add.
	Headers []string
	// Credentials allows those pages to send the credentials that the browser holds
	// for the API, such as the cookies of a proxy in front. Bearer tokens do not
	// need it.
	Credentials bool
	// LoopbackOnly refuses requests whose Host is not this machine's loopback name
	// or address. A server that listens on loopback without authentication needs
	// it: a page can point its own host name at the loopback address, and the
	// browser then treats it as the same origin.
	LoopbackOnly bool
	// MaxBody is the maximum size of a request body in bytes, both as sent and
	// decompressed.
	MaxBody int64
	// Logger receives a line about a refused page, at most one a second. Optional.
	Logger *slog.Logger
	// Now is the clock of that bound; time.Now if nil.
	Now func() time.Time
}

// Protect guards an API against other pages that its callers' browsers visit. It
// also handles compression of requests and answers. The handler is safe for
// concurrent use. It refuses pages of foreign origins with any method, so a
// WebSocket upgrade that reaches next comes from an allowed origin or not from a
// browser.
func Protect(o BrowserOptions, next http.Handler) (http.Handler, error) {
	next, err := withCompression(o.MaxBody, next)
	if err != nil {
		return nil, err
	}
	if next, err = withOrigins(o, signedGET(o.LoopbackOnly, next)); err != nil {
		return nil, err
	}
	if o.LoopbackOnly {
		next = loopbackOnly(next)
	}
	return withSecurityHeaders(next), nil
}

// securityHeaders are shared by all answers. Their values have no room for another one,
// so that Header.Add copies them.
var securityHeaders = http.Header{
	"Cache-Control":                {"no-store"},
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
}

// withSecurityHeaders restricts what a browser may do with an answer, which is
// data and never a page. Cross-Origin-Resource-Policy restricts only embedding;
// CORS decides what another origin's scripts may read.
func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), securityHeaders)
		next.ServeHTTP(w, r)
	})
}

// exportHeaders are the headers of an export, which its client must be able to read.
var exportHeaders = []string{
	"Content-Disposition", "Export-As-Of", "Export-Cursor", "Export-Freshness", "Export-Revision", "Export-Total", "Export-Unreadable", "Export-Withheld",
}

// preflightAge is how long a browser may cache a preflight, in seconds. A
// preflight costs a round trip, and the origins change only on a restart.
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
	pages := newRefusedPages(o.Logger, o.Now)
	next = refuseForeign(foreign, pages, next)
	if len(o.Origins) == 0 {
		if o.Credentials {
			return nil, errors.New("credentials require at least one listed origin")
		}
		return next, nil
	}
	headers := allowedHeaders(o.Headers)
	shared, err := cors.NewMiddleware(cors.Config{
		Origins:         o.Origins,
		Credentialed:    o.Credentials,
		Methods:         []string{http.MethodGet, http.MethodPost, "QUERY"},
		RequestHeaders:  headers,
		ResponseHeaders: append([]string{"Accept-Query", "ETag", "Retry-After", "X-Request-Id"}, exportHeaders...),
		MaxAgeInSeconds: preflightAge,
	})
	if err != nil {
		return nil, err
	}
	// CORS comes first, so that a listed page can also read the reason of a refusal.
	return pages.notePreflights(o, headers, shared.Wrap(next)), nil
}

// refuseForeign applies the rule for POST to every method. The standard library
// lets GET pass because it should have no side effects, but a page could use GET
// to make its visitors' browsers consume the platform's capacity.
func refuseForeign(foreign *http.CrossOriginProtection, pages *refusedPages, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asPost := &http.Request{Method: http.MethodPost, Header: r.Header, Host: r.Host}
		if foreign.Check(asPost) != nil {
			pages.note(r, slog.String("reason", "the origin is not listed in --cors-origin"), slog.String("site", clean(r.Header.Get("Sec-Fetch-Site"))))
			Refuse(w, r, http.StatusForbidden, errcode.Forbidden, "Pages from this origin may not use the API.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackOnly refuses requests whose Host is neither localhost nor a loopback
// address.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil { // no port
			host = strings.Trim(r.Host, "[]")
		}
		if !loopback.Is(host) {
			Refuse(w, r, http.StatusMisdirectedRequest, errcode.Forbidden, "This server accepts only requests to localhost.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Refuse answers a request that did not become a GraphQL operation. The answer
// holds one error and has the media type of GraphQL over HTTP if the client
// accepts it. The code must be one of package errcode.
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
	if err != nil { // strings always encode
		panic(err)
	}
	const typeJSON, typeGraphQL = "application/json", "application/graphql-response+json"
	mediaType, _ := accept.Choose(accept.Parse(r.Header.Values("Accept")), typeJSON, typeGraphQL)
	w.Header().Set("Content-Type", cmp.Or(mediaType, typeJSON)+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client has left
	tellRefusal(r.Context(), status, code)
}
