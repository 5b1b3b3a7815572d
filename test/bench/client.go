package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// chunk is what a client reads at a time, in bytes.
const chunk = 256 << 10

// client is one HTTP/1.1 connection with one request under way. It writes
// rendered requests and reads answers on the caller's goroutine: net/http's
// Transport would take most of the core that load and sandbox share.
type client struct {
	conn   net.Conn
	in     *bufio.Reader
	buffer []byte
	leave  func() bool // stops watching the context
}

// dial connects to the server at a URL. The connection ends with ctx.
func dial(ctx context.Context, url string) (*client, error) {
	return dialFrom(ctx, new(net.Dialer), url)
}

func dialFrom(ctx context.Context, from *net.Dialer, url string) (*client, error) {
	conn, err := from.DialContext(ctx, "tcp", host(url))
	if err != nil {
		return nil, err
	}
	return &client{
		conn:   conn,
		in:     bufio.NewReader(conn),
		buffer: make([]byte, chunk),
		leave:  context.AfterFunc(ctx, func() { _ = conn.Close() }), // makes a read end
	}, nil
}

func (c *client) close() {
	c.leave()
	_ = c.conn.Close() // nothing was left to send
}

// sample is how long an answer took to its first and to its last byte.
type sample struct{ first, last time.Duration }

// do sends a request and copies the body of its answer, which must be a success.
func (c *client) do(e *exchange, body io.Writer) (sample, error) {
	status, took, err := c.ask(e, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	return took, err
}

// ask sends a request and copies the body of its answer, whatever the status.
func (c *client) ask(e *exchange, body io.Writer) (status int, took sample, err error) {
	start := time.Now()
	if _, err := c.conn.Write(e.wire); err != nil {
		return 0, sample{}, err
	}
	if _, err := c.in.Peek(1); err != nil {
		return 0, sample{}, fmt.Errorf("no answer: %w", err)
	}
	first := time.Since(start)
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, sample{}, err
	}
	size, err := io.CopyBuffer(body, answer.Body, c.buffer)
	_ = answer.Body.Close() // reports nothing after the end
	took = sample{first: first, last: time.Since(start)}
	switch {
	case err != nil:
		return 0, took, fmt.Errorf("answer breaks off after %d bytes: %w", size, err)
	case answer.Close:
		return 0, took, errors.New("connection closed after an answer")
	}
	return answer.StatusCode, took, nil
}

// exchange is a request and what its answer must hold.
type exchange struct {
	path string
	body string      // of a POST; empty for GET
	rows int         // leads in the answer
	wire []byte      // the whole request
	want fingerprint // of its answer, since that was inspected
}

// render prepares the request for the server at a URL.
func (e *exchange) render(url string) {
	var text strings.Builder
	method := http.MethodGet
	if e.body != "" {
		method = http.MethodPost
	}
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nCache-Control: no-cache\r\n", method, e.path, host(url))
	if e.body != "" {
		fmt.Fprintf(&text, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(e.body))
	}
	text.WriteString("\r\n" + e.body)
	e.wire = []byte(text.String())
}

// host is the address in a URL that a child printed.
func host(url string) string { return strings.TrimPrefix(url, "http://") }
