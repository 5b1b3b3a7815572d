package conns

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// minIdle is the least number of idle connections to keep. With net/http's default
	// of two, a burst of small reads would open new connections.
	minIdle = 64
	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 64 << 10
)

// Options configures a Transport.
type Options struct {
	// Base is the URL of the platform. Requests to other hosts use net/http's transport.
	Base *url.URL
	// MaxConcurrent is the largest number of concurrent attempts.
	MaxConcurrent int
	// AttemptTimeout bounds an attempt.
	AttemptTimeout time.Duration
	// RootCAs are the authorities to trust. Nil means those of the system.
	RootCAs *x509.CertPool
}

// Transport is a connection pool. It has no time-outs for requests: these come from
// their contexts. It is safe for concurrent use.
type Transport struct {
	host    string // with the port, as in the URL
	scheme  string
	address string // to dial
	tls     *tls.Config
	idle    idle
	dials   dials
	buffers sync.Pool // *[]byte, for requests

	// general sends what this transport does not.
	general *http.Transport
	// handed is true if general sends everything: from the start, or since the
	// platform has chosen HTTP/2.
	handed atomic.Bool
}

// New returns a Transport without connections.
func New(o Options) *Transport {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	t := &Transport{
		host:    o.Base.Host,
		scheme:  o.Base.Scheme,
		idle:    idle{most: max(minIdle, o.MaxConcurrent)},
		buffers: sync.Pool{New: func() any { return new([]byte) }},
		general: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    max(minIdle, o.MaxConcurrent),
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeader,
			TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs},
			// All requests share one HTTP/2 connection, and a request that times out does
			// not close it. If the other side has silently gone, a ping detects this before
			// the attempt ends, and the next attempt gets a new connection.
			HTTP2: &http.HTTP2Config{SendPingTimeout: o.AttemptTimeout / 2, PingTimeout: o.AttemptTimeout / 3},
		},
	}
	port := o.Base.Port()
	switch {
	case t.scheme == "https":
		t.tls = &tls.Config{RootCAs: o.RootCAs, ServerName: o.Base.Hostname(), NextProtos: []string{"h2", "http/1.1"}}
		if port == "" {
			port = "443"
		}
	case port == "":
		port = "80"
	}
	t.address = net.JoinHostPort(o.Base.Hostname(), port)
	t.handed.Store(!observable || t.proxied(o.Base) || !plainHost(t.host))
	return t
}

// proxied reports whether the platform is reached through a proxy. If that cannot be
// told, net/http's transport says why.
func (t *Transport) proxied(base *url.URL) bool {
	proxy, err := t.general.Proxy(&http.Request{URL: base})
	return proxy != nil || err != nil
}

// plainHost reports whether a host is sent and dialed as it is written. Others have a
// zone or letters beyond ASCII.
func plainHost(host string) bool {
	for _, c := range []byte(host) {
		if c <= ' ' || c >= 0x7f || c == '%' {
			return false
		}
	}
	return httpguts.ValidHostHeader(host)
}

// CloseIdleConnections closes the connections that no request uses, and gives up those
// that are being made for requests that have left.
func (t *Transport) CloseIdleConnections() {
	t.dials.cancel()
	t.idle.closeAll()
	t.general.CloseIdleConnections()
}

// RoundTrip implements http.RoundTripper. If a kept connection breaks before the first
// byte of an answer, the request is sent once more, over a new connection.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if t.handed.Load() || httptrace.ContextClientTrace(ctx) != nil {
		return t.general.RoundTrip(req)
	}
	buffer := t.buffers.Get().(*[]byte)
	defer t.buffers.Put(buffer)
	var plain bool
	if *buffer, plain = t.render((*buffer)[:0], req); !plain {
		return t.general.RoundTrip(req)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	end, _ := bounds(ctx)
	if c := t.idle.take(end); c != nil {
		resp, begun, err := c.exchange(req, *buffer)
		if err == nil || begun || ctx.Err() != nil {
			return resp, err
		}
	}
	c, err := t.dials.dial(ctx, t)
	if errors.Is(err, errHTTP2) {
		t.handed.Store(true)
		return t.general.RoundTrip(req)
	}
	if err != nil {
		return nil, err
	}
	resp, _, err := c.exchange(req, *buffer)
	return resp, err
}
