package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start returns the URL of a proxy.
func start(t *testing.T, kind, target string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	from, to := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- proxy.Serve(ctx, kind, target, strings.NewReader("secret\n"), to) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the proxy ended: %v", err)
		}
	})
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "endpoint: "))
}

func TestProxiesPassThroughWithToken(t *testing.T) {
	t.Parallel()
	// The sizes are below, at and above what fits into a buffer.
	sizes := []int{0, 1, 16<<10 - 1, 16 << 10, 1 << 20}
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var size int
		_, _ = fmt.Sscan(r.URL.Query().Get("size"), &size)
		body := `{"status":"` + strings.Repeat(r.URL.Query().Get("letter"), size) + `"}`
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(platform.Close)
	for _, kind := range []string{proxy.Reverse, proxy.Pooled, proxy.Splice} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var pages []*load.Exchange
			for i, size := range sizes {
				letter := string(rune('a' + i))
				pages = append(pages, &load.Exchange{
					Path: fmt.Sprintf("/leads?size=%d&letter=%s", size, letter), Rows: 1,
					Check: func(answer []byte) error {
						if want := `{"status":"` + strings.Repeat(letter, size) + `"}`; string(answer) != want {
							return fmt.Errorf("%d bytes instead of %d", len(answer), len(want))
						}
						return nil
					},
				})
			}
			l, err := load.Open(t.Context(), start(t, kind, platform.URL), pages, 3)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if samples, _, err := l.Drive(t.Context(), 0); err != nil || len(samples) != 3 {
				t.Errorf("%d answers, %v", len(samples), err)
			}
		})
	}
}

func TestTheSplicerWantsALength(t *testing.T) {
	t.Parallel()
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":""}`)
		_ = http.NewResponseController(w).Flush() // so that the answer comes in chunks
	}))
	t.Cleanup(platform.Close)
	l, err := load.Open(t.Context(), start(t, proxy.Splice, platform.URL), []*load.Exchange{{Path: "/", Rows: 1}}, 1)
	if err == nil {
		l.Close()
		t.Error("an answer without a length was passed on")
	}
}
