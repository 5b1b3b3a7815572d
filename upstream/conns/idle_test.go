package conns

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
)

func TestIdleConnections(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			const most = 3
			var together sync.WaitGroup
			together.Add(most + 1)
			s := serve(t, scheme, func(call int) reply {
				if call <= most+1 { // each needs a connection of its own
					together.Done()
					together.Wait()
				}
				return reply{text: good}
			})
			own := s.transport(t)
			own.idle.most = most
			count := func() int {
				own.idle.mu.Lock()
				defer own.idle.mu.Unlock()
				return len(own.idle.conns)
			}
			var asking sync.WaitGroup
			for range most + 1 {
				asking.Go(func() { ask(t.Context(), own, s.base) })
			}
			asking.Wait()
			if got := count(); got != most {
				t.Errorf("%d connections are kept, want %d", got, most)
			}
			for range idleRounds - 1 {
				own.idle.tidy()
				ask(t.Context(), own, s.base) // with the connection that was used last
			}
			if got := count(); got != most {
				t.Errorf("%d connections are kept until their time is over, want %d", got, most)
			}
			own.idle.tidy()
			if got := count(); got != 1 {
				t.Errorf("%d connections are kept, want the one that is used", got)
			}
			if got := s.conns.Load(); got != most+1 {
				t.Errorf("%d connections were made, want %d", got, most+1)
			}
			s.drop()
			for count() > 0 { // until the end has arrived
				own.idle.tidy()
			}
		})
	}
}

// started sends a GET and returns the answer, whose body was not read.
func started(t *testing.T, via http.RoundTripper, base *url.URL) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base.String()+"/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "leadgraph")
	resp, err := via.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// A connection that is in use while the idle ones are closed is closed when it is idle.
func TestCloseWhileConnectionsAreUsed(t *testing.T) {
	t.Parallel()
	s := serve(t, "http", func(int) reply { return reply{text: good} })
	own := s.transport(t)
	resp := started(t, own, s.base)
	own.CloseIdleConnections()
	body := make([]byte, 8)
	if n, _ := resp.Body.Read(body); string(body[:n]) != "[]" {
		t.Errorf("read %q", body[:n])
	}
	_ = resp.Body.Close() // nothing is left
	if keptOne(own) {
		t.Error("the connection is kept")
	}
	ask(t.Context(), own, s.base)
	if !keptOne(own) {
		t.Error("connections are no longer kept")
	}
}

// A body may be closed at any time, also while it is read, and more than once.
func TestBodyThatIsClosedEarly(t *testing.T) {
	t.Parallel()
	for name, answer := range stages {
		s := serve(t, "http", func(int) reply { return answer })
		if name == "before the header" || name == "in the header" {
			continue
		}
		own := s.transport(t)
		resp := started(t, own, s.base)
		var reading sync.WaitGroup
		reading.Go(func() {
			body := make([]byte, 99)
			for err := error(nil); err == nil; _, err = resp.Body.Read(body) {
			}
		})
		for range 2 {
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
		}
		reading.Wait()
		if n, err := resp.Body.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%s: read %d bytes after Close", name, n)
		}
	}
}
