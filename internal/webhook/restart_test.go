package webhook_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/share"
	"leadgraph/internal/webhook"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// moody is a receiver that fails at random, before or after it has kept an event: the sender
// cannot know.
type moody struct {
	mu     sync.Mutex
	random *rand.Rand
	well   bool
}

func (m *moody) answer(w http.ResponseWriter, r *http.Request, _ int) {
	m.mu.Lock()
	mood := m.random.IntN(10)
	if m.well {
		mood = 9
	}
	m.mu.Unlock()
	switch mood {
	case 0:
		w.WriteHeader(http.StatusInternalServerError)
	case 1:
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
	case 2:
		panic(http.ErrAbortHandler)
	case 3:
		<-r.Context().Done() // longer than the sender waits
	case 4:
		w.WriteHeader(http.StatusNotFound)
	case 5:
		<-time.After(time.Second)
	}
}

// Whatever fails and however often the sender restarts, every change arrives, those of one
// lead in order, and what comes again is the same.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { restarts(t, seed) })
		})
	}
}

func restarts(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	m := &moody{random: rand.New(rand.NewPCG(seed, 2))}
	r := &receiver{t: t, answer: m.answer}
	store, p := &positions{}, newPlatform(changes.Options{})
	transport := inBubble(t, r)
	options := func(o *webhook.Options) { o.Transport, o.Positions = transport, store }
	s := start(t, p, options)
	synctest.Wait() // it sends changes from its beginning on
	for range 120 {
		switch id := fmt.Sprint("lead ", random.IntN(6)); random.IntN(12) {
		case 0:
			s.Close()
			s = start(t, p, options)
		case 1:
			store.set(func(p *positions) { p.lost = !p.lost })
		case 2, 3, 4:
			leadtest.Pass(time.Duration(random.Int64N(int64(time.Minute))))
		case 5:
			p.remove(id)
		default:
			p.put(id)
		}
	}
	store.set(func(p *positions) { p.lost = false })
	m.mu.Lock()
	m.well = true
	m.mu.Unlock()
	leadtest.Pass(30 * time.Minute)
	r.want(p.told)
	if state := s.State()[0]; state.Lag != 0 {
		t.Errorf("at the end: %+v", state)
	}
	s.Close()
	if p.listeners != 0 {
		t.Errorf("%d listeners are left", p.listeners)
	}
}

// Without stored positions nothing is lost either as long as the process lives.
func TestPositionsInMemory(t *testing.T) {
	t.Parallel()
	m := &moody{random: rand.New(rand.NewPCG(1, 2))}
	bubble(t, m.answer, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		start(t, p, func(o *webhook.Options) { o.Transport = transport })
		synctest.Wait()
		for i := range 250 {
			p.put(fmt.Sprint("lead ", i%11))
		}
		leadtest.Pass(24 * time.Hour)
		r.want(p.told)
	})
}

// A sender whose lease is taken stops, and does not overwrite the position of the next one.
func TestALostLease(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }
	bubble(t, silent, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		store := &positions{}
		start(t, p, func(o *webhook.Options) { o.Transport, o.Positions = transport, store })
		synctest.Wait()
		p.put("a")
		leadtest.Pass(time.Second)
		store.set(func(p *positions) { p.holder, p.until, p.text = "another", time.Now().Add(24*time.Hour), "theirs" })
		leadtest.Pass(20 * time.Second)
		n := len(r.all())
		leadtest.Pass(time.Hour)
		if got := len(r.all()); got != n || store.text != "theirs" || p.listeners != 0 {
			t.Errorf("%d requests, then %d; the position is %s", n, got, store.text)
		}
	})
}

// If the store loses a position while another sender waits, that one goes on where the first
// was.
func TestALostPosition(t *testing.T) {
	t.Parallel()
	var out atomic.Bool
	answer := func(w http.ResponseWriter, _ *http.Request, _ int) {
		if out.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	bubble(t, answer, func(t *testing.T, p *platform, r *receiver, transport http.RoundTripper) {
		store := &positions{}
		options := func(o *webhook.Options) { o.Transport, o.Positions = transport, store }
		first := start(t, p, options)
		synctest.Wait()
		start(t, p, options)
		p.put("a")
		leadtest.Pass(time.Minute)
		out.Store(true)
		p.put("a")
		p.put("b")
		leadtest.Pass(time.Minute)
		first.Close()
		store.set(func(p *positions) { p.text = "" })
		out.Store(false)
		leadtest.Pass(10 * time.Minute)
		r.want(p.told)
	})
}

// Two replicas over one Redis: one sends, and the other goes on when it stops.
func TestOneOfTwoReplicasSends(t *testing.T) {
	t.Parallel()
	redis, p := miniredis.RunT(t), newPlatform(changes.Options{})
	arrived := make(chan struct{}, 1000)
	r := &receiver{t: t, answer: func(http.ResponseWriter, *http.Request, int) { arrived <- struct{}{} }}
	front := newFront(t, r)
	replica := func() *webhook.Senders {
		store, err := share.Open(share.Options{URL: "redis://" + redis.Addr(), Bound: 20 * time.Second, Key: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		return start(t, p, func(o *webhook.Options) {
			o.URLs, o.Positions, o.Lease = []string{front}, store.Outlets(), 300*time.Millisecond
		})
	}
	first := replica()
	await(t, func() bool { return len(redis.Keys()) == 2 }) // lease and position
	second := replica()
	put := func(n int) {
		t.Helper()
		for i := range n {
			p.put(fmt.Sprint("lead ", i%3))
			<-arrived
		}
	}
	put(20)
	first.Close()
	if a, b := first.State()[0].Sent, second.State()[0].Sent; a != 20 || b != 0 {
		t.Errorf("%d and %d are sent", a, b)
	}
	put(20)
	second.Close()
	r.want(p.told)
	if n := len(r.all()); n != 40 || second.State()[0].Sent != 20 {
		t.Errorf("%d requests, the second replica sent %d", n, second.State()[0].Sent)
	}
}
