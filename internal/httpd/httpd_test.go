package httpd_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"leadgraph/internal/httpd"
)

func TestRequestIDIsTakenOverOnlyIfHarmless(t *testing.T) {
	t.Parallel()
	var seen string
	handler := httpd.Routes(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = httpd.RequestID(r.Context()) }), nil, nil, nil)
	for _, given := range []string{"ticket-4711_a", "", "two words", "line\nbreak", strings.Repeat("x", 65)} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		request.Header["X-Request-Id"] = []string{given}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if seen == "" || answer.Header().Get("X-Request-Id") != seen {
			t.Errorf("%q: handler saw %q, client got %q", given, seen, answer.Header().Get("X-Request-Id"))
		}
		if taken := seen == given; taken != (given == "ticket-4711_a") {
			t.Errorf("%q became %q", given, seen)
		}
	}
}

func TestWithoutAPlaygroundOnlyTheEndpointIsServed(t *testing.T) {
	t.Parallel()
	handler := httpd.Routes(http.NotFoundHandler(), nil, nil, nil)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if answer.Code != http.StatusNotFound {
		t.Errorf("status %d", answer.Code)
	}
}

func TestRemoteIP(t *testing.T) {
	t.Parallel()
	var seen string
	handler := httpd.Routes(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = httpd.RemoteIP(r.Context()) }), nil, nil, nil)
	for address, want := range map[string]string{
		"192.0.2.7:1234":           "192.0.2.7",
		"[::ffff:192.0.2.7]:1234":  "192.0.2.7",
		"[2001:db8:1:2:3::4]:1234": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1234":      "fe80::/64",
		"@":                        "@", // a Unix socket
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		request.RemoteAddr = address
		handler.ServeHTTP(httptest.NewRecorder(), request)
		if seen != want {
			t.Errorf("%s: %s", address, seen)
		}
	}
}
