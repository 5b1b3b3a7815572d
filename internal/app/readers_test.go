package app_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// TestWhoWaitsForThePlatformDoesNotDelayOthers lets more operations wait for a silent
// platform than there are cores by far. Memory answers the others.
func TestWhoWaitsForThePlatformDoesNotDelayOthers(t *testing.T) {
	t.Parallel()
	platform := apptest.NewSilent(t)
	endpoint := startServer(t, platform.Flags()...)
	const waiting = 60 // fewer than calls to the platform at a time
	answered := make(chan string, waiting)
	for i := range waiting {
		go ask(t, endpoint, fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1), answered)
	}
	for range waiting {
		<-platform.Asked
	}
	for range 20 {
		if got := post(t, endpoint, `{ __typename }`, nil); got != `{"data":{"__typename":"Query"}}` {
			t.Errorf("got %s", got)
		}
	}
	close(platform.Answer)
	for range waiting {
		if got := <-answered; got != `{"data":{"lead":null}}` {
			t.Errorf("a query that waited got %s", got)
		}
	}
}

// TestClientsThatDoNotReadDoNotDelayOthers lets clients ask for much and read
// nothing. Other clients of the same address are answered, and what waits for the
// silent clients is bounded.
func TestClientsThatDoNotReadDoNotDelayOthers(t *testing.T) {
	t.Parallel()
	const unsent = 4 << 20
	server := apptest.Serve(t, run, "--sandbox-leads", "2000", "--max-unsent", fmt.Sprint(unsent), "--admin-listen", "127.0.0.1:0")
	endpoint := server.Endpoint()
	address := strings.TrimSuffix(strings.TrimPrefix(endpoint, "http://"), "/graphql")
	body := apptest.Body(`{ leads(first: 500, orderBy: {field: COMPANY_NAME}) { nodes { id tenantId comments contacts { fullName email } civicAddresses { formatted } } } }`, nil)
	request := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	for range 40 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(strings.Repeat(request, 20))); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if answer := apptest.Query(t, endpoint, `{ leads(first: 500) { nodes { id } } }`); answer.Status != http.StatusOK || answer.Errors != nil {
			t.Errorf("%d %.300s", answer.Status, answer.Body)
		}
	}
	waiting := func() (bytes float64) {
		_, metrics := get(t, server.URL("admin:")+"metrics")
		for line := range strings.Lines(metrics) {
			if _, err := fmt.Sscanf(line, "leadgraph_unsent_bytes %g", &bytes); err == nil {
				return bytes
			}
		}
		t.Fatal("no metric")
		return 0
	}
	for range 20 {
		if bytes := waiting(); bytes > unsent {
			t.Errorf("%g bytes wait for their clients", bytes)
		}
	}
}
