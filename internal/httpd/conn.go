package httpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
)

// writePatience is how long a client may take nothing of an answer before its
// connection is cut off. The time begins again whenever it takes something.
const writePatience = 10 * time.Second

// listener accepts connections whose writes are watched.
type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	watched := &conn{Conn: c}
	watched.progress.Store(time.Now().UnixNano())
	return watched, nil
}

// conn is a connection that ends if its client takes nothing for a while. The
// operation that is being answered gives its token back during each write.
type conn struct {
	net.Conn
	progress atomic.Int64 // when the client last took something, in Unix nanoseconds
	refused  atomic.Int64 // when a request was last refused for want of room
	cutOff   atomic.Bool
	line     atomic.Bool // the end of a line was read since the last write

	mu      sync.Mutex
	outer   time.Time // the deadline that the server has set
	answers *answer   // what is written, or nil
}

// answer is an operation that is being answered.
type answer struct {
	ctx  context.Context
	slot *admission.Slot
}

type connKey struct{}

// withConn is http.Server.ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request, or nil.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outer = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

// cut ends the writes of the connection.
func (c *conn) cut() {
	c.cutOff.Store(true)
	_ = c.Conn.SetWriteDeadline(time.Unix(1, 0)) // our connections support deadlines
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.line.Load() && bytes.IndexByte(p[:n], '\n') >= 0 {
		c.line.Store(true)
	}
	return n, err
}

// tooLarge is the answer of net/http to a request whose first line and headers are too long,
// which it writes at once. tooLong is the answer if the first line alone is.
var (
	tooLarge = []byte("HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
		"431 Request Header Fields Too Large")
	tooLong = fmt.Appendf(nil, "HTTP/1.1 414 URI Too Long\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		len(tooLongBody), tooLongBody)
)

const tooLongBody = `{"errors":[{"message":"The URI is too long. Use POST or QUERY.","extensions":{"code":"` + errcode.BadUserInput + `"}}]}`

// Write implements net.Conn. It returns when the client's system has taken all of
// p, or nothing for writePatience.
func (c *conn) Write(p []byte) (written int, err error) {
	if line := c.line.Swap(false); !line && bytes.Equal(p, tooLarge) {
		_, err := c.write(tooLong)
		return len(p), err // the server closes the connection in any case
	}
	return c.write(p)
}

func (c *conn) write(p []byte) (written int, err error) {
	c.mu.Lock()
	answers := c.answers
	c.mu.Unlock()
	if answers != nil {
		defer answers.slot.Wait(answers.ctx)()
	}
	for {
		if err := c.extend(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:])
		written += n
		if n > 0 {
			c.progress.Store(time.Now().UnixNano())
		}
		if err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) || c.expired() {
			return written, err
		}
	}
}

// extend gives the client time for the next bytes.
func (c *conn) extend() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(writePatience)
	if !c.outer.IsZero() && c.outer.Before(until) {
		until = c.outer
	}
	if err := c.Conn.SetWriteDeadline(until); err != nil {
		return err
	}
	if c.cutOff.Load() { // it may have been cut off in between
		return os.ErrDeadlineExceeded
	}
	return nil
}

// expired reports whether no more may be written, however fast the client is.
func (c *conn) expired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cutOff.Load() || !c.outer.IsZero() && !time.Now().Before(c.outer)
}

// begin notes which operation is being answered until end.
func (c *conn) begin(ctx context.Context) (end func()) {
	own := &answer{ctx, admission.Of(ctx)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = own
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.answers == own {
			c.answers = nil
		}
	}
}
