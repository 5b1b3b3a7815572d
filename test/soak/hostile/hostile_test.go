package hostile

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leadgraph/test/soak/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noted collects what is counted, or what is wrong.
type noted struct {
	mu    sync.Mutex
	texts []string
}

func (n *noted) count(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.texts = append(n.texts, text)
}

func (n *noted) wrong(format string, args ...any) { n.count(fmt.Sprintf(format, args...)) }

func (n *noted) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.texts)
}

func answering(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func TestWhatACallerIsAnswered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer, want string
	}{
		"the leads":    {`{"data":{"leads":{"nodes":[{"id":"a"}]}}}`, ""},
		"other leads":  {`{"data":{"leads":{"nodes":[{"id":"b"}]}}}`, "wrong answer"},
		"no leads":     {`{"data":{"leads":{"nodes":[]}}}`, "wrong answer"},
		"no JSON":      {`{"data":`, "wrong answer"},
		"other errors": {`{"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}`, "wrong answer"},
		"refused":      {`{"errors":[{"extensions":{"code":"OVERLOADED"}}]}`, "served 0 of 1 times"},
	} {
		var found, served noted
		endpoint := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, test.answer) })
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // after one request
		Caller{Endpoint: endpoint, From: "127.0.0.1", IDs: []string{"a"}, Pause: time.Hour, Deadline: time.Minute, Count: served.count, Wrong: found.wrong}.Run(ctx)
		all := strings.Join(found.all(), "\n")
		if !strings.Contains(all, test.want) || (all == "") != (test.want == "") {
			t.Errorf("%s: %s", name, all)
		}
	}
}

func TestInventedTokensMustBeRefused(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"errors":[{"extensions":{"code":"UPSTREAM_AUTH"}}]}`:    "",
		`{"errors":[{}],"data":{"leads":{"nodes":[{"id":"a"}]}}}`: "leads were shown",
		`{"data":{"leads":null}}`:                                 "was not refused",
		`<html>`:                                                  "was not refused",
	} {
		var found, asked noted
		tokens := map[string]bool{}
		endpoint := answering(t, func(w http.ResponseWriter, r *http.Request) {
			tokens[r.Header.Get("Authorization")] = true
			_, _ = io.WriteString(w, answer)
		})
		s := Strangers{Endpoint: endpoint, Count: asked.count, Wrong: found.wrong}
		from := newClient("127.0.0.1")
		s.ask(t.Context(), from)
		s.ask(t.Context(), from)
		from.CloseIdleConnections()
		all := strings.Join(found.all(), "\n")
		if !strings.Contains(all, want) || (all == "") != (want == "") || len(asked.all()) != 2 || len(tokens) != 2 {
			t.Errorf("%s: %s, %v, %d tokens", answer, all, asked.all(), len(tokens))
		}
	}
}

// A server that answers and waits for the client sees that it never reads.
func TestTheDeafDoNotRead(t *testing.T) {
	t.Parallel()
	var seen sync.Once
	stuck := make(chan struct{})
	endpoint := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		for { // ends when the client's buffer and the system's are full
			if err := control.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
				return
			}
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				seen.Do(func() { close(stuck) })
				return
			}
		}
	})
	var once sync.Once
	closed := make(chan struct{})
	count := func(what string) {
		if what == deafClosed {
			once.Do(func() { close(closed) })
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- Deaf{Endpoint: endpoint + "/graphql", From: []string{"127.0.0.1"}, Each: 1, Count: count}.Run(ctx)
	}()
	<-stuck
	<-closed
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHangupsWaitForTheNewDocument(t *testing.T) {
	t.Parallel()
	h, err := NewHangups(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reloaded := ""
	endpoint := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), reloaded) {
			_, _ = io.WriteString(w, `{"data":{"__typename":"Query"}}`)
		}
	})
	for deaf, want := range map[bool]string{false: "", true: "is not known"} {
		var found, sent noted
		ctx, cancel := context.WithCancel(t.Context())
		signal := func() error {
			cancel() // after one hangup
			if reloaded = h.document(); deaf {
				reloaded = "another document"
			}
			return nil
		}
		to := Hangup{Endpoint: endpoint, Signal: signal, Pause: time.Millisecond, Deadline: time.Second / 10, Count: sent.count, Wrong: found.wrong}
		if err := h.Run(ctx, to); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(found.all(), "\n"); !strings.Contains(all, want) || (all == "") != (want == "") || len(sent.all()) != 1 {
			t.Errorf("%q, %v", all, sent.all())
		}
	}
}

func TestEveryPoisonIsWritten(t *testing.T) {
	t.Parallel()
	if !child.RedisInstalled() {
		t.Skip("no redis-server")
	}
	server, err := child.StartRedis(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop() }()
	var written noted
	p, err := NewPoisoner(server.URL, rand.New(rand.NewPCG(1, 1)), written.count)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const head, tenant, other = "leadgraph:{x:4}:leads", "leadgraph:{x:4}:tenant:a", "leadgraph:{x:4}:tenant:b"
	sound := map[string]string{
		head: "1 2 3 4 5 6 AAAA 1 x 1 0 -", head + ":AAAA:0": "leads", tenant: "2 value", other: "3 other",
	}
	for _, by := range poisons() {
		for key, value := range sound {
			if _, err := p.do("SET", key, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.learn(); err != nil {
			t.Fatal(err)
		}
		if shared, err := p.Shared(); !shared || err != nil {
			t.Fatal(shared, err)
		}
		p.old[head] = "0 2 3 4 5 6 BBBB 1 x 1 0 -"
		if err := p.spoil(head, by); err != nil {
			t.Errorf("%s: %v", by.name, err)
		}
		shared, err := p.Shared()
		if err != nil || shared != (by.name == "value of another key" || by.name == "a byte flipped" && shared) {
			t.Errorf("%s: shared %v, %v", by.name, shared, err)
		}
	}
	if got := p.kinds(); !slices.Equal(got, []string{"chunk", "leads", "tenant"}) {
		t.Error(got)
	}
}
