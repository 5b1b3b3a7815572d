package guard

import (
	"net"
	"net/http"
	"time"
)

// minIdleConns is the least number of idle connections to keep. With net/http's
// default of two, a burst of small reads would open new connections.
const minIdleConns = 64

// TransportOptions configures the connections to the platform.
type TransportOptions struct {
	// MaxConcurrent is the largest number of concurrent attempts.
	MaxConcurrent int
	// AttemptTimeout bounds an attempt.
	AttemptTimeout time.Duration
}

// NewTransport returns a connection pool. It has no time-outs for requests: these
// come from their contexts.
func NewTransport(o TransportOptions) *http.Transport {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    max(minIdleConns, o.MaxConcurrent),
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// All requests share one HTTP/2 connection, and a request that times out does
		// not close it. If the other side has silently gone, a ping detects this before
		// the attempt ends, and the next attempt gets a new connection.
		HTTP2: &http.HTTP2Config{SendPingTimeout: o.AttemptTimeout / 2, PingTimeout: o.AttemptTimeout / 3},
	}
}
