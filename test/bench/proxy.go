package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// proxyCommand is the first argument that makes this program the pass-through
// proxy. The URL of the target follows.
const proxyCommand = "proxy"

// serveProxy serves the proxy on a free loopback port until ctx ends, and prints
// its URL. It reads the bearer token from the first line of in, so that no process
// list shows the token.
func serveProxy(ctx context.Context, target string, in io.Reader, out io.Writer) error {
	token, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newProxy(to, strings.TrimSpace(token)), ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // ends Serve; there is nothing to wait for
	if _, err := fmt.Fprintf(out, "endpoint: http://%s\n", listener.Addr()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newProxy returns a handler that forwards requests with a bearer token. This is
// the minimum that a server between clients and the platform does. It is tuned
// like leadgraph, because a slow proxy would make leadgraph look better.
func newProxy(target *url.URL, token string) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	transport.DisableCompression = true // otherwise it asks for compressed answers and may have to decompress them
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
		Transport:  transport,
		BufferPool: &bufferPool{},
		ErrorLog:   log.New(io.Discard, "", 0),
	}
}

// bufferPool implements httputil.BufferPool. Its buffers have the size that
// ReverseProxy would otherwise allocate for each answer.
type bufferPool struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

// Put implements httputil.BufferPool.
func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
