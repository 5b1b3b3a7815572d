package share_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/share"
)

// A replica learns for how long another one was told to wait, by the kind of calls.
func TestGateIsSharedUntilItOpens(t *testing.T) {
	t.Parallel()
	for name, key := range map[string][]byte{"plain": nil, "sealed": make([]byte, 32)} {
		m := miniredis.RunT(t)
		withKey := func(o *share.Options) { o.Key = key }
		a, b := open(t, m.Addr(), withKey), open(t, m.Addr(), withKey)
		if left := b.GateClosed("lead"); left != 0 {
			t.Errorf("%s: closed for %v before", name, left)
		}
		a.CloseGate("lead", 5*time.Second)
		eventually(t, "closed", func() bool { return b.GateClosed("lead") > 4*time.Second })
		if left := b.GateClosed("leads"); left != 0 {
			t.Errorf("%s: another kind is closed for %v", name, left)
		}
		if keys := m.Keys(); len(keys) != 1 || m.TTL(keys[0]) > 5*time.Second {
			t.Errorf("%s: keys %v", name, keys)
		}
		m.FastForward(5 * time.Second)
		if left := b.GateClosed("lead"); left != 0 {
			t.Errorf("%s: closed for %v afterwards", name, left)
		}
	}
}

// What somebody else has written there stops nothing, or not for longer than asked for.
func TestGateIsChecked(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	a := open(t, m.Addr(), nil)
	a.CloseGate("lead", 5*time.Second)
	eventually(t, "closed", func() bool { return a.GateClosed("lead") > 0 })
	key := m.Keys()[0]
	m.SetTTL(key, 1000*time.Hour)
	if left := a.GateClosed("lead"); left > 5*time.Second {
		t.Errorf("closed for %v, by the time to live", left)
	}
	for _, value := range []string{"", "lead", "lead ", "lead x", "lead -1", "leads 5000", "lead 99999999999999999999", "5000", strings.Repeat("lead 5", 1000)} {
		if err := m.Set(key, value); err != nil {
			t.Fatal(err)
		}
		m.SetTTL(key, time.Minute)
		if left := a.GateClosed("lead"); left != 0 {
			t.Errorf("%.20q closes for %v", value, left)
		}
	}
	if err := m.Set(key, "lead 4000000000"); err != nil {
		t.Fatal(err)
	}
	if left := a.GateClosed("lead"); left != 0 {
		t.Errorf("a key that never expires closes for %v", left)
	}
	m.SetTTL(key, 1000*time.Hour)
	if left := a.GateClosed("lead"); left > time.Hour {
		t.Errorf("closed for %v", left)
	}
	m.Del(key)
	if _, err := m.Lpush(key, "lead 5000"); err != nil { // a key of the wrong type
		t.Fatal(err)
	}
	if left := a.GateClosed("lead"); left != 0 {
		t.Errorf("a list closes for %v", left)
	}

	withKey := open(t, m.Addr(), func(o *share.Options) { o.Key = make([]byte, 32) })
	m.Del(key)
	if err := m.Set(key, "lead 5000"); err != nil {
		t.Fatal(err)
	}
	m.SetTTL(key, time.Minute)
	if left := withKey.GateClosed("lead"); left != 0 {
		t.Errorf("a value that is not sealed closes for %v", left)
	}
}

// Without a server, gates are not shared, and nothing waits for it.
func TestGateWithoutServer(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := open(t, m.Addr(), nil)
	m.Close()
	s.CloseGate("lead", time.Second)
	if left := s.GateClosed("lead"); left != 0 {
		t.Errorf("closed for %v", left)
	}
}
