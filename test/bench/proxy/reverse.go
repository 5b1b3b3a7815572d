package proxy

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// newReverse returns a handler that forwards requests with a bearer token. This is
// the minimum that a server between clients and the platform does with net/http. It is
// tuned like leadgraph, because a slow proxy would make leadgraph look better.
func newReverse(target *url.URL, token string, pooled bool) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 2048
	transport.DisableCompression = true // otherwise it asks for compressed answers and may have to decompress them
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	if pooled {
		p.BufferPool = &bufferPool{}
	}
	return p
}

// bufferSize holds a page of 100 leads. With the 32 KiB that ReverseProxy would
// otherwise allocate for each answer, such a page costs half as much again.
const bufferSize = 128 << 10

// bufferPool implements httputil.BufferPool.
type bufferPool struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, bufferSize)
}

// Put implements httputil.BufferPool.
func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
