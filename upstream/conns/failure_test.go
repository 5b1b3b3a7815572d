package conns

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, base string, roots *x509.CertPool) (*Transport, *url.URL) {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	own := New(Options{Base: u, MaxConcurrent: 4, AttemptTimeout: time.Minute, RootCAs: roots})
	t.Cleanup(own.CloseIdleConnections)
	return own, u
}

// Failures to connect are those of net/http's transport.
func TestConnectionsThatAreNotMade(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	closing := httptest.NewUnstartedServer(nil)
	closing.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			head := make([]byte, 5) // of the record with the greeting, which is read so that the end is no reset
			_, _ = io.ReadFull(c, head)
			_, _ = io.CopyN(io.Discard, c, int64(head[3])<<8+int64(head[4]))
			_ = c.Close()
		}
	}
	closing.Start()
	t.Cleanup(closing.Close)
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	for name, c := range map[string]struct {
		base  string
		roots *x509.CertPool
	}{
		"refused":                {gone.URL, nil},
		"refused, TLS":           {strings.Replace(gone.URL, "http", "https", 1), nil},
		"no name server":         {"http://leadgraph.invalid", nil},
		"an unknown authority":   {secure.URL, nil},
		"another name":           {"https://localhost:" + port, roots},
		"TLS to a plain server":  {strings.Replace(plain.URL, "http", "https", 1), nil},
		"TLS to a closing one":   {strings.Replace(closing.URL, "http", "https", 1), nil},
		"plain to a TLS server":  {strings.Replace(secure.URL, "https", "http", 1), nil},
		"a port beyond the last": {"http://127.0.0.1:99999", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, base := open(t, c.base, c.roots)
			nobody := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }}
			own.general.DialContext = (&net.Dialer{Resolver: nobody}).DialContext
			got, want := ask(t.Context(), own, base), ask(t.Context(), own.general, base)
			delete(got.Header, "Date")
			delete(want.Header, "Date")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("net/http (-) and this transport (+) differ:\n%s", diff)
			}
			if own.handed.Load() {
				t.Error("the request went through net/http")
			}
		})
	}
}

// A server that accepts and never speaks holds up neither the caller nor Close.
func TestHandshakeThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	own, base := open(t, "https://"+listener.Addr().String(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got := ask(ctx, own, base); got.Err != class(context.DeadlineExceeded) {
		t.Errorf("got %+v", got)
	}
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	own.CloseIdleConnections()
	if _, err := io.Copy(io.Discard, c); err != nil { // ends when the client gives up
		t.Error(err)
	}
}

// dialer dials when it is told to.
type dialer struct {
	asked, begin chan struct{}
	dials        atomic.Int32
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.dials.Add(1)
	d.asked <- struct{}{}
	select {
	case <-d.begin:
		return new(net.Dialer).DialContext(ctx, network, address)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A connection that takes longer than an attempt serves the next one.
func TestConnectionOfARequestThatLeft(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		s := serve(t, scheme, func(int) reply { return reply{text: good} })
		own := s.transport(t)
		slow := &dialer{asked: make(chan struct{}), begin: make(chan struct{})}
		own.general.DialContext = slow.dial
		ctx, cancel := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() {
			if got := ask(ctx, own, s.base); got.Err != class(context.Canceled) {
				t.Errorf("got %+v", got)
			}
		})
		<-slow.asked
		cancel()
		asking.Wait()
		slow.begin <- struct{}{}
		for !keptOne(own) { // until it is there
		}
		if got := ask(t.Context(), own, s.base); got.Err != "" || slow.dials.Load() != 1 {
			t.Errorf("%s: %d dials, got %+v", scheme, slow.dials.Load(), got)
		}
	}
}

// Closing gives up what nobody waits for, and nothing else.
func TestCloseWhileDialing(t *testing.T) {
	t.Parallel()
	s := serve(t, "http", func(int) reply { return reply{text: good} })
	own := s.transport(t)
	slow := &dialer{asked: make(chan struct{}), begin: make(chan struct{})}
	own.general.DialContext = slow.dial
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() {
		if got := ask(t.Context(), own, s.base); got.Err != "" {
			t.Errorf("got %+v", got)
		}
	})
	<-slow.asked
	asking.Go(func() { ask(ctx, own, s.base) })
	<-slow.asked
	cancel()
	own.CloseIdleConnections() // goleak finds the dial if it goes on
	slow.begin <- struct{}{}
	asking.Wait()
	own.CloseIdleConnections()
}

// Unusual requests go through net/http's transport.
func TestUnusualRequestsGoThroughNetHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // as much as there is
		_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.Host, r.RequestURI, r.Header.Get("A"), string(body)}, " "))
	}))
	t.Cleanup(server.Close)
	for name, adjust := range map[string]func(*http.Request){
		"POST":              func(r *http.Request) { r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader("x")) },
		"HEAD":              func(r *http.Request) { r.Method = http.MethodHead },
		"no method":         func(r *http.Request) { r.Method = "" },
		"a body":            func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1 },
		"another host":      func(r *http.Request) { r.Host = "elsewhere" },
		"another address":   func(r *http.Request) { r.URL.Host = strings.Replace(r.URL.Host, "127.0.0.1", "localhost", 1) },
		"no host":           func(r *http.Request) { r.URL.Host = "" },
		"no URL":            func(r *http.Request) { r.URL = nil },
		"no header":         func(r *http.Request) { r.Header = nil },
		"another scheme":    func(r *http.Request) { r.URL.Scheme = "ftp" },
		"a user":            func(r *http.Request) { r.URL.User = url.User("x") },
		"an opaque URL":     func(r *http.Request) { r.URL.Opaque = "//x/y" },
		"no path":           func(r *http.Request) { r.URL.Path = "" },
		"*":                 func(r *http.Request) { r.URL.Path = "*" },
		"a space":           func(r *http.Request) { r.URL.RawQuery = "a b" },
		"a line in a query": func(r *http.Request) { r.URL.RawQuery = "a\r\nA: x" },
		"a line in a value": func(r *http.Request) { r.Header.Set("A", "x\r\nB: y") },
		"a line in a name":  func(r *http.Request) { r.Header["A\r\nB"] = []string{"x"} },
		"no name":           func(r *http.Request) { r.Header[""] = []string{"x"} },
		"lower case":        func(r *http.Request) { r.Header["a"] = []string{"x"} },
		"two values":        func(r *http.Request) { r.Header["A"] = []string{"x", "y"} },
		"no value":          func(r *http.Request) { r.Header["A"] = nil },
		"no agent":          func(r *http.Request) { r.Header["User-Agent"] = []string{""} },
		"the usual agent":   func(r *http.Request) { r.Header.Del("User-Agent") },
		"an encoding":       func(r *http.Request) { r.Header.Set("Accept-Encoding", "br") },
		"a range":           func(r *http.Request) { r.Header.Set("Range", "bytes=0-1") },
		"a connection":      func(r *http.Request) { r.Header.Set("Connection", "close") },
		"an upgrade":        func(r *http.Request) { r.Header.Set("Upgrade", "x") },
		"an expectation":    func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
		"a length":          func(r *http.Request) { r.Header.Set("Content-Length", "3") },
		"close":             func(r *http.Request) { r.Close = true },
		"a trailer":         func(r *http.Request) { r.Trailer = http.Header{"A": {"x"}} },
		"an encoded body":   func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"many fields": func(r *http.Request) {
			for c := range byte(20) {
				r.Header["A"+string('a'+rune(c))] = []string{"x"}
			}
		},
		"traced": func(r *http.Request) {
			*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, base := open(t, server.URL, nil)
			ask := func(via http.RoundTripper) result {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, base.String()+"/a/b?c=d", http.NoBody)
				req.RequestURI, req.Header = "", http.Header{"User-Agent": {"leadgraph"}}
				adjust(req)
				r := send(via, req)
				delete(r.Header, "Date")
				return r
			}
			if diff := cmp.Diff(ask(own.general), ask(own)); diff != "" {
				t.Errorf("net/http (-) and this transport (+) differ:\n%s", diff)
			}
			if keptOne(own) {
				t.Error("the request did not go through net/http")
			}
		})
	}
}

// The platform decides whether HTTP/2 is spoken.
func TestHTTP2GoesThroughNetHTTP(t *testing.T) {
	t.Parallel()
	var protos sync.Map
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protos.Store(r.Proto, true) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	own, base := open(t, server.URL, roots)
	for range 3 {
		if got := ask(t.Context(), own, base); got.Err != "" || got.Proto != "HTTP/2.0" {
			t.Errorf("got %+v", got)
		}
	}
	if _, first := protos.Load("HTTP/1.1"); first || !own.handed.Load() {
		t.Error("HTTP/1.1 was spoken, or is still tried")
	}
}

// Hosts that are not sent as they are written, and those behind a proxy, are left to
// net/http from the start.
func TestOddHostsGoThroughNetHTTP(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"example.com": false, "example.com:8443": false, "[::1]:80": false, "127.0.0.1": false,
		"bücher.example": true, "[fe80::1%25eth0]:80": true,
	} {
		own, _ := open(t, "http://"+host, nil)
		if got := own.handed.Load(); got != want {
			t.Errorf("%s: left to net/http is %v", host, got)
		}
	}
	own, base := open(t, "http://example.com", nil)
	for _, proxy := range []func(*http.Request) (*url.URL, error){
		func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy.example") },
		func(*http.Request) (*url.URL, error) { return nil, errors.New("not a proxy") },
	} {
		if own.general.Proxy = proxy; !own.proxied(base) {
			t.Error("the proxy would not be used")
		}
	}
}
