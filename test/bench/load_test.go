package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestLoad(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Cache-Control") != "no-cache" || r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = fmt.Fprintf(w, `{"data":{%s"status":"%s"}}`, strings.Repeat(" ", 1<<20), body) // longer than a chunk
	})
	l, err := openLoad(t.Context(), server, []*exchange{{path: "/a", rows: 1}, {path: "/b", body: "b", rows: 1}, {path: "/c", body: "c", rows: 1}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	samples, _, err := l.drive(t.Context(), 20*time.Millisecond)
	if err != nil || len(samples) < 4 || int64(len(samples)) != requests.Load()-3 {
		t.Fatalf("%d samples of %d requests, 3 of them in the rehearsal: %v", len(samples), requests.Load(), err)
	}
	got := summarise(samples, time.Second, cpuUse{server: time.Second / 2})
	if got.Requests != len(samples) || got.Rate != float64(len(samples)) || got.P50 > got.P99 || got.FirstByte > got.P99 || got.Busy != 0.5 {
		t.Errorf("summary %+v", got)
	}
}

func TestLoadFailsOnWrongAnswers(t *testing.T) {
	t.Parallel()
	const good = `{"data":{"status":"ACTIVE"}}`
	for _, c := range []struct {
		name    string
		after   int64 // good answers
		bad     func(http.ResponseWriter)
		problem string
	}{
		{"refused", 0, func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, "status 503"},
		{"errors", 0, func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"errors":[]}`) }, "has errors"},
		{"cut", 0, func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99"); _, _ = io.WriteString(w, good) }, "breaks off"},
		{"closed", 0, func(w http.ResponseWriter) { w.Header().Set("Connection", "close"); _, _ = io.WriteString(w, good) }, "closed"},
		{"silent", 0, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "no answer"},
		{"other later", 5, func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.ToLower(good)) }, "not the one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if requests.Add(1) > c.after {
					c.bad(w)
					return
				}
				_, _ = io.WriteString(w, good)
			})
			l, err := openLoad(t.Context(), server, []*exchange{{path: "/", rows: 1}}, 2)
			if err == nil {
				defer l.close()
				_, _, err = l.drive(t.Context(), time.Minute) // ends with the first failure of each connection
			}
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("error %v, want %q", err, c.problem)
			}
		})
	}
}

func TestProxyPassesThroughWithToken(t *testing.T) {
	t.Parallel()
	platform, err := sandbox.New(sandbox.Options{Leads: 10})
	if err != nil {
		t.Fatal(err)
	}
	upstream := serve(t, platform.ServeHTTP)
	bearer, err := token(t.Context(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	proxy := serve(t, newProxy(target, bearer).ServeHTTP)
	l, err := openLoad(t.Context(), proxy, []*exchange{restPage(0, 7), restPage(1, 5)}, 2)
	if err != nil {
		t.Fatal(err)
	}
	l.close()
	if calls, err := upstreamCalls(t.Context(), upstream); err != nil || calls != 2 {
		t.Errorf("%d upstream calls, %v, want 2", calls, err)
	}
}
