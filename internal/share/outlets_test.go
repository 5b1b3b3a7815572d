package share_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/share"
)

const outletKeys = `}:outlet:\w+$`

func wantHeld(t *testing.T, o *share.Outlets, holder, position string, held bool) {
	t.Helper()
	if got, is, err := o.Hold("receiver", holder); err != nil || got != position || is != held {
		t.Errorf("%s gets %q, %v, %v, want %q, %v", holder, got, is, err, position, held)
	}
}

func wantSaved(t *testing.T, o *share.Outlets, holder, position string, held bool) {
	t.Helper()
	if is, err := o.Save("receiver", holder, position); err != nil || is != held {
		t.Errorf("%s saves: %v, %v, want %v", holder, is, err, held)
	}
}

// One replica at a time has a receiver, and only it moves the position.
func TestOutlets(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]struct {
		key        []byte
		scriptless bool
	}{
		"plain": {}, "sealed": {key: bytes.Repeat([]byte{1}, 32)}, "without scripts": {scriptless: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := miniredis.RunT(t)
			if settings.scriptless {
				refuse(m, "NOPERM this user has no permissions to run the 'evalsha' command", "EVAL", "EVALSHA", "SCRIPT")
			}
			withKey := func(o *share.Options) { o.Key = settings.key }
			a, b := open(t, m.Addr(), withKey).Outlets(), open(t, m.Addr(), withKey).Outlets()
			wantHeld(t, a, "a", "", true)
			wantHeld(t, b, "b", "", false)
			wantSaved(t, b, "b", "1", false)
			wantSaved(t, a, "a", "2", true)
			wantHeld(t, a, "a", "2", true)
			wantHeld(t, b, "b", "2", false)
			if _, held, err := b.Hold("another", "b"); !held || err != nil {
				t.Errorf("another receiver: %v, %v", held, err)
			}
			if stored, err := m.Get(keysOf(m, outletKeys)[0]); err != nil || (stored == "2") == (settings.key != nil) {
				t.Errorf("stored is %q, %v", stored, err)
			}
			m.FastForward(share.OutletLease)
			wantHeld(t, b, "b", "2", true)
			wantSaved(t, a, "a", "3", false)
			wantHeld(t, a, "a", "2", false)
			a.Release("receiver", "a")
			wantHeld(t, a, "a", "2", false)
			b.Release("receiver", "b")
			wantHeld(t, a, "a", "2", true)
			for _, key := range m.Keys() {
				if m.TTL(key) <= 0 {
					t.Errorf("%s does not expire", key)
				}
			}
		})
	}
}

// A value that no replica stored is neither none nor a position, and is overwritten.
func TestForgedOutlets(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	o := open(t, m.Addr(), func(o *share.Options) { o.Key = bytes.Repeat([]byte{1}, 32) }).Outlets()
	wantHeld(t, o, "a", "", true)
	wantSaved(t, o, "a", "1", true)
	position := keysOf(m, outletKeys)[0]
	for name, forged := range map[string]string{"text": "2", "long": strings.Repeat("x", 1<<20), "empty": ""} {
		set(t, m, position, forged)
		if got, held, err := o.Hold("receiver", "a"); got != "damaged" || !held || err != nil {
			t.Errorf("%s: %q, %v, %v", name, got, held, err)
		}
	}
	m.Del(position)
	if _, err := m.Push(position, "x"); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, o, "a", "damaged", true)
	wantSaved(t, o, "a", "1", true)
	wantHeld(t, o, "a", "1", true)
	set(t, m, position+":lease", "somebody") // without an end
	wantHeld(t, o, "a", "1", true)
	m.Close()
	if _, _, err := o.Hold("receiver", "a"); err == nil {
		t.Error("held without a server")
	}
}

func TestOutletsOverRedis(t *testing.T) {
	t.Parallel()
	redis := newRedis(t)
	a, b := open(t, redis.addr, nil).Outlets(), open(t, redis.addr, nil).Outlets()
	wantHeld(t, a, "a", "", true)
	wantHeld(t, b, "b", "", false)
	wantSaved(t, b, "b", "1", false)
	wantSaved(t, a, "a", "2", true)
	wantHeld(t, b, "b", "2", false)
	a.Release("receiver", "a")
	wantHeld(t, b, "b", "2", true)
	wantSaved(t, a, "a", "3", false)
	wantSaved(t, b, "b", "4", true)
	wantHeld(t, b, "b", "4", true)
}
