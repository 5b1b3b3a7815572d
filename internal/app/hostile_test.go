package app_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// TestHostileBytesAreTheClientsMistake sends what no client library would, to the whole
// program. Nothing of it is an error of the server, in an answer or in the log.
func TestHostileBytesAreTheClientsMistake(t *testing.T) {
	t.Parallel()
	program := apptest.Serve(t, run, "--max-batch", "3")
	target, err := url.Parse(program.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	head := func(method, path, fields string) string {
		return method + " " + path + " HTTP/1.1\r\nHost: " + target.Host + "\r\nConnection: close\r\n" + fields + "\r\n"
	}
	post := func(body string, fields ...string) string {
		return head("POST", "/graphql", "Content-Type: application/json\r\n"+strings.Join(fields, "")+fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body
	}
	const good, upgrade = `{"query":"{ __typename }"}`, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
	utf16 := "\xff\xfe"
	for _, letter := range []byte(good) {
		utf16 += string([]byte{letter, 0})
	}
	requests := map[string]string{
		"UTF-16": post(utf16), "BOM": post("\ufeff" + good), "NUL": post("\x00"), "lone surrogates": post(`{"query":"{ __typename # \ud800 \udfff \n}"}`), "not UTF-8": post("{\"query\":\"{ \xff\xfe }\"}"),
		"duplicate members": post(`{"query":"{","query":"{ __typename }","variables":1,"variables":null}`), "huge numbers": post(`{"query":"query($n: Int) { leads(first: $n) { asOf } }","variables":{"n":1e999}}`),
		"many digits": post(`{"query":"query($n: ID!) { node(id: $n) { id } }","variables":{"n":` + strings.Repeat("9", 50_000) + `}}`),
		"deep JSON":   post(`{"variables":` + strings.Repeat("[", 60_000)), "deep objects": post(`{"extensions":` + strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000) + "}"),
		"deep document": post(`{"query":"` + strings.Repeat("{a", 30_000) + `"}`), "deep list": post(`{"query":"{ leads(first: ` + strings.Repeat("[", 30_000) + `) { asOf } }"}`),
		"nested batch": post("[[" + good + "]]"), "batch of anything": post(`[null,{},` + good + `]`), "large": post(good + strings.Repeat(" ", 2<<20)),
		"cut body": head("POST", "/graphql", "Content-Type: application/json\r\nContent-Length: 100\r\n") + good, "cut chunk": head("POST", "/graphql", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") + "ff\r\n{",
		"no chunk": head("POST", "/graphql", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") + "zz\r\n", "gzip": post(good, "Content-Encoding: gzip\r\n"), "two lengths": post(good, "Content-Length: 1\r\n"),
		"odd types": post(good, "Accept: multipart/mixed;deferSpec=;;=,\x7f/*;q=1e999, text/event-stream;q=nan\r\n"), "NUL in a header": post(good, "X-Odd: a\x00b\r\n"), "control in the id": post(good, "X-Request-Id: \x01\r\n"),
		"odd trace": post(good, "Traceparent: 00-zz\r\nTracestate: ===\r\nBaggage: %%%\r\nCache-Control: max-age=-1, max-age=1e99, =\r\n"), "method": head("BREW", "/graphql", ""), "lower-case method": head("get", "/graphql?query={__typename}", ""),
		"bad query string": head("GET", "/graphql?query={__typename}&variables=%zz;", ""), "NUL in the URL": head("GET", "/graphql?query=%00", ""), "not a path": head("GET", "//graphql/../graphql?query={__typename}", ""),
		"upgrade by POST": post(good, upgrade), "upgrade without key": head("GET", "/graphql", upgrade), "odd key": head("GET", "/graphql", upgrade+"Sec-WebSocket-Key: \r\n"), "event stream without a query": head("GET", "/graphql", "Accept: text/event-stream\r\n"),
		"not HTTP": "\x16\x03\x01\x00\x00\r\n\r\n", "HTTP/0.9": "GET /graphql\r\n\r\n", "HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	}
	for name, request := range requests {
		answer := exchange(t, target.Host, request, strings.HasPrefix(name, "cut "))
		if !strings.HasPrefix(answer, "HTTP/1.1 ") {
			t.Errorf("%s is not answered: %q", name, answer)
		}
		status, _, _ := strings.Cut(strings.TrimPrefix(answer, "HTTP/1.1 "), " ")
		if strings.HasPrefix(status, "5") && status != "505" || strings.Contains(answer, "INTERNAL_SERVER_ERROR") {
			t.Errorf("%s: %.500s", name, answer)
		}
	}
	if log := program.Log.String(); !strings.Contains(log, `"level":"INFO"`) || strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, `"level":"WARN"`) {
		t.Errorf("log:\n%s", log)
	}
}

// exchange sends bytes on a connection of their own and returns the answer. If the
// request is cut, the server can tell that nothing more comes.
func exchange(t *testing.T, address, request string, cut bool) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, request) // the server may refuse it before it has all
	if cut {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	answer, _ := io.ReadAll(conn) // what arrived before a reset
	return string(answer)
}
