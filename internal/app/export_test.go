package app_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// exportEverything selects more than a kilobyte of each lead.
const exportEverything = `{"fields":"id tenantId status comments contacts { fullName email } civicAddresses { id formatted description companyName tenantId locations { id description additionalInfo } } contactDetails { fullName companyName email }"}`

// exports returns the URL of exports.
func exports(endpoint string) string { return strings.TrimSuffix(endpoint, "/graphql") + "/export" }

// finish reads an export of lines to its end and returns how it says that it has ended.
func finish(t *testing.T, body io.Reader) (rows int, complete bool, reason, cursor string) {
	t.Helper()
	last := ""
	reader := bufio.NewReader(body)
	for {
		line, err := reader.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, last = rows+1, line
	}
	var end map[string]struct {
		Complete       bool
		Rows           int
		Reason, Cursor string
	}
	if err := json.Unmarshal([]byte(last), &end); err != nil || end["@end"].Rows != rows-1 {
		t.Fatalf("%d lines, the last is %.200q: %v", rows, last, err)
	}
	return rows - 1, end["@end"].Complete, end["@end"].Reason, end["@end"].Cursor
}

// The protection of the GraphQL endpoint is that of exports, and answers are compressed.
func TestExportsAreProtected(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example.com"
	target := exports(startServer(t, "--cors-origin", origin))
	if a := apptest.Post(t, target, `{"fields":"id"}`, "Sec-Fetch-Site", "cross-site"); a.Status != http.StatusForbidden {
		t.Errorf("another site: %d %s", a.Status, a.Body)
	}
	if a := apptest.Post(t, target, `{"fields":"id"}`, "Content-Type", "text/plain"); a.Status != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d %s", a.Status, a.Body)
	}
	if a := apptest.Post(t, target, `{"fields":"id"}`, "Host", "evil.example"); a.Status != http.StatusMisdirectedRequest {
		t.Errorf("another host: %d %s", a.Status, a.Body)
	}
	a := apptest.Post(t, target, `{"fields":"id"}`, "Origin", origin)
	shared := strings.ToLower(a.Header.Get("Access-Control-Expose-Headers"))
	for name := range a.Header {
		if strings.HasPrefix(name, "Export-") && !strings.Contains(shared, strings.ToLower(name)) {
			t.Errorf("pages cannot read %s", name)
		}
	}
	if a.Status != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"} {
		request.Header.Set(name, value)
	}
	if a, err := apptest.Do(http.DefaultClient, request); err != nil || a.Header.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("preflight: %d %v %v", a.Status, a.Header, err)
	}
	zipped, body := apptest.Open(t, target, `{"fields":"id status"}`, "Accept", "application/x-ndjson", "Accept-Encoding", "gzip")
	if zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v", zipped.Header)
	}
	plain, err := gzip.NewReader(body)
	if err != nil {
		t.Fatal(err)
	}
	if rows, complete, _, _ := finish(t, plain); rows != 2000 || !complete {
		t.Errorf("%d rows, complete %t", rows, complete)
	}
}

// Each caller exports the leads that the platform shows to the caller's own token, and
// nobody goes on with an export of somebody else.
func TestCallersExportTheirOwnLeads(t *testing.T) {
	t.Parallel()
	platform := &operators{sandboxes: map[string]*sandbox.Server{}}
	for name, leads := range map[string]int{"one": 50, "two": 70} {
		own, err := sandbox.New(sandbox.Options{NoAuth: true, Leads: leads})
		if err != nil {
			t.Fatal(err)
		}
		platform.sandboxes[name] = own
	}
	server := httptest.NewServer(platform)
	t.Cleanup(server.Close)
	target := exports(startServer(t, "--upstream-url", server.URL+sandbox.BasePath, "--auth", "passthrough"))
	cursors := map[string]string{}
	export := func(caller, more string) apptest.Answer {
		return apptest.Post(t, target, `{"fields":"id"`+more+`}`, "Authorization", "Bearer "+bearer(t, caller, 1, time.Now().Add(time.Hour)), "Accept", "text/csv")
	}
	for name, leads := range map[string]int{"one": 50, "two": 70} {
		a := export(name, "")
		if lines := strings.Count(a.Body, "\n"); a.Status != http.StatusOK || lines != leads+2 {
			t.Errorf("%s: %d, %d lines", name, a.Status, lines)
		}
		cursors[name] = a.Header.Get("Export-Cursor")
	}
	if a := export("one", `,"after":"`+cursors["two"]+`"`); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, `"foreign"`) {
		t.Errorf("another caller's cursor: %d %s", a.Status, a.Body)
	}
	if a := export("nobody", ""); a.Status != http.StatusUnauthorized || a.Codes()[0] != "UNAUTHENTICATED" {
		t.Errorf("a caller whom the platform does not know: %d %s", a.Status, a.Body)
	}
	if a := apptest.Post(t, target, `{"fields":"id"}`); a.Status != http.StatusUnauthorized {
		t.Errorf("no token: %d %s", a.Status, a.Body)
	}
}

// stuck opens an export and reads nothing but the header.
func stuck(t *testing.T, target string) net.Conn {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", to.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /export HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s",
		len(exportEverything), exportEverything)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 200 OK"))); err != nil {
		t.Fatal(err)
	}
	return conn
}

// logged waits for the log line of an export.
func logged(t *testing.T, server *apptest.Program) string {
	t.Helper()
	for {
		for line := range strings.Lines(server.Log.String()) {
			if strings.Contains(line, `"export":{`) {
				return line
			}
		}
		if t.Context().Err() != nil {
			t.Fatal("there is no line")
		}
		runtime.Gosched()
	}
}

// Clients that do not take their exports hold no core: more of them than may compute at a
// time do not delay others. Work for a client that leaves ends.
func TestSlowExportsDelayNobody(t *testing.T) {
	t.Parallel()
	server := apptest.Serve(t, run, "--sandbox-leads", "8000")
	var conns []net.Conn
	for range 2 * (runtime.GOMAXPROCS(0) + 1) {
		conns = append(conns, stuck(t, exports(server.Endpoint())))
	}
	for range 20 {
		if a := apptest.Query(t, server.Endpoint(), `{ leads(first: 100, orderBy: {field: COMPANY_NAME}) { nodes { id } } }`); a.Status != http.StatusOK || a.Errors != nil {
			t.Errorf("%d %.300s", a.Status, a.Body)
		}
	}
	_ = conns[0].Close()
	if line := logged(t, server); !strings.Contains(line, `"complete":false`) || !strings.Contains(line, `"of":8000`) {
		t.Errorf("the client has left: %s", line)
	}
}

// A server that stops ends exports at once, says so, and says where another server goes on.
func TestAStopCutsExportsVisibly(t *testing.T) {
	t.Parallel()
	server := apptest.Serve(t, run, "--sandbox-leads", "8000")
	a, body := apptest.Open(t, exports(server.Endpoint()), exportEverything, "Accept", "application/x-ndjson", "Accept-Encoding", "identity")
	if a.Status != http.StatusOK {
		t.Fatal(a.Status)
	}
	server.Stop()
	host := strings.TrimSuffix(strings.TrimPrefix(server.Endpoint(), "http://"), "/graphql")
	for { // until it accepts no more connections
		conn, err := new(net.Dialer).DialContext(context.WithoutCancel(t.Context()), "tcp", host)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	rows, complete, reason, cursor := finish(t, body)
	if complete || reason != "shutdown" || cursor == "" || rows == 0 || rows == 8000 {
		t.Errorf("%d rows, complete %t, reason %q", rows, complete, reason)
	}
	if line := logged(t, server); !strings.Contains(line, fmt.Sprintf(`"rows":%d`, rows)) {
		t.Errorf("line %s", line)
	}
}
