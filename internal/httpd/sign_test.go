package httpd_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"leadgraph/internal/httpd"
)

// get sends a GET with a document, to a server that has the given name.
func get(t *testing.T, server *httptest.Server, path, host string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// A page can make its visitors' browsers send a GET without Origin, and over plain
// http without Sec-Fetch-Site. No header of such a page is enough. Each header that it
// cannot send without a preflight is.
func TestGETNeedsASign(t *testing.T) {
	t.Parallel()
	const host, document = "leads.example:8080", "/graphql?query=%7B__typename%7D"
	server := protect(t, httpd.BrowserOptions{Origins: []string{app}})
	for name, headers := range map[string][]string{
		"nothing":                            nil,
		"an image":                           {"Accept", "image/*", "User-Agent", "Mozilla/5.0"},
		"a script without CORS":              {"Accept", "text/event-stream", "Accept-Language", "en", "Content-Language", "en"},
		"a form":                             {"Content-Type", "text/plain"},
		"another form":                       {"Content-Type", "application/x-www-form-urlencoded"},
		"a third form":                       {"Content-Type", "multipart/form-data; boundary=x"},
		"cookies":                            {"Cookie", "session=1"},
		"a foreign Referer":                  {"Referer", "http://foreign.example/page"},
		"a foreign Referer with our name":    {"Referer", "http://foreign.example/" + host},
		"our name on another port":           {"Referer", "http://leads.example:9090/"},
		"our name as a user":                 {"Referer", "http://leads.example:8080@foreign.example/"},
		"what proxies add":                   {"Traceparent", "00-1-1-00", "X-Request-Id", "1", "X-Forwarded-For", "10.0.0.1", "Via", "1.1 x"},
		"a client's header without a value":  {"Apollo-Require-Preflight", ""},
		"a client's header of another kind":  {"X-Apollo", "1"},
		"an Authorization without any value": {"Authorization", ""},
	} {
		got := get(t, server, document, host, headers...)
		if got.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, got.status, got.body)
			continue
		}
		mustRefuse(t, got, http.StatusForbidden, "FORBIDDEN")
	}
	for name, headers := range map[string][]string{
		"credentials":                {"Authorization", "Bearer x"},
		"own page":                   {"Sec-Fetch-Site", "same-origin"},
		"address bar":                {"Sec-Fetch-Site", "none"},
		"listed page":                {"Origin", app, "Sec-Fetch-Site", "cross-site"},
		"own page with Origin":       {"Origin", "http://" + host},
		"JSON":                       {"Content-Type", "application/json; charset=utf-8"},
		"GraphQL's JSON":             {"Content-Type", "application/graphql+json"},
		"Apollo Client":              {"Apollo-Require-Preflight", "true"},
		"Apollo's iOS client":        {"X-Apollo-Operation-Name", "Leads"},
		"Apollo's client awareness":  {"ApolloGraphQL-Client-Name", "web"},
		"a GraphQL client":           {"GraphQL-Require-Preflight", "1"},
		"graphql clients' awareness": {"X-GraphQL-Client-Name", "web"},
		"Hive's client awareness":    {"GraphQL-Client-Name", "web"},
		"Apollo's operation type":    {"X-Apollo-Operation-Type", "query"},
		"XMLHttpRequest":             {"X-Requested-With", "XMLHttpRequest"},
		"EventSource of an own page": {"Accept", "text/event-stream", "Referer", "http://" + host + "/dashboard"},
	} {
		if got := get(t, server, document, host, headers...); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// These name a document and send none, so they run nothing that is not known.
	for _, path := range []string{"/graphql?documentId=x", "/graphql?extensions=%7B%7D&query="} {
		if got := get(t, server, path, host); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// Browsers send Sec-Fetch-Site to a loopback name, so a GET without it is a tool's,
// unless a proxy has changed the name.
func TestGETOnLoopbackNeedsNoSign(t *testing.T) {
	t.Parallel()
	const document = "/graphql?query=%7B__typename%7D"
	local, open := protect(t, httpd.BrowserOptions{LoopbackOnly: true}), protect(t, httpd.BrowserOptions{})
	if got := get(t, local, document, "127.0.0.1:8080"); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	mustRefuse(t, get(t, local, document, "127.0.0.1:8080", "X-Forwarded-For", "10.0.0.1"), http.StatusForbidden, "FORBIDDEN")
	mustRefuse(t, get(t, local, document, "127.0.0.1:8080", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "FORBIDDEN")
	mustRefuse(t, get(t, open, document, "127.0.0.1:8080"), http.StatusForbidden, "FORBIDDEN")
}

// What tracers and clients add to requests by themselves needs no setting.
func TestPreflightsAllowWhatLibrariesAdd(t *testing.T) {
	t.Parallel()
	server := protect(t, httpd.BrowserOptions{Origins: []string{app}, Headers: []string{"X-Own", "traceparent"}})
	for library, headers := range map[string]string{
		"Sentry":                 "baggage,content-type,sentry-trace",
		"OpenTelemetry":          "baggage,traceparent,tracestate",
		"Datadog":                "traceparent,tracestate,x-datadog-origin,x-datadog-parent-id,x-datadog-sampling-priority,x-datadog-trace-id",
		"Application Insights":   "request-context,request-id,traceparent",
		"Zipkin":                 "b3,x-b3-parentspanid,x-b3-sampled,x-b3-spanid,x-b3-traceid",
		"Apollo Client":          "apollo-require-preflight,apollographql-client-name,apollographql-client-version,x-apollo-operation-name,x-apollo-operation-type",
		"GraphQL clients":        "graphql-client-name,graphql-client-version,graphql-require-preflight,x-graphql-client-name,x-graphql-client-version,x-requested-with",
		"graphql-sse":            "last-event-id,x-graphql-event-stream-token",
		"a setting":              "x-own",
		"a setting in lowercase": "authorization,traceparent,x-own",
	} {
		got := send(t, server, http.MethodOptions, "", "Origin", app, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", headers)
		if got.status != http.StatusNoContent || got.header.Get("Access-Control-Allow-Headers") != headers {
			t.Errorf("%s: %d %v", library, got.status, got.header)
		}
	}
}

// The log names what was refused, so that somebody can allow it. Pages choose these
// names, so they are bounded and cleaned, and there is one line a second.
func TestRefusedPagesAreLoggedByName(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	now := time.Now()
	handler, err := httpd.Protect(httpd.BrowserOptions{
		Origins: []string{app}, MaxBody: maxBody, Logger: slog.New(slog.NewJSONHandler(&text, nil)), Now: func() time.Time { return now },
	}, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	line := func(method string, headers ...string) string {
		text.Reset()
		r := httptest.NewRequestWithContext(t.Context(), method, "/graphql", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		return text.String()
	}
	const asked, names = "Access-Control-Request-Method", "Access-Control-Request-Headers"
	for _, test := range []struct {
		method  string
		headers []string
		want    string
	}{
		{http.MethodPost, []string{"Origin", "https://foreign.example:8443"}, `"origin":"https://foreign.example:8443"`},
		{http.MethodGet, []string{"Sec-Fetch-Site", "cross-site"}, `"site":"cross-site"`},
		{http.MethodOptions, []string{"Origin", "https://other.example", asked, "POST"}, `"origin":"https://other.example"`},
		{http.MethodOptions, []string{"Origin", app, asked, "POST", names, "content-type,x-new"}, `"headers":["x-new"]`},
		{http.MethodOptions, []string{"Origin", app, asked, "PUT"}, `"method":"PUT"`},
		{http.MethodPost, []string{"Origin", "https://\"}\n" + strings.Repeat("x", 1000)}, `"origin":"https://???x`},
	} {
		now = now.Add(time.Second)
		if got := line(test.method, test.headers...); !strings.Contains(got, test.want) || len(got) > 500 || strings.Count(got, "\n") != 1 {
			t.Errorf("%v: logged %s", test.headers, got)
		}
	}
	for range 20 {
		if got := line(http.MethodPost, "Origin", "https://foreign.example"); got != "" {
			t.Errorf("a second line in one second: %s", got)
		}
	}
	now = now.Add(time.Second)
	if got := line(http.MethodPost, "Origin", "https://foreign.example"); !strings.Contains(got, `"notShown":20`) {
		t.Errorf("logged %s", got)
	}
	now = now.Add(time.Second)
	if got := line(http.MethodOptions, "Origin", app, asked, "POST", names, "content-type,sentry-trace"); got != "" {
		t.Errorf("an allowed page was logged: %s", got)
	}
}

// An operator's browser must not give other pages access to profiles and metrics.
func TestAdminRefusesForeignPages(t *testing.T) {
	t.Parallel()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })
	health := httpd.NewHealth()
	for _, test := range []struct {
		name    string
		local   bool
		host    string
		headers []string
		status  int
	}{
		{"Prometheus", false, "10.0.0.7:9090", nil, http.StatusOK},
		{"Prometheus, by name", false, "leadgraph:9090", nil, http.StatusOK},
		{"an operator's tool", true, "localhost:9090", nil, http.StatusOK},
		{"a name that was pointed here", true, "rebound.example:9090", []string{"Sec-Fetch-Site", "same-origin"}, http.StatusMisdirectedRequest},
		{"a foreign page", false, "10.0.0.7:9090", []string{"Origin", "https://foreign.example"}, http.StatusForbidden},
		{"a foreign image", true, "127.0.0.1:9090", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
	} {
		handler := httpd.Admin(httpd.AdminOptions{Health: health, Metrics: metrics, LoopbackOnly: test.local})
		for _, path := range []string{"/metrics", "/debug/pprof/heap?debug=1", "/readyz"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Host = test.host
			for i := 0; i < len(test.headers); i += 2 {
				r.Header.Set(test.headers[i], test.headers[i+1])
			}
			got, want := httptest.NewRecorder(), test.status
			if path == "/readyz" { // open to every prober
				want = http.StatusOK
			}
			if handler.ServeHTTP(got, r); got.Code != want {
				t.Errorf("%s, %s: %d, want %d", test.name, path, got.Code, want)
			}
		}
	}
}
