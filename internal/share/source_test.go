package share_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/share"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

func TestOneReplicaReads(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), gated()
	var replicas sync.WaitGroup
	readings := make([]catalogue.Reading, 6)
	before := time.Now()
	for i := range readings {
		source := replica(t, m.Addr(), p, nil)
		replicas.Go(func() { readings[i] = read(t, source, time.Time{}, 1) })
	}
	<-p.begun
	after := time.Now()
	close(p.gate)
	replicas.Wait()
	p.wantReads(t, 1)
	calls := 0
	for _, r := range readings {
		calls += r.Calls
		// A copy appears older by the duration of the call, never newer.
		if r.AsOf.Before(before.Add(-10*time.Second)) || r.AsOf.After(after) {
			t.Errorf("as of %v, read between %v and %v", r.AsOf, before, after)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls counted", calls)
	}
}

func TestFreshnessDemanded(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	a, b := replica(t, m.Addr(), p, nil), replica(t, m.Addr(), p, nil)
	first := read(t, a, time.Time{}, 1)
	rest(t, m)

	// A read that began before notBefore cannot be used. With an earlier notBefore it
	// can.
	second := read(t, b, time.Now(), 2)
	rest(t, m)
	if got := read(t, a, first.AsOf.Add(1), 2); !got.AsOf.After(first.AsOf) || got.AsOf.After(second.AsOf) {
		t.Errorf("as of %v, not between %v and %v", got.AsOf, first.AsOf, second.AsOf)
	}
	p.wantReads(t, 2)
}

// Leads that are loaded twice keep their date, so that they never appear newer.
func TestAgeIsReckonedOnce(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	read(t, replica(t, m.Addr(), p, nil), time.Time{}, 1)
	rest(t, m)
	b := replica(t, m.Addr(), p, nil)
	first := read(t, b, time.Time{}, 1)
	if again := read(t, b, first.AsOf.Add(-keep), 1); !again.AsOf.Equal(first.AsOf) {
		t.Errorf("as of %v, then of %v", first.AsOf, again.AsOf)
	}
	read(t, b, first.AsOf.Add(1), 2)
}

// A replica that is already reading began too early for a request that requires
// leads read from now on. Its own reading is not shared, because it has no lease.
func TestNoWaitForTooOldLeads(t *testing.T) {
	t.Parallel()
	m, slow, p := miniredis.RunT(t), gated(), newPlatform()
	a, b := replica(t, m.Addr(), slow, nil), replica(t, m.Addr(), p, nil)
	var readers sync.WaitGroup
	readers.Go(func() {
		if got := read(t, a, time.Time{}, 1); got.Revision == (catalogue.Revision{}) {
			t.Error("the holder of the lease issues no revision")
		}
	})
	<-slow.begun
	if got := read(t, b, time.Now(), 1); got.Revision != (catalogue.Revision{}) {
		t.Error("a revision is issued without the lease")
	}
	p.wantReads(t, 1)
	if keys := keysOf(m, headKey); len(keys) > 0 {
		t.Errorf("%v is stored", keys)
	}
	close(slow.gate)
	readers.Wait()
	rest(t, m)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	read(t, replica(t, m.Addr(), p, nil), time.Time{}, 1)
	rest(t, m)
	read(t, replica(t, m.Addr(), p, nil), time.Now(), 2) // replaces the first
	rest(t, m)
	for _, key := range m.Keys() {
		if ttl := m.TTL(key); ttl <= 0 || ttl > keep+time.Minute {
			t.Errorf("%s lives for %v", key, ttl)
		}
	}
	m.FastForward(keep)
	read(t, replica(t, m.Addr(), p, nil), time.Time{}, 3)
	rest(t, m)
	m.FastForward(keep + time.Minute)
	if keys := m.Keys(); len(keys) > 0 {
		t.Errorf("personal data stays at %v", keys)
	}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	m, hung, p := miniredis.RunT(t), gated(), newPlatform()
	longLease := func(o *share.Options) { o.LeaseTTL = time.Hour }
	dead, heir := replica(t, m.Addr(), hung, longLease), replica(t, m.Addr(), p, longLease)
	var readers sync.WaitGroup
	readers.Go(func() { read(t, dead, time.Time{}, 1) })
	<-hung.begun
	readers.Go(func() { read(t, heir, time.Time{}, 1) })
	asked := m.CommandCount()
	eventually(t, "the other waits", func() bool { return m.CommandCount() > asked+10 })
	p.wantReads(t, 0)
	m.FastForward(time.Hour)
	<-p.begun // the lease has expired
	close(hung.gate)
	readers.Wait()
}

func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	const ttl = 300 * time.Millisecond
	m, p := miniredis.RunT(t), gated()
	source := replica(t, m.Addr(), p, func(o *share.Options) { o.LeaseTTL = ttl })
	var reader sync.WaitGroup
	reader.Go(func() { read(t, source, time.Time{}, 1) })
	<-p.begun
	key := keysOf(m, leaseKey)[0]
	for range 3 {
		m.FastForward(ttl / 2)
		eventually(t, "renewed", func() bool { return m.TTL(key) == ttl })
	}
	close(p.gate)
	reader.Wait()
	rest(t, m)
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(p *platform){
		"error":      func(p *platform) { p.err = errDown },
		"incomplete": func(p *platform) { p.incomplete = true },
		"panic":      func(p *platform) { p.crash = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, failing, p := miniredis.RunT(t), gated(), newPlatform()
			fail(failing)
			longLease := func(o *share.Options) { o.LeaseTTL = time.Hour }
			a, b := replica(t, m.Addr(), failing, longLease), replica(t, m.Addr(), p, longLease)
			var readers sync.WaitGroup
			readers.Go(func() {
				defer func() {
					if cause := recover(); (cause != nil) != failing.crash {
						t.Errorf("panic %v", cause)
					}
				}()
				got, err := a.AllLeads(t.Context(), time.Time{})
				if !errors.Is(err, failing.err) || err == nil && got.Complete {
					t.Errorf("complete %v, %v", got.Complete, err)
				}
			})
			<-failing.begun
			readers.Go(func() { read(t, b, time.Time{}, 1) })
			close(failing.gate)
			readers.Wait() // the lease was released, so the other replica has read
			p.wantReads(t, 1)
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	m, hung, p := miniredis.RunT(t), gated(), newPlatform()
	a, b := replica(t, m.Addr(), hung, nil), replica(t, m.Addr(), p, nil)
	var readers sync.WaitGroup
	readers.Go(func() { read(t, a, time.Time{}, 1) })
	<-hung.begun
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := b.AllLeads(ctx, time.Time{}); err != nil {
		t.Error(err)
	}
	p.wantReads(t, 1)
	close(hung.gate)
	readers.Wait()
}

// A refresh may last for minutes, but the request that caused it waits for another
// replica for half of its own time only.
func TestPatienceIsThatOfTheRequest(t *testing.T) {
	t.Parallel()
	longLease := func(o *share.Options) { o.LeaseTTL = time.Hour }
	m, hung, p := miniredis.RunT(t), gated(), newPlatform()
	a, b := replica(t, m.Addr(), hung, longLease), replica(t, m.Addr(), p, longLease)
	var readers sync.WaitGroup
	readers.Go(func() { read(t, a, time.Time{}, 1) })
	<-hung.begun
	request, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	refresh := flight.Start(t.Context(), request, catalogue.DefaultRefreshTimeout, func(ctx context.Context) (catalogue.Reading, error) {
		return b.AllLeads(ctx, time.Time{})
	})
	if _, err := refresh.Wait(request); err != nil {
		t.Error(err)
	}
	p.wantReads(t, 1)
	close(hung.gate)
	readers.Wait()
}

// Whoever waits for a holder that died reads within three seconds.
func TestLeaseIsShort(t *testing.T) {
	t.Parallel()
	m, hung := miniredis.RunT(t), gated()
	source := replica(t, m.Addr(), hung, nil)
	var reader sync.WaitGroup
	reader.Go(func() { read(t, source, time.Time{}, 1) })
	<-hung.begun
	if ttl := m.TTL(keysOf(m, leaseKey)[0]); ttl <= 0 || ttl > 2900*time.Millisecond {
		t.Errorf("the lease lives for %v", ttl)
	}
	close(hung.gate)
	reader.Wait()
	rest(t, m)
}

func TestCloseGivesUpTheLease(t *testing.T) {
	t.Parallel()
	m, hung, p := miniredis.RunT(t), gated(), newPlatform()
	longLease := func(o *share.Options) { o.LeaseTTL = time.Hour }
	store := open(t, m.Addr(), longLease)
	a, b := store.Source(hung, kept), replica(t, m.Addr(), p, longLease)
	var readers sync.WaitGroup
	readers.Go(func() { read(t, a, time.Time{}, 1) })
	<-hung.begun
	store.Close()
	read(t, b, time.Time{}, 1)
	close(hung.gate)
	readers.Wait()
	read(t, a, time.Time{}, 2) // after Close it reads by itself
	hung.wantReads(t, 2)
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	for i, adjust := range []func(*share.Options){
		nil,
		func(o *share.Options) { o.Namespace = "https://other.example app" },
		func(o *share.Options) { o.Namespace = "" },
		func(o *share.Options) { o.Prefix = "other:" },
	} {
		read(t, replica(t, m.Addr(), p, adjust), time.Time{}, i+1)
		rest(t, m)
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, m *miniredis.Miniredis){
		"chunk gone": func(_ *testing.T, m *miniredis.Miniredis) { m.Del(keysOf(m, aChunkKey)[0]) },
		"chunk cut": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, aChunkKey, func(v string) string { return v[1:] })
		},
		"chunk corrupt": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, aChunkKey, func(v string) string { return "x" + v[1:] })
		},
		"head text": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, headKey, func(string) string { return "text" })
		},
		"head cut": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, headKey, func(v string) string { return v[:20] })
		},
		"head short": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, headKey, func(v string) string { return v[:16] })
		},
		"head chunks": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, headKey, func(v string) string { return v[:17] + "x x x" })
		},
		"from the future": func(t *testing.T, m *miniredis.Miniredis) {
			change(t, m, headKey, func(v string) string { return "9" + v })
		},
		"lease text": func(t *testing.T, m *miniredis.Miniredis) {
			key := keysOf(m, headKey)[0]
			m.Del(key)
			if err := m.Set(strings.TrimSuffix(key, "leads")+"lease", "text"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, p := miniredis.RunT(t), newPlatform()
			a, b := replica(t, m.Addr(), p, nil), replica(t, m.Addr(), p, nil)
			read(t, a, time.Time{}, 1)
			rest(t, m)
			damage(t, m)
			read(t, b, time.Time{}, 2)
		})
	}
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	var lines log
	withKey := func(o *share.Options) {
		o.Key, o.Logger = make([]byte, 32), lines.logger(t)
		if _, err := rand.Read(o.Key); err != nil {
			t.Fatal(err)
		}
	}
	var key []byte
	a := replica(t, m.Addr(), p, func(o *share.Options) { withKey(o); key = o.Key })
	read(t, a, time.Time{}, 1)
	rest(t, m)
	read(t, replica(t, m.Addr(), p, func(o *share.Options) { o.Key = key }), time.Time{}, 1)

	other := replica(t, m.Addr(), p, withKey)
	read(t, other, time.Time{}, 2)
	rest(t, m)
	read(t, a, time.Now(), 3)
	rest(t, m)
	read(t, other, time.Time{}, 4)
	rest(t, m)
	if n := lines.count("cannot be decrypted"); n != 2 {
		t.Errorf("%d warnings of the wrong key from 2 replicas", n)
	}
	plain := replica(t, m.Addr(), p, nil)
	read(t, plain, time.Time{}, 5) // without a key it cannot use sealed leads
	rest(t, m)
	read(t, a, time.Time{}, 6) // with a key it does not use leads that are not sealed
}

// Ages are correct whatever time the server's clock shows.
func TestClocks(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, p := miniredis.RunT(t), newPlatform()
			m.SetTime(time.Now().Add(skew))
			first := read(t, replica(t, m.Addr(), p, nil), time.Time{}, 1)
			rest(t, m)
			m.SetTime(time.Now().Add(skew + 30*time.Second))
			got := read(t, replica(t, m.Addr(), p, nil), time.Time{}, 1)
			if age := first.AsOf.Sub(got.AsOf); age < 29*time.Second || age > 31*time.Second {
				t.Errorf("leads read 30 s ago look %v old", age)
			}
		})
	}
}
