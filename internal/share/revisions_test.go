package share_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/share"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
)

// edited is a platform whose leads a test edits.
type edited struct {
	mu    sync.Mutex
	leads []*lead.Lead
	reads int
}

func newEdited(n int) *edited {
	p, random := &edited{}, rand.New(rand.NewPCG(1, 2))
	for i := range n {
		text := ""
		for range 10 {
			text += fmt.Sprintf("%016x", random.Uint64()) // hardly compresses
		}
		p.leads = append(p.leads, &lead.Lead{ID: fmt.Sprintf("%08d", i), TenantID: tenantA, Comments: []string{text}})
	}
	return p
}

// AllLeads implements catalogue.Source.
func (p *edited) AllLeads(context.Context, time.Time) (catalogue.Reading, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	reading := catalogue.Reading{Complete: true, Calls: 1}
	for _, l := range p.leads {
		reading.Leads = append(reading.Leads, lead.Clone(l))
	}
	return reading, nil
}

// edit changes the first leads.
func (p *edited) edit(n int, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.leads[:n] {
		l.StatusText = &value
	}
}

// start starts a replica for the time of the test.
func start(t *testing.T, addr string, p catalogue.Source, bytes int64) *node {
	t.Helper()
	n, err := startNode(addr, p, share.SourceOptions{Keep: time.Hour, MaxBytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	return n
}

// refresh has the replica read the platform.
func (n *node) refresh(t *testing.T) *catalogue.Snapshot {
	t.Helper()
	s, _, err := n.catalogue.Snapshot(t.Context(), lead.Freshness{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A holder whose lease has expired and was taken by another cannot issue a revision, neither
// while the other reads nor after it.
func TestLateHolderIssuesNothing(t *testing.T) {
	t.Parallel()
	for name, finished := range map[string]bool{"the other reads": false, "the other has read": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, late, heir := miniredis.RunT(t), gated(), gated()
			longLease := func(o *share.Options) { o.LeaseTTL = time.Hour }
			a, b := replica(t, m.Addr(), late, longLease), replica(t, m.Addr(), heir, longLease)
			readings := make([]catalogue.Reading, 2)
			var first, second sync.WaitGroup
			first.Go(func() { readings[0], _ = a.AllLeads(t.Context(), time.Time{}) })
			<-late.begun
			m.FastForward(time.Hour)
			second.Go(func() { readings[1], _ = b.AllLeads(t.Context(), time.Time{}) })
			<-heir.begun
			if finished {
				close(heir.gate)
				second.Wait()
				rest(t, m)
			}
			head := func() string {
				for _, key := range keysOf(m, headKey) {
					if text, err := m.Get(key); err == nil {
						return strings.Join(strings.Fields(text)[:4], " ")
					}
				}
				return ""
			}
			before := head()
			close(late.gate)
			first.Wait()
			if after := head(); after != before {
				t.Errorf("the late one has replaced %q by %q", before, after)
			}
			if !finished {
				close(heir.gate)
				second.Wait()
			}
			if got := readings[1].Revision; got == (catalogue.Revision{}) {
				t.Error("the heir has issued nothing")
			}
			// It shows what the heir has read, which is newer.
			want := catalogue.Revision{}
			if finished {
				want = readings[1].Revision
			}
			if got := readings[0].Revision; got != want {
				t.Errorf("the late reading is %v, want %v", got, want)
			}
			rest(t, m)
		})
	}
}

// meter passes connections on to a server and counts the bytes that it answers.
func meter(t *testing.T, to string) (addr string, received *atomic.Int64) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received = new(atomic.Int64)
	var runs sync.WaitGroup
	t.Cleanup(runs.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	runs.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
			if err != nil {
				_ = client.Close()
				return
			}
			runs.Go(func() {
				_, _ = io.Copy(server, client)
				_ = server.Close()
			})
			runs.Go(func() {
				buffer := make([]byte, 64<<10)
				for {
					n, err := server.Read(buffer)
					received.Add(int64(n))
					if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
						_ = client.Close()
						return
					}
				}
			})
		}
	})
	return listener.Addr().String(), received
}

// A revision that changes few leads transfers only these, and a reading without differences
// none, whatever the number of leads.
func TestOnlyDifferencesAreTransferred(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newEdited(2000)
	refuse(m, "ERR This instance has cluster support disabled", "CLUSTER") // it would name its own address
	addr, received := meter(t, m.Addr())
	a, b := start(t, m.Addr(), p, 0), start(t, addr, p, 0)
	a.refresh(t)
	stored(t, m)
	b.adopt(t.Context())
	whole := received.Swap(0)
	if got := b.catalogue.Current(t.Context()); got == nil || got.Len() != 2000 {
		t.Fatal("nothing was taken over")
	}
	for name, test := range map[string]struct {
		edits int
		most  int64
	}{"ten leads": {10, 4 << 10}, "none": {0, 2 << 10}} {
		at, asOf := b.log.End()
		p.edit(test.edits, name)
		want := a.refresh(t)
		rest(t, m)
		received.Store(0)
		b.adopt(t.Context())
		got := b.catalogue.Current(t.Context())
		if n := received.Load(); n > test.most || whole < 20*test.most {
			t.Errorf("%s: %d bytes were transferred, %d for all leads", name, n, whole)
		}
		if got.Revision() != want.Revision() || got.ByID("00000000").StatusText != nil && *got.ByID("00000000").StatusText != name && test.edits > 0 {
			t.Errorf("%s: revision %v, want %v", name, got.Revision(), want.Revision())
		}
		if batch, err := b.log.Read(at, nil, 100); err != nil || len(batch.Entries) != test.edits || !batch.AsOf.After(asOf) {
			t.Errorf("%s: %d changes, %v", name, len(batch.Entries), err)
		}
	}
	if p.reads != 3 {
		t.Errorf("%d readings", p.reads)
	}
}

// A revision with more changes than an entry holds is taken over as well.
func TestLargeRevision(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newEdited(2000)
	a, b := start(t, m.Addr(), p, 0), start(t, m.Addr(), p, 0)
	a.refresh(t)
	rest(t, m)
	b.adopt(t.Context())
	at, _ := b.log.End()
	p.edit(2000, "all")
	want := a.refresh(t)
	rest(t, m)
	b.adopt(t.Context())
	if got := b.catalogue.Current(t.Context()); got.Revision() != want.Revision() {
		t.Errorf("revision %v, want %v", got.Revision(), want.Revision())
	}
	if batch, err := b.log.Read(at, nil, 3000); err != nil || len(batch.Entries) != 2000 {
		t.Errorf("%d changes, %v", len(batch.Entries), err)
	}
	at, _ = b.log.End()
	if err := a.log.Find(t.Context(), at); err != nil {
		t.Errorf("a position after it: %v", err)
	}
}

// Positions hold at all replicas and after restarts, entries are bounded, and a server that
// has lost everything gets the log again.
func TestRevisionsOverRedis(t *testing.T) {
	t.Parallel()
	redis, p := newRedis(t), newEdited(100)
	const most = 30 << 10
	replicas := []*node{start(t, redis.addr, p, most), start(t, redis.addr, p, most)}
	whole := func() { // until all leads are stored, another replica has to read without the lease
		t.Helper()
		eventually(t, "all leads are stored", func() bool {
			replicas[0].refresh(t)
			return replicas[1].refresh(t).Revision() != catalogue.Revision{}
		})
	}
	whole()
	var positions []changes.Position
	next := func(i int) {
		p.edit(20, fmt.Sprint(i))
		s := replicas[i%2].refresh(t)
		if s.Revision() == (catalogue.Revision{}) {
			t.Fatalf("reading %d has no revision", i)
		}
		other := replicas[(i+1)%2]
		other.adopt(t.Context())
		if got := other.catalogue.Current(t.Context()).Revision(); got != s.Revision() {
			t.Fatalf("reading %d is %v, the other shows %v", i, s.Revision(), got)
		}
		at, _ := replicas[i%2].log.End()
		positions = append(positions, at)
	}
	for i := range 30 {
		next(i)
	}
	fresh := start(t, redis.addr, p, most)
	fresh.adopt(t.Context())
	for i, n := range []*node{replicas[0], replicas[1], fresh} {
		if err := n.log.Find(t.Context(), positions[28]); err != nil {
			t.Errorf("replica %d does not know the position before: %v", i, err)
		}
	}
	if err := fresh.log.Find(t.Context(), positions[0]); err == nil {
		t.Error("nothing was removed from the stream")
	}
	for range 2 {
		redis.kill(t)
		redis.start(t)
		for _, n := range replicas {
			eventually(t, "it is reached again", func() bool { return n.store.SetPageCap(1) == nil })
		}
		whole()
		for range 4 {
			next(len(positions))
		}
		for i, n := range replicas {
			if err := n.log.Find(t.Context(), positions[28]); err != nil {
				t.Errorf("replica %d has lost its log: %v", i, err)
			}
		}
	}
	if log := positions[len(positions)-1].Revision.Log; log != positions[0].Revision.Log {
		t.Error("another log has begun")
	}
}

// The clock of the server may go back, as after a failover. Leads of the future hold up nothing.
func TestServersClockGoesBack(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newEdited(20)
	a, b := start(t, m.Addr(), p, 1<<20), start(t, m.Addr(), p, 1<<20)
	before := a.refresh(t).Revision()
	rest(t, m)
	m.SetTime(time.Now().Add(-time.Hour))
	p.edit(1, "later")
	s := a.refresh(t)
	if now := s.Revision(); now.Log != before.Log || now.Number <= before.Number {
		t.Errorf("revision %v after %v", now, before)
	}
	m.SetTime(time.Now().Add(-time.Hour + time.Second))
	rest(t, m)
	b.adopt(t.Context())
	if b.catalogue.Current(t.Context()) == nil { // nothing is followed before the first reading
		b.refresh(t)
	}
	if got := b.catalogue.Current(t.Context()); got == nil || got.Revision().Log != before.Log || got.Revision().Number < s.Revision().Number {
		t.Errorf("the other replica shows %v", got)
	}
}
