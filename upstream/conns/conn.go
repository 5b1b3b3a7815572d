package conns

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"time"
)

var errLargeHeader = errors.New("the header of the answer is larger than allowed")

// past is a time that no deadline can be before. Reads and writes with it fail at once.
var past = time.Unix(1, 0)

// conn is a connection that carries one request at a time.
type conn struct {
	net.Conn // the socket, or TLS over it
	socket   *socket
	home     *idle
	in       *bufio.Reader
	// room is how many bytes may still be read from the connection; less than 0 means
	// any number.
	room int
	// secured is the state of TLS. It is nil without TLS.
	secured *tls.ConnectionState
	// abort makes what waits for the connection fail. It is a field so that it is made
	// only once.
	abort     func()
	end       time.Time // the deadline that is set; zero for none
	idleSince int       // a round of home
	stray     [1]byte
}

// Read implements io.Reader for the buffer.
func (c *conn) Read(p []byte) (int, error) {
	if c.room < 0 {
		return c.Conn.Read(p)
	}
	if c.room == 0 {
		return 0, errLargeHeader
	}
	n, err := c.Conn.Read(p[:min(len(p), c.room)])
	c.room -= n
	return n, err
}

// close ends the connection. There is nothing to do about an error.
func (c *conn) close() { _ = c.Close() }

// exchange sends a request and reads the header of the answer. It keeps, closes or hands
// on the connection. begun reports whether any of the answer has arrived.
func (c *conn) exchange(req *http.Request, request []byte) (resp *http.Response, begun bool, err error) {
	ctx := req.Context()
	a := &answer{body: body{conn: c, ctx: ctx}}
	b := &a.body
	end, watched := bounds(ctx)
	c.limit(end)
	if watched.Done() != nil {
		b.stop = context.AfterFunc(watched, c.abort)
	}
	c.room = maxHeader
	if _, err = c.Write(request); err == nil {
		_, err = c.in.Peek(1)
	}
	if begun = err == nil; begun {
		resp, err = c.header(req, a)
	}
	if err != nil {
		b.release(false)
		return nil, begun, ended(ctx, err)
	}
	c.room = -1
	resp.TLS = c.secured
	b.attach(resp)
	return resp, true, nil
}

// unlimited is a context that ends with its parent and at a time, which a connection can
// keep by itself. A watch over the parent is cheaper, because it needs no further timer.
type unlimited interface {
	Unlimited() (parent context.Context, end time.Time)
}

// bounds returns the time at which a connection must fail, or zero, and the context with
// which it must fail.
func bounds(ctx context.Context) (end time.Time, watched context.Context) {
	if u, ok := ctx.(unlimited); ok {
		watched, end = u.Unlimited()
		return end, watched
	}
	return end, ctx
}

// limit sets a deadline, or removes it if end is zero.
func (c *conn) limit(end time.Time) {
	if !c.end.Equal(end) {
		_ = c.SetDeadline(end) // fails only if the connection is closed
		c.end = end
	}
}

// rests reports whether an idle connection is open and nothing has arrived on it. What
// arrives without a request would be taken for the answer to the next one. It sets the
// deadline, because the one before may have passed.
func (c *conn) rests(end time.Time) bool {
	c.limit(end)
	var n int
	var err error
	if c.secured == nil {
		n, err = c.socket.glance(c.stray[:])
	} else {
		// Reading through TLS also finds what is decrypted already, and takes what
		// belongs to TLS itself, such as tickets.
		c.socket.hurried = true
		n, err = c.Conn.Read(c.stray[:])
		c.socket.hurried = false
	}
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// ended returns why the context has ended, or else err.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// The deadline of a connection may be a little earlier than a timer of the context.
	if end, _ := bounds(ctx); !end.IsZero() && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return err
}
