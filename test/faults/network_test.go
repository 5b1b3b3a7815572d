package faults

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// relay forwards connections from leadgraph to the sandbox and breaks them below
// HTTP.
type relay struct {
	t        *testing.T
	listener net.Listener
	target   string
	silent   atomic.Bool // new connections are accepted and never served
	work     sync.WaitGroup

	mu    sync.Mutex
	pairs []*pair
	held  net.Conn // keeps the port of the closed listener from others
}

// pair holds the two ends of a relayed connection.
type pair struct {
	client, server net.Conn
	frozen         atomic.Bool // nothing passes in either direction
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, listener: listener, target: target}
	r.work.Go(r.accept)
	t.Cleanup(func() {
		_ = listener.Close() // closed already if it refuses
		r.drop()
		if r.held != nil {
			_ = r.held.Close()
		}
		r.work.Wait()
	})
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		p := &pair{client: client}
		if !r.silent.Load() {
			if p.server, err = new(net.Dialer).DialContext(context.Background(), "tcp", r.target); err != nil {
				r.t.Error(err)
				_ = client.Close()
				return
			}
			r.work.Go(func() { p.pass(p.client, p.server) })
			r.work.Go(func() { p.pass(p.server, p.client) })
		}
		r.mu.Lock()
		r.pairs = append(r.pairs, p)
		r.mu.Unlock()
	}
}

// pass copies from one end to the other until either is closed.
func (p *pair) pass(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err == nil && !p.frozen.Load() {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			p.close()
			return
		}
	}
}

func (p *pair) close() {
	_ = p.client.Close()
	if p.server != nil {
		_ = p.server.Close()
	}
}

// freeze stops the traffic on existing connections, as when a firewall between the
// ends forgets them. New connections work.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pairs {
		p.frozen.Store(true)
	}
}

// silence stops the traffic on all connections, new ones included.
func (r *relay) silence() {
	r.silent.Store(true)
	r.freeze()
}

// drop ends all connections with a reset, which leaves no socket in TIME_WAIT to
// occupy the port.
func (r *relay) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pairs {
		_ = p.client.(*net.TCPConn).SetLinger(0) // closed already if the client left
		p.close()
	}
}

// refuse makes the relay's address refuse connections.
func (r *relay) refuse() {
	_ = r.listener.Close()
	r.drop()
	// While a connection uses the port, no other process can listen on it.
	from := net.Dialer{LocalAddr: r.listener.Addr()}
	held, err := from.DialContext(context.Background(), "tcp", r.target)
	if err != nil {
		r.t.Errorf("hold the refusing port: %v", err)
		return
	}
	r.held = held
}

// nameServer resolves known names to 127.0.0.1.
type nameServer struct {
	conn  net.PacketConn
	ended sync.WaitGroup

	mu    sync.Mutex
	names map[string]bool
}

// names resolves names for the whole test binary, because leadgraph uses the default
// resolver.
var names = &nameServer{names: map[string]bool{}}

// open starts the server and points the default resolver to it.
func (s *nameServer) open() (err error) {
	if s.conn, err = new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.ended.Go(s.serve)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
	return nil
}

func (s *nameServer) close() {
	_ = s.conn.Close() // nothing is lost
	s.ended.Wait()
}

// set makes a name, which must end with a dot, known or unknown.
func (s *nameServer) set(name string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = known
}

func (s *nameServer) serve() {
	buffer := make([]byte, 512)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if answer := s.answer(buffer[:n]); answer != nil {
			_, _ = s.conn.WriteTo(answer, from) // the client may have left
		}
	}
}

func (s *nameServer) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	asked := m.Questions[0]
	m.Response, m.Additionals = true, nil
	s.mu.Lock()
	known := s.names[asked.Name.String()]
	s.mu.Unlock()
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case asked.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: asked.Name, Type: asked.Type, Class: asked.Class},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}
