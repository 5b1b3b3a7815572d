package share_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/share"
	"leadgraph/lead/lookup"
)

// Replicas share again once all of them have the new key. Until then they read by
// themselves.
func TestKeyIsReplaced(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	first, second := bytes.Repeat([]byte("1"), 32), bytes.Repeat([]byte("2"), 32)
	keyed := func(o *share.Options) { o.Key = first }
	a, b := open(t, m.Addr(), keyed), open(t, m.Addr(), keyed)
	put := func(s *share.Store, id string) {
		s.Lookups(keep).Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), id)})
	}
	put(a, "1")
	wantFound(t, b.Lookups(keep), map[string][]string{tenantA: {"1"}})
	if err := a.Rekey(second); err != nil {
		t.Fatal(err)
	}
	wantFound(t, a.Lookups(keep), map[string][]string{})
	put(a, "2")
	wantFound(t, a.Lookups(keep), map[string][]string{tenantA: {"2"}})
	wantFound(t, b.Lookups(keep), map[string][]string{tenantA: {"1"}})
	p := newPlatform()
	read(t, a.Source(p, kept), time.Time{}, 1)
	read(t, b.Source(p, kept), time.Time{}, 2)
	if err := b.Rekey(second); err != nil {
		t.Fatal(err)
	}
	wantFound(t, b.Lookups(keep), map[string][]string{tenantA: {"2"}})
	for _, key := range [][]byte{nil, second[1:]} {
		if b.Rekey(key) == nil {
			t.Errorf("a key of %d bytes is accepted", len(key))
		}
	}
	if open(t, m.Addr(), nil).Rekey(second) == nil {
		t.Error("a first key is accepted")
	}
	wantFound(t, b.Lookups(keep), map[string][]string{tenantA: {"2"}})
}

// A store follows its URL, whether or not it could reach the server before.
func TestURLIsReplaced(t *testing.T) {
	t.Parallel()
	p := newPlatform()
	former, next := miniredis.RunT(t), miniredis.RunT(t)
	next.RequireAuth("canary")
	gone := miniredis.RunT(t)
	nowhere := gone.Addr()
	gone.Close()
	for i, addr := range []string{former.Addr(), nowhere} {
		next.FlushAll()
		s := open(t, addr, nil)
		read(t, s.Source(p, kept), time.Time{}, i+1)
		if err := s.Move("redis://:canary@" + next.Addr()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the next server is reached", func() bool {
			s.Lookups(keep).Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")})
			return len(next.Keys()) > 0
		})
		wantFound(t, s.Lookups(keep), map[string][]string{tenantA: {"1"}})
		if err := s.Move("redis://127.0.0.1:70000"); err == nil {
			t.Error("a URL without a port that exists is accepted")
		}
		wantFound(t, s.Lookups(keep), map[string][]string{tenantA: {"1"}})
		s.Close()
		if err := s.Move("redis://:canary@" + former.Addr()); err != nil {
			t.Errorf("after the end: %v", err)
		}
	}
}
