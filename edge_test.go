package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// get returns the status and the body of an answer.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "10.0.0.7:8080" // as a kubelet asks
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// silent is a platform that does not answer until it is told to.
type silent struct {
	*httptest.Server
	asked, answer chan struct{}
}

func newSilent(t *testing.T) silent {
	t.Helper()
	s := silent{asked: make(chan struct{}, 100), answer: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked <- struct{}{}
		select {
		case <-s.answer:
			_, _ = io.WriteString(w, "[]")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// flags have leadgraph wait for the platform for as long as it takes.
func (s silent) flags(more ...string) []string {
	return append(strings.Fields("--upstream-token token --upstream-timeout 1h --upstream-attempt-timeout 1h --request-timeout 1h --upstream-url "+s.URL), more...)
}

// ask posts a query for a tenant and sends the answer to its channel.
func ask(t *testing.T, endpoint, tenant string, answered chan<- string) {
	answered <- post(t, endpoint, `{ lead(tenantId: "`+tenant+`") { id } }`, nil)
}

// TestWhatIsTooMuchIsRefused fills the server: it takes no more queries, neither
// by HTTP nor on a WebSocket, but is alive, ready, and lets sockets connect.
func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	platform := newSilent(t)
	endpoint := startServer(t, platform.flags("--max-in-flight", "2", "--max-queued", "0")...)
	answered := make(chan string, 2)
	go ask(t, endpoint, "00000000-0000-4000-8000-000000000001", answered)
	go ask(t, endpoint, "00000000-0000-4000-8000-000000000002", answered)
	<-platform.asked
	<-platform.asked

	body, _ := json.Marshal(map[string]string{"query": "{ __typename }"}) // texts always encode
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	var refused struct {
		Errors []struct {
			Extensions struct {
				Code         string
				RetryAfterMs int
			}
		}
	}
	err = json.NewDecoder(response.Body).Decode(&refused)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "2" || len(refused.Errors) != 1 {
		t.Fatalf("%d %v %+v %v", response.StatusCode, response.Header, refused, err)
	}
	if e := refused.Errors[0].Extensions; e.Code != "OVERLOADED" || e.RetryAfterMs < 1000 || e.RetryAfterMs >= 2000 {
		t.Errorf("error %+v", e)
	}
	conn := openSocket(t, endpoint)
	var message struct {
		Type    string
		Payload []struct{ Extensions struct{ Code string } }
	}
	if err := wsjson.Write(t.Context(), conn, map[string]any{"id": "1", "type": "subscribe", "payload": json.RawMessage(body)}); err != nil {
		t.Fatal(err)
	}
	if err := wsjson.Read(t.Context(), conn, &message); err != nil || message.Type != "error" || message.Payload[0].Extensions.Code != "OVERLOADED" {
		t.Errorf("%+v %v", message, err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, strings.Replace(endpoint, "/graphql", path, 1)); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	close(platform.answer)
	for range 2 {
		if got := <-answered; got != `{"data":{"lead":null}}` {
			t.Errorf("a query that ran got %s", got)
		}
	}
}

// openSocket connects and initialises a WebSocket.
func openSocket(t *testing.T, endpoint string) *websocket.Conn {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), endpoint, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		t.Cleanup(func() { _ = response.Body.Close() })
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	var message map[string]any
	if err := wsjson.Write(t.Context(), conn, map[string]string{"type": "connection_init"}); err != nil {
		t.Fatal(err)
	}
	if err := wsjson.Read(t.Context(), conn, &message); err != nil || message["type"] != "connection_ack" {
		t.Fatal(message, err)
	}
	return conn
}

func TestOperatorsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	server := start(t, "endpoint:", "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	admin := server.address("admin:")
	for path, want := range map[string]string{"readyz": `{"status":"ready"}`, "debug/pprof/goroutine?debug=1": "goroutine profile:"} {
		if status, body := get(t, admin+path); status != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
	if status, _ := get(t, admin+"graphql"); status != http.StatusNotFound {
		t.Errorf("the admin listener answers queries: %d", status)
	}
	for _, path := range []string{"debug/pprof/", "metrics"} {
		if status, body := get(t, server.address("playground:")+path); status != http.StatusNotFound {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
}
