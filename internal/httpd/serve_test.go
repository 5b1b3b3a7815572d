package httpd_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/internal/apptest"
	"leadgraph/internal/httpd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a server in a synctest bubble.
type served struct {
	apptest.Pipes
	*http.Client
	health *httpd.Health
	stop   context.CancelFunc
	ended  chan error
}

// serve runs a server until it is stopped or the test ends.
func serve(t *testing.T, o httpd.Server) *served {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &served{Pipes: apptest.NewPipes(), health: o.Health, stop: stop, ended: make(chan error, 1)}
	s.Client = &http.Client{Transport: &http.Transport{DialContext: s.Dial}}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 10 * time.Second
	}
	o.Logger = slog.New(slog.DiscardHandler)
	go func() {
		s.ended <- o.Serve(ctx, s.Pipes)
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.CloseIdleConnections()
		stop()
		if err := <-s.ended; err != nil { // nil if the test has received the error already
			t.Error(err)
		}
	})
	return s
}

// get returns the status and the body of an answer. The status is 0 if there was
// no answer.
func (s *served) get(t *testing.T, path string) (status int, body string, closed bool) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Do(request)
	if err != nil {
		return 0, err.Error(), false
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error(), false
	}
	return response.StatusCode, string(text), response.Close
}

const post = "POST / HTTP/1.1\r\nHost: server\r\nContent-Length: 100\r\n\r\n"

// TestSlowAndSilentClientsAreGivenUp writes at most once a second.
func TestSlowAndSilentClientsAreGivenUp(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		start, more string
		after       time.Duration
		answer      string
	}{
		"silent from the beginning": {"", "", 5 * time.Second, ""},
		"slow header":               {"POST / HTTP/1.1\r\n", "X-Filler: 1\r\n", 5 * time.Second, ""},
		"slow body":                 {post, "x", 8 * time.Second, "408"},
		"no body":                   {post, "", 8 * time.Second, "408"},
		"idle":                      {"GET / HTTP/1.1\r\nHost: server\r\n\r\n", "", 30 * time.Second, "200"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err != nil {
						w.WriteHeader(http.StatusRequestTimeout)
					}
				})})
				conn, err := s.Dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				var writing sync.WaitGroup
				defer writing.Wait()
				writing.Go(func() {
					_, err := conn.Write([]byte(test.start))
					for err == nil && test.more != "" {
						<-time.After(time.Second)
						_, err = conn.Write([]byte(test.more))
					}
				})
				answer, err := io.ReadAll(conn)
				if took := time.Since(start); err != nil || took.Round(time.Second) != test.after {
					t.Errorf("closed after %v, want %v; %v", took, test.after, err)
				}
				if !strings.Contains(string(answer), test.answer) {
					t.Errorf("answer %q", answer)
				}
			})
		})
	}
}

func TestClientThatDoesNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan time.Duration, 1)
		s := serve(t, httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			start := time.Now()
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				failed <- time.Since(start)
			}
		})})
		conn, err := s.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: server\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if took := <-failed; took != 10*time.Second {
			t.Errorf("after %v", took)
		}
		_ = conn.Close()
	})
}

// TestClientThatReadsSlowlyGetsItsAnswer checks that the deadline moves with each
// byte that the client takes.
func TestClientThatReadsSlowlyGetsItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 40
		s := serve(t, httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n, err := w.Write(make([]byte, size)); n != size || err != nil {
				t.Errorf("wrote %d bytes, %v", n, err)
			}
		})})
		conn, err := s.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: server\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		head := bufio.NewReaderSize(iotest.OneByteReader(conn), 16)
		for line := "none"; line != "\r\n"; {
			if line, err = head.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		for range size {
			<-time.After(9 * time.Second)
			if _, err := head.ReadByte(); err != nil {
				t.Fatal(err)
			}
		}
		_ = conn.Close()
	})
}

func TestHeaderHasABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, httpd.Server{Handler: http.NotFoundHandler()})
		for size, status := range map[int]int{16 << 10: http.StatusNotFound, 21 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			conn, err := s.Dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: server\r\nX-Filler: " + strings.Repeat("x", size) + "\r\n\r\n"))
			}()
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != status {
				t.Errorf("%d bytes: status %d", size, response.StatusCode)
			}
			_ = conn.Close()
		}
	})
}

// gate is a handler that answers when it is opened.
type gate struct{ entered, opened chan struct{} }

func newGate() gate { return gate{make(chan struct{}, 10), make(chan struct{})} }

func (g gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.entered <- struct{}{}
	select {
	case <-g.opened:
		_, _ = io.WriteString(w, "done")
	case <-r.Context().Done():
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow, health := newGate(), httpd.NewHealth()
		s := serve(t, httpd.Server{Handler: httpd.Routes(slow, nil, health, nil), Health: health, DrainDelay: 3 * time.Second})
		s.wantReady(t, http.StatusOK, `{"status":"ready"}`)
		answered := make(chan string, 1)
		go func() {
			_, body, _ := s.get(t, "/graphql")
			answered <- body
		}()
		<-slow.entered
		start := time.Now()
		s.stop()
		synctest.Wait()
		// The server is not ready but still serves, on new connections too.
		for range 2 {
			if status, body, closed := s.get(t, "/readyz"); status != http.StatusServiceUnavailable || body != `{"status":"draining"}` || !closed {
				t.Errorf("%d %s, connection closed: %v", status, body, closed)
			}
			if status, _, _ := s.get(t, "/healthz"); status != http.StatusOK {
				t.Errorf("not alive: %d", status)
			}
		}
		<-s.health.Closing()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("closing after %v", took)
		}
		synctest.Wait()
		if status, _, _ := s.get(t, "/readyz"); status != 0 {
			t.Errorf("a new connection got status %d", status)
		}
		close(slow.opened)
		if body := <-answered; body != "done" {
			t.Errorf("the running request got %q", body)
		}
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
	})
}

func (s *served) wantReady(t *testing.T, status int, body string) {
	t.Helper()
	if gotStatus, got, _ := s.get(t, "/readyz"); gotStatus != status || got != body {
		t.Errorf("%d %s, want %d %s", gotStatus, got, status, body)
	}
}

func TestDrainCutsWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := newGate()
		s := serve(t, httpd.Server{Handler: stuck})
		go func() {
			if status, body, _ := s.get(t, "/"); status != 0 {
				t.Errorf("%d %s", status, body)
			}
		}()
		<-stuck.entered
		start := time.Now()
		s.stop()
		if err := <-s.ended; err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestDrainWaitsForWhatTookItsConnectionOver has one handler that ends by itself
// and one that ends only when it is aborted.
func TestDrainWaitsForWhatTookItsConnectionOver(t *testing.T) {
	t.Parallel()
	for name, obedient := range map[string]bool{"and ends": true, "and does not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				health, left := httpd.NewHealth(), time.Time{}
				s := serve(t, httpd.Server{Health: health, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = conn.Write([]byte("hello"))
					closing := health.Closing()
					if !obedient {
						closing = nil
					}
					select {
					case <-closing:
						<-time.After(2 * time.Second) // to finish its running operations
					case <-r.Context().Done():
					}
					left = time.Now()
					_ = conn.Close()
				})})
				conn, err := s.Dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: server\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				s.stop()
				if err := <-s.ended; (err == nil) != obedient || left.IsZero() {
					t.Error(err)
				}
				want := 2 * time.Second
				if !obedient {
					want = 10 * time.Second
				}
				if took := time.Since(start); took != want {
					t.Errorf("after %v, want %v", took, want)
				}
			})
		})
	}
}
