package conns

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leadgraph/upstream/guard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ending is what a server does after an answer.
type ending int

const (
	keep  ending = iota // waits for the next request
	shut                // closes the connection
	reset               // closes it with a reset
	hold                // waits until the client leaves
)

// reply is what a server sends for one request.
type reply struct {
	text string
	then ending
	// late is sent in a segment of its own, after text.
	late string
}

// at returns good answers to all calls but the one with that number.
func at(number int, special reply) func(call int) reply {
	return func(call int) reply {
		if call == number {
			return special
		}
		return reply{text: good}
	}
}

// server is a server whose answers are written byte by byte.
type server struct {
	base  *url.URL
	roots *x509.CertPool
	// calls and conns count what arrived.
	calls, conns atomic.Int32
	// held, if set, is called when the server begins to wait for the client to leave.
	held atomic.Pointer[func()]
	next func(call int) reply
	open sync.WaitGroup

	mu   sync.Mutex
	live map[net.Conn]bool
	shut bool
}

// serve starts a server that answers the calls, which are numbered from 1.
func serve(tb testing.TB, scheme string, next func(call int) reply) *server {
	tb.Helper()
	s := &server{next: next, roots: x509.NewCertPool(), live: map[net.Conn]bool{}}
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.base = &url.URL{Scheme: scheme, Host: listener.Addr().String()}
	if scheme == "https" {
		certified := httptest.NewTLSServer(nil)
		certified.Close()
		s.roots.AddCert(certified.Certificate())
		listener = tls.NewListener(listener, &tls.Config{Certificates: certified.TLS.Certificates})
	}
	s.open.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			s.mu.Lock()
			if s.live[c] = true; s.shut {
				_ = c.Close()
			}
			s.mu.Unlock()
			s.open.Go(func() { s.converse(c) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		s.drop()
		s.open.Wait()
	})
	return s
}

// drop closes all connections.
func (s *server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for c := range s.live {
		_ = c.Close()
	}
}

func (s *server) converse(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	var out []byte // so that nothing is allocated for each call
	for {
		if !skipRequest(in) {
			return
		}
		r := s.next(int(s.calls.Add(1)))
		out = append(out[:0], r.text...)
		_, _ = c.Write(out)              // fails if the client has left
		_, _ = io.WriteString(c, r.late) // as above
		switch r.then {
		case shut:
			return
		case reset:
			if t, ok := c.(*tls.Conn); ok {
				c = t.NetConn()
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			return
		case hold:
			if held := s.held.Load(); held != nil {
				(*held)()
			}
			_, _ = io.Copy(io.Discard, in)
			return
		case keep:
		}
	}
}

// skipRequest reads up to the end of a header.
func skipRequest(in *bufio.Reader) bool {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil || len(line) == 2 {
			return err == nil
		}
	}
}

// transport returns a Transport for a server, which is closed at the end of the test.
func (s *server) transport(tb testing.TB) *Transport {
	tb.Helper()
	t := New(Options{Base: s.base, MaxConcurrent: 64, AttemptTimeout: time.Minute, RootCAs: s.roots})
	tb.Cleanup(t.CloseIdleConnections)
	return t
}

// result is what a caller sees of an answer.
type result struct {
	Status, Proto       string
	Header, Trailer     http.Header
	Length              int64
	Encoding            []string
	Close, Uncompressed bool
	TLS                 bool
	Body                string
	Err                 string // how the guard classifies the error
}

// ask sends a GET and reads the answer to its end.
func ask(ctx context.Context, via http.RoundTripper, base *url.URL) result {
	target := *base
	target.Path, target.RawQuery = "/tenantui/api/v2/oc/lead", "PageNumber=0&PageSize=100"
	req := (&http.Request{Method: http.MethodGet, URL: &target, Host: target.Host, Header: http.Header{
		"Accept": {"application/json"}, "User-Agent": {"leadgraph"}, "Authorization": {"Bearer t"},
	}}).WithContext(ctx)
	return send(via, req)
}

func send(via http.RoundTripper, req *http.Request) result {
	resp, err := via.RoundTrip(req)
	if err != nil {
		return result{Err: class(err)}
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // what matters was read
	return result{
		Status: resp.Status, Proto: resp.Proto, Header: resp.Header, Trailer: resp.Trailer, Length: resp.ContentLength, Encoding: resp.TransferEncoding,
		Close: resp.Close, Uncompressed: resp.Uncompressed, TLS: resp.TLS != nil, Body: string(body), Err: class(err),
	}
}

// class returns how an error is classified and shown; empty for none.
func class(err error) string {
	if err == nil {
		return ""
	}
	failure := guard.Failure(err)
	return string(failure.Kind) + ": " + failure.Err.Error()
}
