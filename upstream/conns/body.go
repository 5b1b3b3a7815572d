package conns

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

var errClosedBody = errors.New("the body was read after it was closed")

// body is the body of an answer. When it has been read to its end, its connection is
// kept. When it is closed before, the connection is closed too.
type body struct {
	conn *conn
	ctx  context.Context // of the request
	// stop ends the watch over ctx. It is nil if ctx cannot end.
	stop func() bool
	src  io.Reader
	// keep reports whether both sides want to keep the connection.
	keep             bool
	closed, released atomic.Bool
	err              error // of the last read
}

// attach gives the answer its body.
func (b *body) attach(resp *http.Response) {
	b.keep = !resp.Close && resp.StatusCode > 199
	if resp.Body == http.NoBody {
		b.release(b.keep)
		return
	}
	b.src, resp.Body = resp.Body, b
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		resp.Body = &unzipped{body: b}
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
}

// release keeps or closes the connection. It does nothing if it was called before.
func (b *body) release(keep bool) {
	if !b.released.CompareAndSwap(false, true) {
		return
	}
	// If stop comes too late, a deadline in the past is set at any time.
	if b.stop != nil && !b.stop() {
		keep = false
	}
	if keep && b.conn.in.Buffered() == 0 {
		b.conn.home.put(b.conn)
	} else {
		b.conn.close()
	}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errClosedBody
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	switch err {
	case nil:
	case io.EOF: //nolint:errorlint // readers never wrap it
		b.release(b.keep)
	default:
		err = ended(b.ctx, err)
		b.release(false)
	}
	b.err = err
	return n, err
}

// Close implements io.Closer. It may be called while another goroutine reads.
func (b *body) Close() error {
	b.closed.Store(true)
	b.release(false)
	return nil
}

// unzipped is a body that was sent compressed without being asked for as such.
type unzipped struct {
	*body
	zip *unzipper
	err error
}

type unzipper struct {
	gzip.Reader
	in *bufio.Reader // otherwise gzip makes one each time
}

var unzippers = sync.Pool{New: func() any { return &unzipper{in: bufio.NewReader(nil)} }}

// Read implements io.Reader.
func (u *unzipped) Read(p []byte) (n int, err error) {
	if u.closed.Load() {
		return 0, errClosedBody
	}
	if u.err != nil {
		return 0, u.err
	}
	if u.zip == nil {
		u.zip = unzippers.Get().(*unzipper)
		u.zip.in.Reset(u.body)
		err = u.zip.Reset(u.zip.in)
	}
	if err == nil {
		n, err = u.zip.Read(p)
	}
	if u.err = err; err != nil {
		u.zip.in.Reset(nil)
		unzippers.Put(u.zip)
		u.zip = nil
	}
	return n, err
}
