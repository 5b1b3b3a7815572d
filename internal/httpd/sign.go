package httpd

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"leadgraph/internal/errcode"
	"leadgraph/internal/loopback"
)

// clientHeaders are headers that GraphQL clients and other scripts set. A page of
// another origin cannot send them without a preflight, and no proxy adds them.
var clientHeaders = []string{
	"Apollo-Require-Preflight", "X-Apollo-Operation-Name", "X-Apollo-Operation-Id", "X-Apollo-Operation-Type", "Apollographql-Client-Name", "Apollographql-Client-Version",
	"Graphql-Require-Preflight", "Graphql-Client-Name", "Graphql-Client-Version", "X-Graphql-Client-Name", "X-Graphql-Client-Version", "X-Graphql-Operation-Name", "X-Graphql-Yoga-Csrf",
	"X-Graphql-Event-Stream-Token", "X-Requested-With", "X-Csrf-Token",
}

// forwarded are headers by which a proxy shows itself.
var forwarded = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// signedGET refuses a GET that carries the text of a document but no credentials,
// unless it also has a sign that a page of another origin cannot give without a
// preflight. Browsers send neither Origin nor, over plain http, Sec-Fetch-Site with
// an image of a foreign page, so the absence of both proves nothing. A request that
// only names a document needs no sign: it runs nothing but known documents.
//
// signedGET must come after the check of origins. local is set if next accepts only
// the names of this machine's loopback address.
func signedGET(local bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
			r.URL.Query().Get("query") != "" && !isSigned(r) && (!local || !fromThisMachine(r)) {
			Refuse(w, r, http.StatusForbidden, errcode.Forbidden,
				"GET needs a sign that it does not come from a page of another origin, such as the header Apollo-Require-Preflight: true. Or use POST.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isSigned reports whether a request that passed the check of origins cannot have
// been sent by a page of another origin.
func isSigned(r *http.Request) bool {
	h := r.Header
	switch {
	case h.Get("Authorization") != "", h.Get("Origin") != "": // a foreign origin has been refused
		return true
	case h.Get("Sec-Fetch-Site") == "same-origin", h.Get("Sec-Fetch-Site") == "none":
		return true
	}
	if mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")) {
		return true
	}
	for _, name := range clientHeaders {
		if h.Get(name) != "" {
			return true
		}
	}
	// An EventSource can set no header. Over plain http on a host of one's own, browsers
	// send Referer as its only sign. A page can leave Referer out but not forge it.
	from, err := url.Parse(h.Get("Referer"))
	return err == nil && (from.Scheme == "http" || from.Scheme == "https") && from.Host != "" && strings.EqualFold(from.Host, r.Host)
}

// fromThisMachine reports whether a request came over loopback and not through a
// proxy. To a loopback name, browsers send Sec-Fetch-Site even over plain http, so a
// request without it is not a browser's.
func fromThisMachine(r *http.Request) bool {
	for _, name := range forwarded {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && loopback.Is(host)
}
