package apptest

import (
	"context"
	"errors"
	"net"
)

// Pipes is a network in memory, because a synctest bubble cannot wait for a real one.
// It is the listener of a server. Its connections do not buffer.
type Pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

// NewPipes returns a network. Close it once.
func NewPipes() Pipes { return Pipes{make(chan net.Conn), make(chan struct{})} }

// Accept implements net.Listener.
func (p Pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p Pipes) Close() error {
	close(p.closed)
	return nil
}

// Addr implements net.Listener.
func (Pipes) Addr() net.Addr { return &net.UnixAddr{} }

// Dial connects to the server; it has the signature of http.Transport.DialContext.
func (p Pipes) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accepted <- server:
		return client, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	}
}
