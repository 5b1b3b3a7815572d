package faults

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// relay stands between leadgraph and the sandbox for what goes wrong below HTTP.
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

// pair is the two ends of a relayed connection.
type pair struct {
	client, server net.Conn
	frozen         atomic.Bool // nothing passes any more, in neither direction
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

// pass copies what one end sends to the other until either is closed.
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

// freeze has the connections that there are go silent, as when a firewall
// between forgets them; new ones are served.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pairs {
		p.frozen.Store(true)
	}
}

// silence has all connections go silent, those to come too.
func (r *relay) silence() {
	r.silent.Store(true)
	r.freeze()
}

// drop ends all connections with a reset, which leaves nothing behind that would
// occupy the port.
func (r *relay) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pairs {
		_ = p.client.(*net.TCPConn).SetLinger(0) // closed already if the client left
		p.close()
	}
}

// refuse has nobody listen at the relay's address.
func (r *relay) refuse() {
	_ = r.listener.Close()
	r.drop()
	// The port of a connection is nobody else's to listen on.
	from := net.Dialer{LocalAddr: r.listener.Addr()}
	held, err := from.DialContext(context.Background(), "tcp", r.target)
	if err != nil {
		r.t.Errorf("hold the refusing port: %v", err)
		return
	}
	r.held = held
}

// nameServer resolves the names that it was given to this machine.
type nameServer struct {
	conn  net.PacketConn
	ended sync.WaitGroup

	mu    sync.Mutex
	names map[string]bool
}

// names resolves for the whole test binary: leadgraph asks the default resolver.
var names = &nameServer{names: map[string]bool{}}

// open starts the server and has the default resolver ask it.
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

// set says whether a name, with a dot at its end, is known.
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
			_, _ = s.conn.WriteTo(answer, from) // who left asks no more
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
