//go:build !unix

package conns

import (
	"errors"
	"net"
)

// observable reports whether idle connections can be examined on this system.
const observable = false

// socket is a connection that can be read without waiting. Here there is none.
type socket struct {
	net.Conn
	hurried bool
}

func newSocket(c net.Conn) (*socket, error) {
	_ = c.Close() // the error to report is another
	return nil, errors.ErrUnsupported
}

func (s *socket) glance([]byte) (int, error) { return 0, errors.ErrUnsupported }
