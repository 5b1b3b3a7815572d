package httpd_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"leadgraph/internal/httpd"
)

const (
	app     = "https://app.example"
	maxBody = 4 << 10
)

// protect starts a server that echoes request bodies and is guarded by Protect.
func protect(t *testing.T, o httpd.BrowserOptions) *httptest.Server {
	t.Helper()
	return protectHandler(t, o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
}

func protectHandler(t *testing.T, o httpd.BrowserOptions, next http.Handler) *httptest.Server {
	t.Helper()
	o.MaxBody = maxBody
	handler, err := httpd.Protect(o, next)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpd.Routes(handler, nil, nil, nil))
	t.Cleanup(server.Close)
	return server
}

type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request with the given headers, as alternating names and values.
func send(t *testing.T, server *httptest.Server, method, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	// The default transport would request gzip by itself.
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(got)}
}

// mustRefuse checks that a request was refused with one GraphQL error.
func mustRefuse(t *testing.T, got answer, status int, code string) {
	t.Helper()
	var refused struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code, RequestID string }
		}
	}
	if err := json.Unmarshal([]byte(got.body), &refused); err != nil {
		t.Fatalf("%d %q: %v", got.status, got.body, err)
	}
	if got.status != status || len(refused.Errors) != 1 || refused.Errors[0].Message == "" {
		t.Fatalf("answer %d %s", got.status, got.body)
	}
	if e := refused.Errors[0].Extensions; e.Code != code || e.RequestID != got.header.Get("X-Request-Id") {
		t.Errorf("error %s", got.body)
	}
}

func TestForeignPagesAreRefused(t *testing.T) {
	t.Parallel()
	alone := protect(t, httpd.BrowserOptions{})
	listed := protect(t, httpd.BrowserOptions{Origins: []string{app, "http://localhost:3000"}})
	tests := []struct {
		name           string
		headers        []string
		alone, allowed bool
	}{
		{"no browser", nil, true, true},
		{"own page", []string{"Sec-Fetch-Site", "same-origin", "Origin", alone.URL}, true, true},
		{"address bar", []string{"Sec-Fetch-Site", "none"}, true, true},
		{"listed page", []string{"Sec-Fetch-Site", "cross-site", "Origin", app}, false, true},
		{"listed page of the same site", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:3000"}, false, true},
		{"listed page, old browser", []string{"Origin", app}, false, true},
		{"foreign page", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://foreign.example"}, false, false},
		{"foreign page, old browser", []string{"Origin", "https://foreign.example"}, false, false},
		{"foreign page of the same site", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:4000"}, false, false},
		{"image, script or link", []string{"Sec-Fetch-Site", "cross-site"}, false, false},
		{"sandboxed page", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, false, false},
		{"sandboxed page, old browser", []string{"Origin", "null"}, false, false},
		{"listed host, other scheme", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://app.example"}, false, false},
		{"listed host, other port", []string{"Sec-Fetch-Site", "cross-site", "Origin", app + ":8443"}, false, false},
		{"host below a listed one", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.app.example"}, false, false},
		{"listed origin as a prefix", []string{"Sec-Fetch-Site", "cross-site", "Origin", app + ".evil.example"}, false, false},
		{"unknown Sec-Fetch-Site", []string{"Sec-Fetch-Site", "x"}, false, false},
		{"WebSocket of a foreign page", []string{"Origin", "https://foreign.example", "Connection", "Upgrade", "Upgrade", "websocket"}, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				for server, allowed := range map[*httptest.Server]bool{alone: test.alone, listed: test.allowed} {
					got := send(t, server, method, "", append(test.headers, "Content-Type", "application/json")...)
					if !allowed {
						mustRefuse(t, got, http.StatusForbidden, "FORBIDDEN")
					} else if got.status != http.StatusOK {
						t.Errorf("%s: %d %s", method, got.status, got.body)
					}
					shared := got.header.Get("Access-Control-Allow-Origin")
					if server == alone && shared != "" || shared != "" && !test.allowed {
						t.Errorf("%s: shared with %q", method, shared)
					}
				}
			}
		})
	}
}

func TestListedPagesMayReadAnswersAndRefusals(t *testing.T) {
	t.Parallel()
	server := protect(t, httpd.BrowserOptions{Origins: []string{app}})
	for _, coding := range []string{"gzip", "br"} { // br is refused
		got := send(t, server, http.MethodPost, "", "Origin", app, "Sec-Fetch-Site", "cross-site", "Content-Encoding", coding)
		h := got.header
		if h.Get("Access-Control-Allow-Origin") != app || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", coding, h)
		}
		shared := strings.Split(h.Get("Access-Control-Expose-Headers"), ",")
		for _, name := range []string{"retry-after", "x-request-id", "etag", "accept-query", "export-cursor", "export-withheld"} {
			if !slices.Contains(shared, name) {
				t.Errorf("%s: pages cannot read %s", coding, name)
			}
		}
		if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: %v", coding, h)
		}
	}
}

func TestPreflights(t *testing.T) {
	t.Parallel()
	const asked = "Access-Control-Request-Headers"
	tests := []struct {
		name, origin, method, headers string
		allowed                       bool
	}{
		{"GraphQL with a token", app, "POST", "authorization,content-type,x-request-id", true},
		{"Apollo Client", app, "POST", "apollo-require-preflight,cache-control,content-type,traceparent", true},
		{"GET", app, "GET", "apollo-require-preflight", true},
		{"another method", app, "DELETE", "", false},
		{"another header", app, "POST", "x-http-method-override", false},
		{"foreign page", "https://foreign.example", "POST", "content-type", false},
		{"sandboxed page", "null", "POST", "content-type", false},
	}
	server := protect(t, httpd.BrowserOptions{Origins: []string{app}})
	withCredentials := protect(t, httpd.BrowserOptions{Origins: []string{app}, Credentials: true})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			headers := []string{"Origin", test.origin, "Access-Control-Request-Method", test.method, "Sec-Fetch-Site", "cross-site"}
			if test.headers != "" {
				headers = append(headers, asked, test.headers)
			}
			got := send(t, server, http.MethodOptions, "", headers...)
			h := got.header
			if !test.allowed {
				if got.status != http.StatusForbidden || h.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%d %v", got.status, h)
				}
				return
			}
			if got.status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != test.origin ||
				h.Get("Access-Control-Allow-Headers") != test.headers || h.Get("Access-Control-Max-Age") != "600" ||
				h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%d %v", got.status, h)
			}
			if got = send(t, withCredentials, http.MethodOptions, "", headers...); got.header.Get("Access-Control-Allow-Credentials") != "true" {
				t.Errorf("with credentials: %v", got.header)
			}
		})
	}
}

func TestRefusedBrowserOptions(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]httpd.BrowserOptions{
		"all origins":                  {Origins: []string{"*"}},
		"all below a host":             {Origins: []string{"https://*.example.com"}},
		"sandboxed pages":              {Origins: []string{"null"}},
		"path":                         {Origins: []string{app + "/"}},
		"no scheme":                    {Origins: []string{"app.example"}},
		"files":                        {Origins: []string{"file://x"}},
		"credentials for nobody":       {Credentials: true},
		"credentials over plain http":  {Origins: []string{"http://app.example"}, Credentials: true},
		"origin that no browser sends": {Origins: []string{"https://App.example"}},
	} {
		if _, err := httpd.Protect(options, http.NotFoundHandler()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	server := protect(t, httpd.BrowserOptions{LoopbackOnly: true})
	for _, host := range []string{"localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:80"} {
		if got := send(t, server, http.MethodPost, "", "Host", host); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", host, got.status, got.body)
		}
	}
	for _, host := range []string{"rebound.example", "rebound.example:8080", "localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]:80", "0.0.0.0"} {
		// If a page points its own host name here, the browser sees the same origin.
		got := send(t, server, http.MethodPost, "", "Host", host, "Sec-Fetch-Site", "same-origin", "Origin", "http://"+host)
		mustRefuse(t, got, http.StatusMisdirectedRequest, "FORBIDDEN")
	}
	if got := send(t, protect(t, httpd.BrowserOptions{}), http.MethodPost, "", "Host", "leads.example"); got.status != http.StatusOK {
		t.Errorf("other servers have names: %d", got.status)
	}
}

func TestSecurityHeadersAreOnEveryAnswer(t *testing.T) {
	t.Parallel()
	server := protect(t, httpd.BrowserOptions{Origins: []string{app}, LoopbackOnly: true})
	for name, headers := range map[string][]string{
		"answer":             nil,
		"foreign page":       {"Origin", "https://foreign.example"},
		"another host":       {"Host", "rebound.example"},
		"unsupported coding": {"Content-Encoding", "br"},
	} {
		got := send(t, server, http.MethodPost, "", headers...)
		for header, want := range map[string]string{
			"Cache-Control":                "no-store",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"Server":                       "",
			"X-Content-Type-Options":       "nosniff",
		} {
			if value := got.header.Get(header); value != want {
				t.Errorf("%s: %s is %q", name, header, value)
			}
		}
	}
}

func TestRefusalsHaveTheMediaTypeThatIsAccepted(t *testing.T) {
	t.Parallel()
	server := protect(t, httpd.BrowserOptions{})
	for accept, want := range map[string]string{
		"":    "application/json; charset=utf-8",
		"*/*": "application/json; charset=utf-8",
		"application/graphql-response+json, application/json;q=0.9": "application/graphql-response+json; charset=utf-8",
		"text/html": "application/json; charset=utf-8",
	} {
		got := send(t, server, http.MethodPost, "", "Origin", app, "Accept", accept)
		mustRefuse(t, got, http.StatusForbidden, "FORBIDDEN")
		if mediaType := got.header.Get("Content-Type"); mediaType != want {
			t.Errorf("%s: %s", accept, mediaType)
		}
	}
}
