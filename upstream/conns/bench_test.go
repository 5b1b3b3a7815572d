package conns

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkGet reads an answer of one lead over loopback, with a time limit as the
// guard sets it. "general" is net/http's transport with the same settings. The server
// allocates nothing, so that allocations are those of the client.
func BenchmarkGet(b *testing.B) {
	for _, scheme := range []string{"http", "https"} {
		base, roots := serveSame(b, scheme, "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nDate: Sun, 29 Nov 2026 17:00:00 GMT\r\n"+
			"Content-Length: 1502\r\n\r\n["+strings.Repeat("x", 1500)+"]")
		own := New(Options{Base: base, MaxConcurrent: 64, AttemptTimeout: time.Second, RootCAs: roots})
		defer own.CloseIdleConnections()
		for name, transport := range map[string]http.RoundTripper{"own": own, "general": own.general} {
			b.Run(scheme+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					get(b, transport, base)
				}
			})
		}
	}
}

// serveSame starts a server that answers whatever ends with an empty line.
func serveSame(tb testing.TB, scheme, answer string) (*url.URL, *x509.CertPool) {
	tb.Helper()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	base := &url.URL{Scheme: scheme, Host: listener.Addr().String()}
	if scheme == "https" {
		listener = tls.NewListener(listener, &tls.Config{Certificates: certified.TLS.Certificates})
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				in, out, n := make([]byte, 8<<10), []byte(answer), 0
				for {
					more, err := c.Read(in[n:])
					if err != nil {
						return
					}
					if n += more; bytes.HasSuffix(in[:n], []byte("\r\n\r\n")) {
						n = 0
						_, _ = c.Write(out)
					}
				}
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return base, roots
}

func get(b *testing.B, transport http.RoundTripper, base *url.URL) {
	ctx, cancel := context.WithTimeout(b.Context(), 3*time.Second)
	defer cancel()
	target := *base
	target.Path, target.RawQuery = "/tenantui/api/v2/oc/lead", "PageNumber=0&PageSize=100&msTenantID=f94238e5-4f2c-4e1b-8125-2d27122ca75f"
	req := (&http.Request{Method: http.MethodGet, URL: &target, Host: target.Host, Header: header}).WithContext(ctx)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	if n, err := io.Copy(io.Discard, resp.Body); n != 1502 || err != nil {
		b.Fatal(n, err)
	}
}

var header = http.Header{"Accept": {"application/json"}, "User-Agent": {"leadgraph"}, "Authorization": {"Bearer " + strings.Repeat("t", 1000)}}
