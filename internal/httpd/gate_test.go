package httpd_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/admission"
	"leadgraph/internal/httpd"
)

// fullDoor returns a door that refuses everybody until free is called.
func fullDoor(t *testing.T) (door *admission.Door, free func()) {
	door = admission.New(admission.Options{InFlight: 100, Queue: 1, Wait: time.Hour, Tokens: 1})
	slot, _ := door.Enter(t.Context(), "other")
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if slot, _ := door.Enter(ctx, "other"); slot != nil {
			slot.Release()
		}
	})
	synctest.Wait()
	return door, func() {
		leave()
		waiting.Wait()
		slot.Release()
	}
}

// TestRefusalsCostNothing checks that a refusal is sent at once and before the body
// was read, that whoever comes back at once waits, and that health is answered.
func TestRefusalsCostNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door, free := fullDoor(t)
		var refused, passed atomic.Int32
		gate := httpd.Gate{Door: door, Refused: func() { refused.Add(1) }}
		inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			passed.Add(1)
			w.WriteHeader(http.StatusNoContent)
		})
		s := serve(t, httpd.Server{Handler: httpd.Routes(gate.Wrap(inner), nil, httpd.NewHealth(), nil)})
		ask := func(path, origin string, body io.Reader) (status int, text string, took time.Duration) {
			t.Helper()
			start := time.Now()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server"+path, body)
			if err != nil {
				t.Fatal(err)
			}
			if path == "/healthz" {
				request.Method = http.MethodGet
			}
			request.Header.Set("X-Request-Id", "request-7")
			if origin != "" {
				request.Header.Set("Origin", origin)
			}
			answer, err := s.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			got, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer.StatusCode, string(got), time.Since(start)
		}
		status, body, took := ask("/graphql", "", nil)
		if status != http.StatusServiceUnavailable || took != 0 || !strings.Contains(body, `"code":"OVERLOADED","requestId":"request-7","retryAfterMs":1`) {
			t.Errorf("%d %s after %v", status, body, took)
		}
		for range 3 {
			if status, _, took := ask("/graphql", "", nil); status != http.StatusServiceUnavailable || took != time.Second {
				t.Errorf("%d after %v", status, took)
			}
		}
		if status, _, took := ask("/healthz", "", nil); status != http.StatusOK || took != 0 {
			t.Errorf("health: %d after %v", status, took)
		}
		if status, _, _ := ask("/graphql", "https://app.example", nil); status != http.StatusNoContent {
			t.Errorf("a page gets %d, which it cannot read without CORS", status)
		}
		if refused.Load() != 4 || passed.Load() != 1 {
			t.Errorf("%d refused, %d passed", refused.Load(), passed.Load())
		}
		<-time.After(time.Second)
		free()
		if status, _, took := ask("/graphql", "", nil); status != http.StatusNoContent || took != 0 {
			t.Errorf("%d after %v", status, took)
		}
	})
}

// TestRefusalsAreFew lets many connections come back as fast as they are refused.
func TestRefusalsAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door, free := fullDoor(t)
		var refused atomic.Int32
		gate := httpd.Gate{Door: door, Refused: func() { refused.Add(1) }}
		s := serve(t, httpd.Server{Handler: httpd.Routes(gate.Wrap(http.NotFoundHandler()), nil, nil, nil)})
		const clients, seconds = 100, 10
		ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second+time.Second/2)
		defer cancel()
		var crowd sync.WaitGroup
		for range clients {
			crowd.Go(func() {
				own := &http.Transport{DialContext: s.Dial}
				defer own.CloseIdleConnections()
				for ctx.Err() == nil {
					request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://server/graphql", nil)
					if err != nil {
						t.Error(err)
					}
					if answer, err := own.RoundTrip(request); err == nil {
						_, _ = io.Copy(io.Discard, answer.Body)
						_ = answer.Body.Close()
					}
				}
			})
		}
		crowd.Wait()
		if refused := refused.Load(); refused < clients*seconds || refused > clients*(seconds+2) { // a client may open a second connection
			t.Errorf("%d refusals", refused)
		}
		free()
	})
}

// TestRefusalsOfASecondComeAtOnce checks that a crowd that arrives together is refused at
// once, as far as that takes a tenth of a second on each core, and that others wait.
func TestRefusalsOfASecondComeAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door, free := fullDoor(t)
		defer free()
		gate := httpd.Gate{Door: door, Refused: func() {}}
		handler := gate.Wrap(http.NotFoundHandler())
		refuse := func() (took time.Duration) {
			begun := time.Now()
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil))
			return time.Since(begun)
		}
		for i := range 2000 * runtime.GOMAXPROCS(0) {
			if took := refuse(); took != 0 {
				t.Fatalf("refusal %d after %v", i, took)
			}
		}
		if refuse() == 0 {
			t.Error("refusals are not bounded")
		}
	})
}
