package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// chunk is the size of a client's read buffer in bytes.
const chunk = 256 << 10

// client is one HTTP/1.1 connection with at most one request under way. It writes
// rendered requests and reads answers on the caller's goroutine. The Transport of
// net/http would use most of the core that the load and the sandbox share.
type client struct {
	conn   net.Conn
	in     *bufio.Reader
	buffer []byte
	leave  func() bool // stops watching the context
	// refused is when a request of a Crowd was refused here last.
	refused time.Time
}

// dialFrom connects to the server at a URL. The connection is closed when ctx ends.
func dialFrom(ctx context.Context, from *net.Dialer, url string, buffer int) (*client, error) {
	conn, err := from.DialContext(ctx, "tcp", host(url))
	if err != nil {
		return nil, err
	}
	return &client{
		conn:   conn,
		in:     bufio.NewReader(conn),
		buffer: make([]byte, buffer),
		leave:  context.AfterFunc(ctx, func() { _ = conn.Close() }), // ends a read
	}, nil
}

func (c *client) close() {
	c.leave()
	_ = c.conn.Close() // there was nothing left to send
}

// Sample is the time from a request to the first and to the last byte of the
// answer.
type Sample struct{ First, Last time.Duration }

// do sends a request and copies the body of the answer. Its status must be 200.
func (c *client) do(e *Exchange, body io.Writer) (Sample, error) {
	status, took, err := c.ask(e, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	return took, err
}

// ask sends a request and copies the body of the answer, whatever its status.
func (c *client) ask(e *Exchange, body io.Writer) (status int, took Sample, err error) {
	start := time.Now()
	if _, err := c.conn.Write(e.wire); err != nil {
		return 0, Sample{}, err
	}
	if _, err := c.in.Peek(1); err != nil {
		return 0, Sample{}, fmt.Errorf("no answer: %w", err)
	}
	first := time.Since(start)
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, Sample{}, err
	}
	size, err := io.CopyBuffer(body, answer.Body, c.buffer)
	_ = answer.Body.Close() // does not fail after the end
	took = Sample{First: first, Last: time.Since(start)}
	switch {
	case err != nil:
		return 0, took, fmt.Errorf("answer ends after %d bytes: %w", size, err)
	case answer.Close:
		return 0, took, errors.New("connection closed after an answer")
	}
	return answer.StatusCode, took, nil
}
