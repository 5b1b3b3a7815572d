package httpd_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"leadgraph/internal/httpd"
)

func probe(t *testing.T, handler http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	request.Host = "10.0.0.7:8080" // as a kubelet sends it
	handler.ServeHTTP(answer, request)
	return answer
}

func check(name string, fault httpd.Readiness, detail string, fails bool) httpd.Check {
	return httpd.Check{Name: name, Detail: detail, Fault: fault, Fails: func() bool { return fails }}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	platform := check("platform", httpd.Degraded, "The platform fails.", true)
	keys := check("keys", httpd.NotReady, "No keys were read.", true)
	fine := check("redis", httpd.Degraded, "not shown", false)
	tests := map[string]struct {
		checks []httpd.Check
		status int
		body   string
	}{
		"nothing to check": {nil, 200, `{"status":"ready"}`},
		"ready":            {[]httpd.Check{fine}, 200, `{"status":"ready"}`},
		"degraded": {[]httpd.Check{fine, platform}, 200,
			`{"status":"degraded","checks":[{"name":"platform","status":"degraded","detail":"The platform fails."}]}`},
		"the worst counts": {[]httpd.Check{keys, platform}, 503,
			`{"status":"not ready","checks":[{"name":"keys","status":"not ready","detail":"No keys were read."},{"name":"platform","status":"degraded","detail":"The platform fails."}]}`},
	}
	playground := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "playground") })
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := httpd.Routes(http.NotFoundHandler(), playground, httpd.NewHealth(test.checks...), nil)
			if got := probe(t, handler, http.MethodGet, "/readyz"); got.Code != test.status || got.Body.String() != test.body {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			if got := probe(t, handler, http.MethodHead, "/readyz"); got.Code != test.status {
				t.Errorf("HEAD: %d", got.Code)
			}
			if got := probe(t, handler, http.MethodGet, "/healthz"); got.Code != http.StatusOK || got.Body.String() != `{"status":"alive"}` {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			if got := probe(t, handler, http.MethodPost, "/healthz"); got.Code != http.StatusMethodNotAllowed {
				t.Errorf("POST: %d %s", got.Code, got.Body)
			}
			for _, path := range []string{"/metrics", "/debug/pprof/heap"} {
				if got := probe(t, handler, http.MethodGet, path); got.Body.String() != "playground" {
					t.Errorf("%s: %d %.100s", path, got.Code, got.Body)
				}
			}
		})
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })
	handler := httpd.Admin(httpd.AdminOptions{Health: httpd.NewHealth(), Metrics: metrics})
	for path, want := range map[string]string{
		"/readyz": "ready", "/healthz": "alive", "/metrics": "metrics", "/debug/pprof/": "goroutine", "/debug/pprof/heap?debug=1": "heap profile",
	} {
		if got := probe(t, handler, http.MethodGet, path); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %.100s", path, got.Code, got.Body)
		}
	}
	for _, path := range []string{"/", "/debug/pprof/cmdline"} {
		if got := probe(t, handler, http.MethodGet, path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := probe(t, httpd.Admin(httpd.AdminOptions{Health: httpd.NewHealth()}), http.MethodGet, "/metrics"); got.Code != http.StatusNotFound {
		t.Errorf("without metrics: %d", got.Code)
	}
}

func TestStartServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	bound, stop, err := httpd.Start(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+bound.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	stop()
	if response, err = client.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("it still serves")
	}
}
