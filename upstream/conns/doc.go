// Package conns makes the connections to the platform.
//
// A Transport sends what the client nearly always sends, a GET without a body over
// HTTP/1.1, on the caller's goroutine: it writes the request and reads the answer, and
// no goroutine belongs to a connection. That takes a fraction of the time of net/http's
// transport. Everything else goes through that transport: HTTP/2, proxies, other
// methods and hosts, requests that may not be repeated, requests with unusual headers,
// and systems on which an idle connection cannot be examined. A caller sees the
// difference in speed only; the tests compare both under every fault they know.
package conns
