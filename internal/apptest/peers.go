package apptest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// Silent is a platform that does not answer until Answer is closed. Asked gets a
// value for each request.
type Silent struct {
	*httptest.Server
	Asked, Answer chan struct{}
}

// NewSilent starts a silent platform. It stops with the test.
func NewSilent(t testing.TB) Silent {
	t.Helper()
	s := Silent{Asked: make(chan struct{}, 100), Answer: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Asked <- struct{}{}
		select {
		case <-s.Answer:
			_, _ = io.WriteString(w, "[]")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// Flags returns the flags of a server that waits an hour for the platform, and more.
func (s Silent) Flags(more ...string) []string {
	return append(strings.Fields("--upstream-token token --upstream-timeout 1h --upstream-attempt-timeout 1h --request-timeout 1h --upstream-url "+s.URL), more...)
}

// OpenSocket connects to an endpoint with the protocol graphql-transport-ws and
// waits until the server has acknowledged the connection.
func OpenSocket(t testing.TB, endpoint string) *websocket.Conn {
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
