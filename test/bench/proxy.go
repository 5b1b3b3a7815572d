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

// proxyCommand as first argument, before the target's URL, makes this program
// the pass-through proxy.
const proxyCommand = "proxy"

// serveProxy serves the proxy on a free loopback port, which it prints, until
// ctx ends. The bearer token is the first line of in, so that no process list
// shows it.
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
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // ends Serve; there is nothing to drain
	if _, err := fmt.Fprintf(out, "endpoint: http://%s\n", listener.Addr()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newProxy passes requests on with a bearer token: the least that a server
// between clients and the platform does. It is tuned as leadgraph is, since a
// slow yardstick would flatter.
func newProxy(target *url.URL, token string) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	transport.DisableCompression = true // otherwise it adds Accept-Encoding and may have to inflate
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

// bufferPool implements httputil.BufferPool with the size that ReverseProxy
// would allocate for each answer.
type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
