package share_test

import (
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"leadgraph/internal/share"
	"leadgraph/lead/lookup"
)

func TestServerComesAndGoes(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	addr := m.Addr()
	m.Close()
	var lines log
	p := newPlatform()
	logged := func(o *share.Options) { o.Logger = lines.logger(t) }
	a, b := open(t, addr, logged), open(t, addr, logged)
	sourceA, sourceB := a.Source(p, kept), b.Source(p, kept)
	lost, found := 0, 0
	expect := func(what string, count *int) {
		*count += 2
		eventually(t, what, func() bool { return lines.count(what) == *count })
	}
	read(t, sourceA, time.Time{}, 1) // there is no server at first
	read(t, sourceB, time.Time{}, 2)
	expect("shared state is unreachable", &lost)
	for reads := 2; reads < 8; reads += 3 {
		if err := m.StartAddr(addr); err != nil {
			t.Fatal(err)
		}
		expect("shared state is reachable", &found)
		if a.Lost() || b.Lost() {
			t.Error("lost while it can be reached")
		}
		m.FlushAll()
		read(t, sourceA, time.Time{}, reads+1)
		read(t, sourceB, time.Time{}, reads+1)
		rest(t, m)
		m.Close()
		read(t, sourceA, time.Time{}, reads+2)
		read(t, sourceB, time.Time{}, reads+3)
		expect("shared state is unreachable", &lost)
		if !a.Lost() || !b.Lost() {
			t.Error("not lost")
		}
	}
	l := a.Lookups(keep)
	l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")})
	wantFound(t, l, map[string][]string{})
}

// A server that refuses everything is left alone until it accepts again.
func TestServerLoads(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	var lines log
	source := replica(t, m.Addr(), p, func(o *share.Options) { o.Logger = lines.logger(t) })
	read(t, source, time.Time{}, 1)
	rest(t, m)
	m.SetError("LOADING Redis is loading the dataset in memory")
	read(t, source, time.Time{}, 2)
	read(t, source, time.Time{}, 3)
	if refused, lost := lines.count("refuses this client"), lines.count("unreachable"); refused != 1 || lost != 0 {
		t.Errorf("%d refusals and %d losses logged", refused, lost)
	}
}

// hang makes the server accept commands without answering them, until the returned
// function is called.
func hang(t *testing.T, m *miniredis.Miniredis) (recoverNow func()) {
	t.Helper()
	gate := make(chan struct{})
	m.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
		<-gate
		return false
	})
	recoverNow = sync.OnceFunc(func() {
		m.Server().SetPreHook(nil)
		close(gate)
	})
	t.Cleanup(recoverNow)
	return recoverNow
}

// There are more callers than the client's queues hold. Each continues after the
// bound; without it, this test would time out.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]string{"cluster": "", "single": "CLUSTER"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, p := miniredis.RunT(t), newPlatform()
			m.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
				if command == refused {
					c.WriteError("ERR This instance has cluster support disabled")
				}
				return command == refused
			})
			s := open(t, m.Addr(), nil)
			l := s.Lookups(keep)
			l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")})
			wantFound(t, l, map[string][]string{tenantA: {"1"}})
			s = open(t, m.Addr(), func(o *share.Options) { o.Bound = time.Second })
			l = s.Lookups(keep)
			wantFound(t, l, map[string][]string{tenantA: {"1"}})

			recoverNow := hang(t, m)
			var callers sync.WaitGroup
			for range 3000 {
				callers.Go(func() { l.Get(t.Context(), []string{tenantA}) })
			}
			callers.Wait()
			read(t, s.Source(p, kept), time.Time{}, 1)
			recoverNow()
			eventually(t, "shared again", func() bool { return len(l.Get(t.Context(), []string{tenantA})) == 1 })
		})
	}
}

func TestServerHangsFromTheStart(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	hang(t, m)
	read(t, replica(t, m.Addr(), p, func(o *share.Options) { o.Bound = 0 }), time.Time{}, 1)
}
