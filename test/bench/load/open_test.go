package load

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	rightAnswer = `{"data":{"status":"ACTIVE"}}`
	shots       = 8
)

// scripted is a server that answers the first two requests only after all others.
// It refuses the third one and answers the fourth and the fifth wrongly.
type scripted struct {
	mu      sync.Mutex
	seen    int
	callers map[string]bool
	others  chan struct{} // closed when the last request has arrived
}

// ServeHTTP implements http.Handler.
func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen++
	number := s.seen
	host, _, _ := strings.Cut(r.RemoteAddr, ":")
	s.callers[host] = true
	s.mu.Unlock()
	if number == shots {
		close(s.others)
	}
	switch number {
	case 1, 2:
		<-s.others
		_, _ = io.WriteString(w, rightAnswer)
	case 3:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"errors":[{"extensions":{"code":"OVERLOADED"}}]}`)
	case 4:
		_, _ = io.WriteString(w, `{"data":null}`)
	case 5:
		panic(http.ErrAbortHandler)
	default:
		_, _ = io.WriteString(w, rightAnswer)
	}
}

// TestCrowdDoesNotWait checks that requests are sent while earlier ones are under
// way.
func TestCrowdDoesNotWait(t *testing.T) {
	t.Parallel()
	server := &scripted{callers: map[string]bool{}, others: make(chan struct{})}
	url := serve(t, server.ServeHTTP)
	e := &Exchange{Path: "/", Rows: 1}
	e.render(url)
	var want fingerprinter
	_, _ = want.Write([]byte(rightAnswer))
	e.want = want.fingerprint
	c := NewCrowd(url, &Load{exchanges: []*Exchange{e}})
	defer c.Close()
	found := map[Outcome]int{}
	for _, s := range c.Fire(t.Context(), shots, 0, time.Second) {
		found[s.Outcome]++
		if (s.Text != "") != (s.Outcome == Wrong || s.Outcome == GivenUp) {
			t.Errorf("outcome %d with the text %q", s.Outcome, s.Text)
		}
	}
	if found[Good] != shots-3 || found[Refused] != 1 || found[Wrong] != 1 || found[GivenUp] != 1 {
		t.Errorf("outcomes %v", found)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.callers) < 2 {
		t.Errorf("callers %v", server.callers)
	}
}
