//go:build unix

package conns

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// observable reports whether idle connections can be examined on this system.
const observable = true

// socket is a connection that can be read without waiting. It is not safe for
// concurrent reads.
type socket struct {
	net.Conn
	raw  syscall.RawConn
	look func(descriptor uintptr) bool // examine, as a value that is made once
	// hurried makes Read not wait.
	hurried bool

	into []byte
	n    int
	err  error
}

// newSocket takes over a connection. It closes one that cannot be examined.
func newSocket(c net.Conn) (*socket, error) {
	s := &socket{Conn: c}
	s.look = s.examine
	inner, ok := c.(syscall.Conn)
	err := errors.ErrUnsupported
	if ok {
		s.raw, err = inner.SyscallConn()
	}
	if err != nil {
		_ = c.Close() // the error to report is another
		return nil, err
	}
	return s, nil
}

// Read implements io.Reader.
func (s *socket) Read(p []byte) (int, error) {
	if s.hurried {
		return s.glance(p)
	}
	return s.Conn.Read(p)
}

// glance reads what has arrived. If nothing has, the error is os.ErrDeadlineExceeded.
func (s *socket) glance(p []byte) (int, error) {
	s.into = p
	err := s.raw.Read(s.look)
	s.into = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(s.err, syscall.EAGAIN), errors.Is(s.err, syscall.EWOULDBLOCK):
		return 0, os.ErrDeadlineExceeded
	case s.err != nil:
		return 0, os.NewSyscallError("read", s.err)
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// examine reads from the descriptor, which does not block. It reports that it is done.
func (s *socket) examine(descriptor uintptr) bool {
	for {
		s.n, s.err = syscall.Read(int(descriptor), s.into)
		if !errors.Is(s.err, syscall.EINTR) {
			return true
		}
	}
}
