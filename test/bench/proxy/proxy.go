// Package proxy is the servers that show what forwarding alone costs: requests of the
// REST API go to the platform with a bearer token, answers come back as they are.
package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Kinds of proxies.
const (
	// Reverse is httputil.ReverseProxy. It allocates a buffer for each answer.
	Reverse = "reverse"
	// Pooled is httputil.ReverseProxy with a pool of larger buffers.
	Pooled = "pooled"
	// Splice copies answers inside the kernel, and has one goroutine and one connection
	// to the platform for each connection of a client.
	Splice = "splice"
)

// Serve serves a proxy of a kind for the target on a free loopback port until ctx
// ends, and prints its URL. It reads the bearer token from the first line of in, so
// that no process list shows the token.
func Serve(ctx context.Context, kind, target string, in io.Reader, out io.Writer) error {
	token, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	token = strings.TrimSpace(token)
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "endpoint: http://%s\n", listener.Addr()); err != nil {
		return err
	}
	if kind == Splice {
		return serveSplicer(ctx, listener, &splicer{address: to.Host, token: token})
	}
	server := &http.Server{Handler: newReverse(to, token, kind == Pooled), ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // ends Serve; there is nothing to wait for
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
