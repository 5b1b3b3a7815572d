package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket/wsjson"

	"leadgraph/internal/apptest"
)

// ask posts a query for a tenant and sends the answer to its channel.
func ask(t *testing.T, endpoint, tenant string, answered chan<- string) {
	answered <- post(t, endpoint, `{ lead(tenantId: "`+tenant+`") { id } }`, nil)
}

// TestWhatIsTooMuchIsRefused fills the server. It must refuse further queries over
// HTTP and on a WebSocket, but stay alive and ready, and let sockets connect.
func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	platform := apptest.NewSilent(t)
	endpoint := startServer(t, platform.Flags("--max-in-flight", "2", "--max-queued", "0")...)
	answered := make(chan string, 2)
	go ask(t, endpoint, "00000000-0000-4000-8000-000000000001", answered)
	go ask(t, endpoint, "00000000-0000-4000-8000-000000000002", answered)
	<-platform.Asked
	<-platform.Asked

	refused := apptest.Query(t, endpoint, `{ __typename }`)
	if refused.Status != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") != "2" || !slices.Equal(refused.Codes(), []string{"OVERLOADED"}) {
		t.Fatalf("%d %v %s", refused.Status, refused.Header, refused.Body)
	}
	if wait, _ := refused.Errors[0].Extensions["retryAfterMs"].(float64); wait < 1000 || wait >= 2000 {
		t.Errorf("error %+v", refused.Errors[0])
	}
	conn := apptest.OpenSocket(t, endpoint)
	var message struct {
		Type    string
		Payload []struct{ Extensions struct{ Code string } }
	}
	if err := wsjson.Write(t.Context(), conn, map[string]any{"id": "1", "type": "subscribe", "payload": json.RawMessage(apptest.Body(`{ __typename }`, nil))}); err != nil {
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
	close(platform.Answer)
	for range 2 {
		if got := <-answered; got != `{"data":{"lead":null}}` {
			t.Errorf("a query that ran got %s", got)
		}
	}
}

func TestOperatorsHaveAListenerOfTheirOwn(t *testing.T) {
	t.Parallel()
	server := apptest.Serve(t, run, "--admin-listen", "127.0.0.1:0")
	admin := server.URL("admin:")
	for path, want := range map[string]string{"readyz": `{"status":"ready"}`, "debug/pprof/goroutine?debug=1": "goroutine profile:"} {
		if status, body := get(t, admin+path); status != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
	if status, _ := get(t, admin+"graphql"); status != http.StatusNotFound {
		t.Errorf("the admin listener answers queries: %d", status)
	}
	for _, path := range []string{"debug/pprof/", "metrics"} {
		if status, body := get(t, server.URL("playground:")+path); status != http.StatusNotFound {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
}
