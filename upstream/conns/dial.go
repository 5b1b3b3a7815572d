package conns

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"
)

// dialTimeout bounds the making of a connection. It is that of net/http's default
// transport.
const dialTimeout = 30 * time.Second

var errHTTP2 = errors.New("the platform has chosen HTTP/2")

// dials are the connections that are being made.
type dials struct {
	mu sync.Mutex
	// orphans are those whose request has left, with what cancels them.
	orphans map[*dialing]context.CancelFunc
}

// dialing is one connection that is being made.
type dialing struct {
	conn *conn
	err  error
	done chan struct{}
}

// dial makes a connection. If ctx ends before, the connection is made nevertheless and kept
// for the next request: otherwise a platform to which that takes longer than an attempt
// may last could never be reached.
func (s *dials) dial(ctx context.Context, t *Transport) (*conn, error) {
	d := &dialing{done: make(chan struct{})}
	beyond, cancel := context.WithTimeout(context.WithoutCancel(ctx), dialTimeout)
	go func() {
		defer cancel()
		d.conn, d.err = t.open(beyond)
		s.mu.Lock()
		defer s.mu.Unlock()
		close(d.done)
		if _, orphan := s.orphans[d]; orphan && d.err == nil {
			t.idle.put(d.conn)
		}
		delete(s.orphans, d)
	}()
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-d.done:
		if d.err == nil {
			t.idle.put(d.conn)
		}
	default:
		if s.orphans == nil {
			s.orphans = map[*dialing]context.CancelFunc{}
		}
		s.orphans[d] = cancel
	}
	return nil, context.Cause(ctx)
}

// cancel gives up the connections that nobody waits for.
func (s *dials) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.orphans {
		cancel()
	}
}

// open makes a connection. The error is errHTTP2 if the platform prefers that.
func (t *Transport) open(ctx context.Context) (*conn, error) {
	dialed, err := t.general.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(dialed)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: s, socket: s, home: &t.idle}
	if t.tls != nil {
		secure := tls.Client(s, t.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			c.close()
			return nil, err
		}
		state := secure.ConnectionState()
		c.Conn, c.secured = secure, &state
		if state.NegotiatedProtocol == "h2" {
			c.close()
			return nil, errHTTP2
		}
	}
	c.in = bufio.NewReader(c)
	c.abort = func() { _ = c.SetDeadline(past) } // fails only if the connection is closed
	return c, nil
}
