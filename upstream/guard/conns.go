package guard

import (
	"net"
	"net/http"
	"time"
)

// minIdleConns keeps a burst of small reads from paying for new connections;
// net/http's own default of two would.
const minIdleConns = 64

// TransportOptions configure the connections to the platform.
type TransportOptions struct {
	// MaxConcurrent is the most attempts under way.
	MaxConcurrent int
	// AttemptTimeout bounds an attempt.
	AttemptTimeout time.Duration
}

// NewTransport returns the connection pool. Time-outs come from contexts.
func NewTransport(o TransportOptions) *http.Transport {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    max(minIdleConns, o.MaxConcurrent),
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// All requests share one HTTP/2 connection, and a request that times out
		// does not end it. If the other side has gone without a word, a ping finds
		// that out before the attempt is over, and the next one gets a new connection.
		HTTP2: &http.HTTP2Config{SendPingTimeout: o.AttemptTimeout / 2, PingTimeout: o.AttemptTimeout / 3},
	}
}
