// Package hostile is whoever wishes leadgraph ill during a soak: clients that never
// read, callers with invented tokens, whoever can write to its Redis, and hangups.
package hostile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"leadgraph/test/soak/pace"
)

// Deaf are clients that send requests and never read an answer.
type Deaf struct {
	Endpoint string   // URL of the API
	From     []string // addresses of the loopback
	Each     int      // number of connections from each address
	// Count notes that a connection was opened or has been closed by leadgraph.
	Count func(what string)
}

const (
	deafOpened = "connections that never read"
	deafClosed = "connections that never read and were cut off"
	// window is the buffer of a client that does not read, in bytes. With so small a
	// buffer the system does not take a whole answer from leadgraph either.
	window = 4 << 10
)

// small gives a connection a small buffer before it is opened.
func small(_, _ string, raw syscall.RawConn) (err error) {
	set := func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, window) }
	return errors.Join(raw.Control(set), err)
}

// Run keeps all connections open until ctx ends.
func (d Deaf) Run(ctx context.Context) error {
	endpoint, err := url.Parse(d.Endpoint)
	if err != nil {
		return err
	}
	request := largeRequest(endpoint)
	var all sync.WaitGroup
	for _, from := range d.From {
		for range d.Each {
			all.Go(func() {
				for again := true; again; again = pace.Rest(ctx, time.Second) {
					d.connect(ctx, from, endpoint.Host, request)
				}
			})
		}
	}
	all.Wait()
	return nil
}

// largeRequest returns a request for many leads, as it is sent.
func largeRequest(endpoint *url.URL) []byte {
	const body = `{"query":"{ leads(first: 300, orderBy: {field: LAST_MODIFIED_ON}) { totalCount nodes { id tenantId operatorId status statusText ` +
		`channelId ovocChannelId comments consentedOn lastModifiedOn contactDetails { fullName email phoneNumber companyName } ` +
		`civicAddresses { id streetName cityOrTown description } } } }"}`
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		endpoint.Path, endpoint.Host, len(body), body)
}

// connect opens a connection and sends requests until leadgraph closes it or ctx ends.
func (d Deaf) connect(ctx context.Context, from, host string, request []byte) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Second, Control: small}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // nothing is lost
	d.Count(deafOpened)
	// Two requests at once: the second one waits behind the answer to the first one.
	for sent := slices.Concat(request, request); ; sent = []byte("P") { // only writing shows that leadgraph has closed the connection
		if _, err := conn.Write(sent); err != nil {
			d.Count(deafClosed)
			return
		}
		if !pace.Rest(ctx, time.Second) {
			return
		}
	}
}
