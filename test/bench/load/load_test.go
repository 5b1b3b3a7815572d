package load

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve returns the URL of a server.
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
		_, _ = fmt.Fprintf(w, `{"data":{%s"status":"%s"}}`, strings.Repeat(" ", 1<<20), body) // more than a chunk
	})
	l, err := Open(t.Context(), server, []*Exchange{{Path: "/a", Rows: 1}, {Path: "/b", Body: "b", Rows: 1}, {Path: "/c", Body: "c", Rows: 1}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	samples, _, err := l.Drive(t.Context(), 20*time.Millisecond)
	if err != nil || len(samples) < 4 || int64(len(samples)) != requests.Load()-3 {
		t.Fatalf("%d samples of %d requests, 3 of them in the rehearsal: %v", len(samples), requests.Load(), err)
	}
	for _, took := range samples {
		if took.First > took.Last {
			t.Errorf("first byte after %v, last after %v", took.First, took.Last)
		}
	}
	if took, err := l.First(); err != nil || took.Last == 0 {
		t.Errorf("the first request took %v: %v", took.Last, err)
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
		{"cut", 0, func(w http.ResponseWriter) { w.Header().Set("Content-Length", "99"); _, _ = io.WriteString(w, good) }, "ends after"},
		{"closed", 0, func(w http.ResponseWriter) { w.Header().Set("Connection", "close"); _, _ = io.WriteString(w, good) }, "closed"},
		{"silent", 0, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "no answer"},
		{"other later", 5, func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.ToLower(good)) }, "differs from"},
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
			l, err := Open(t.Context(), server, []*Exchange{{Path: "/", Rows: 1}}, 2)
			if err == nil {
				defer l.Close()
				_, _, err = l.Drive(t.Context(), time.Minute) // ends at the first failure of each connection
			}
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("error %v, want %q", err, c.problem)
			}
		})
	}
}

func TestRefusedClientsComeBack(t *testing.T) {
	t.Parallel()
	const good = `{"data":{"status":"ACTIVE"}}`
	for _, status := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if requests.Add(1) == 3 {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, `{"errors":[{"extensions":{"code":"OVERLOADED","retryAfterMs":1}}]}`)
					return
				}
				_, _ = io.WriteString(w, good)
			})
			l, err := Open(t.Context(), server, []*Exchange{{Path: "/", Rows: 1}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			l.Heeds = true
			for requests.Load() < 4 {
				if _, _, err := l.Drive(t.Context(), 20*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			if got := l.Refused(); got != 1 {
				t.Errorf("%d refusals, want 1", got)
			}
		})
	}
}
