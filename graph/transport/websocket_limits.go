package transport

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"math"
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

// frameReader finds the frames in what a client sends (RFC 6455 section 5.2). The library
// reports neither pongs nor the frames of a message that has not ended.
type frameReader struct {
	header  []byte // of the next frame, as far as it has arrived
	payload uint64 // of the present frame that has not arrived yet, in bytes
}

// read returns how many frames begin in the next bytes. A frame counts once its header is
// complete.
func (f *frameReader) read(p []byte) (frames int) {
	for len(p) > 0 {
		if f.payload > 0 {
			n := min(f.payload, uint64(len(p)))
			f.payload -= n
			p = p[n:]
			continue
		}
		f.header = append(f.header, p[0])
		p = p[1:]
		if len(f.header) >= 2 && len(f.header) == headerSize(f.header[1]) {
			f.payload = payloadSize(f.header)
			f.header = f.header[:0]
			frames++
		}
	}
	return frames
}

// The values of the length in the second byte of a header that announce a longer one.
const lengthOf2Bytes, lengthOf8Bytes = 126, 127

// headerSize returns the size of a header with this second byte.
func headerSize(second byte) int {
	size := 2
	switch second & 0x7f {
	case lengthOf2Bytes:
		size += 2
	case lengthOf8Bytes:
		size += 8
	}
	if second&0x80 != 0 { // masked
		size += 4
	}
	return size
}

// payloadSize returns the size of the payload that follows a complete header.
func payloadSize(header []byte) uint64 {
	switch short := header[1] & 0x7f; short {
	case lengthOf2Bytes:
		return uint64(binary.BigEndian.Uint16(header[2:]))
	case lengthOf8Bytes:
		return binary.BigEndian.Uint64(header[2:]) & math.MaxInt64
	default:
		return uint64(short)
	}
}
