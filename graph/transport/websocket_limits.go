package transport

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// The bounds of one WebSocket for each second, and how much more a client may send
// at once, for example when a page opens.
const (
	socketOperations, socketOperationsBurst = 50, 100
	// Every message and every ping is a frame. More than this is no client that works.
	socketFrames, socketFramesBurst = 200, 600
	// Frames that make no message, such as pongs and empty parts of a message that never
	// ends, are bounded where bytes are read. A large message may have some parts.
	socketParts, socketPartsBurst = 2 * socketFrames, 2 * socketFramesBurst
	// Bytes are counted in messages of the maximum size.
	socketMessages, socketMessagesBurst = 4, 16
)

// errFlood ends a connection whose client sends too much.
var errFlood = errors.New("too much was sent")

// socketLimits are the bounds of one WebSocket.
type socketLimits struct{ operations, frames *rate.Limiter }

func newSocketLimits() socketLimits {
	return socketLimits{
		operations: rate.NewLimiter(socketOperations, socketOperationsBurst),
		frames:     rate.NewLimiter(socketFrames, socketFramesBurst),
	}
}

// pinged reports whether a ping is to be answered. It closes the connection if the
// client has sent too many frames. It is called while the connection is being read.
func (s *socket) pinged(context.Context, []byte) bool {
	if s.limits.frames.Allow() {
		return true
	}
	if s.flooded.CompareAndSwap(false, true) {
		s.running.Go(s.closeFlooded)
	}
	return false
}

func (s *socket) closeFlooded() {
	s.floods.Add()
	s.close(websocket.StatusPolicyViolation, "Too many messages")
}

// connect counts the connection to the caller of ctx. The connection is refused if
// leave is nil.
func (t endpoint) connect(ctx context.Context) (leave func()) {
	if t.Connect == nil {
		return func() {}
	}
	return t.Connect(ctx)
}

// hijacker makes the connection of a WebSocket bound what it reads.
type hijacker struct {
	http.ResponseWriter
	maxBody int64
}

// Unwrap is for http.ResponseController.
func (h hijacker) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	size := max(h.maxBody, 4<<10)
	bounded := &boundedConn{
		Conn:  conn,
		bytes: rate.NewLimiter(rate.Limit(socketMessages*size), int(socketMessagesBurst*size)),
		parts: rate.NewLimiter(socketParts, socketPartsBurst),
	}
	early, err := buffered.Peek(buffered.Reader.Buffered()) // these are not read from the connection
	if err != nil {
		return nil, nil, err
	}
	bounded.frames.read(early)
	return bounded, buffered, nil
}

// boundedConn returns an error once it has read too much in too short a time.
type boundedConn struct {
	net.Conn
	bytes, parts *rate.Limiter
	frames       frameReader
}

// Read implements net.Conn.
func (c *boundedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	now := time.Now()
	if !c.bytes.AllowN(now, n) || !c.parts.AllowN(now, c.frames.read(p[:n])) {
		return 0, errFlood
	}
	return n, err
}
