package share_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"leadgraph/internal/share"
)

// Patterns of keys.
const (
	documentKeys = `}:documents:`
	indexKey     = `}:documents$`
)

// document returns a document of so many bytes and its hash.
func document(number, size int) (hash, text string) {
	text = fmt.Sprintf("%0*d", size, number)
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), text
}

// keepDocument puts a document and waits until the server has it.
func keepDocument(t *testing.T, d *share.Documents, number, size int) (hash string) {
	t.Helper()
	hash, text := document(number, size)
	d.Put(t.Context(), hash, text)
	eventually(t, "the document is stored", func() bool {
		got, ok := d.Get(t.Context(), hash)
		return ok && got == text
	})
	return hash
}

func wantDocument(t *testing.T, d *share.Documents, hash string, want bool) {
	t.Helper()
	if _, ok := d.Get(t.Context(), hash); ok != want {
		t.Errorf("known is %v, want %v", ok, want)
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for name, key := range map[string][]byte{"plain": nil, "sealed": bytes.Repeat([]byte{1}, 32)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := miniredis.RunT(t)
			withKey := func(o *share.Options) { o.Key = key }
			a, b := open(t, m.Addr(), withKey).Documents(1000, 1<<20), open(t, m.Addr(), withKey).Documents(1000, 1<<20)
			hash := keepDocument(t, a, 1, 1000)
			wantDocument(t, b, hash, true)
			wantDocument(t, b, strings.Repeat("0", 64), false)
			value, err := m.Get(keysOf(m, documentKeys)[0])
			if err != nil || strings.Contains(value, "00001") == (key != nil) {
				t.Errorf("stored is %.50q, %v", value, err)
			}
			m.FastForward(share.DocumentTTL)
			if wantDocument(t, b, hash, false); len(m.Keys()) != 0 {
				t.Errorf("%v are left", m.Keys())
			}
		})
	}
}

// A value that somebody else wrote is no document, and is replaced.
func TestPoisonedDocuments(t *testing.T) {
	t.Parallel()
	const longest = 1000
	for name, poison := range map[string]func(t *testing.T, m *miniredis.Miniredis, key string){
		"another text": func(t *testing.T, m *miniredis.Miniredis, key string) { set(t, m, key, "{ leads { id } }") },
		"too long":     func(t *testing.T, m *miniredis.Miniredis, key string) { set(t, m, key, strings.Repeat("x", 1<<20)) },
		"empty":        func(t *testing.T, m *miniredis.Miniredis, key string) { set(t, m, key, "") },
		"a list": func(t *testing.T, m *miniredis.Miniredis, key string) {
			m.Del(key)
			if _, err := m.Push(key, "x"); err != nil {
				t.Error(err)
			}
		},
		"the index is a text":  func(t *testing.T, m *miniredis.Miniredis, key string) { m.Del(key); set(t, m, indexOf(key), "x") },
		"the index is endless": func(t *testing.T, m *miniredis.Miniredis, key string) { m.Del(key); fill(t, m, indexOf(key), 5000) },
		"other names": func(t *testing.T, m *miniredis.Miniredis, key string) {
			m.Del(key)
			fill(t, m, indexOf(key), 3000)
			set(t, m, strings.TrimSuffix(indexOf(key), "documents")+"lease", "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := miniredis.RunT(t)
			d := open(t, m.Addr(), nil).Documents(longest, 1<<20)
			hash := keepDocument(t, d, 1, longest)
			poison(t, m, keysOf(m, documentKeys)[0])
			wantDocument(t, d, hash, false)
			keepDocument(t, d, 1, longest)
			if n := len(keysOf(m, `lease$`)); name == "other names" && n != 1 {
				t.Error("a forged index leads to other keys")
			}
		})
	}
}

func indexOf(documentKey string) string { return documentKey[:strings.LastIndex(documentKey, ":")] }

func set(t *testing.T, m *miniredis.Miniredis, key, value string) {
	t.Helper()
	m.Del(key)
	if err := m.Set(key, value); err != nil {
		t.Error(err)
	}
}

// fill makes an index whose names lead elsewhere.
func fill(t *testing.T, m *miniredis.Miniredis, key string, members int) {
	t.Helper()
	now := float64(time.Now().UnixMicro() - 1e6)
	for i := range members {
		if _, err := m.ZAdd(key, now, fmt.Sprintf("10 ../lease %d", i)); err != nil {
			t.Fatal(err)
		}
	}
}

// The newest documents stay, as many as the bounds allow.
func TestDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	const size, fit = 1000, 5
	for name, start := range map[string]func(t *testing.T) string{
		"miniredis": func(t *testing.T) string { return miniredis.RunT(t).Addr() },
		"redis":     func(t *testing.T) string { return newRedis(t).addr },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, start(t), nil).Documents(size, size*fit+size/2)
			var hashes []string
			for i := range 3 * fit {
				hashes = append(hashes, keepDocument(t, d, i, size))
			}
			for i, hash := range hashes {
				wantDocument(t, d, hash, i >= 2*fit)
			}
			keepDocument(t, d, 2*fit, size) // used again
			keepDocument(t, d, 99, size)
			wantDocument(t, d, hashes[2*fit], true)
			wantDocument(t, d, hashes[2*fit+1], false)
		})
	}
}

func TestDocumentsAreCounted(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	d := open(t, m.Addr(), nil).Documents(100, 1<<30)
	const most = 2000
	hash := keepDocument(t, d, 0, 100)
	key := keysOf(m, documentKeys)[0]
	for i := range most { // newer ones
		if _, err := m.ZAdd(indexOf(key), float64(time.Now().UnixMicro()+int64(i)), fmt.Sprintf("10 %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	keepDocument(t, d, -1, 100)
	wantDocument(t, d, hash, false)
	members, err := m.ZMembers(indexOf(key))
	if err != nil || len(members) != most {
		t.Errorf("%d documents, %v", len(members), err)
	}
}

// Without scripts documents expire, and that is all.
func TestDocumentsWithoutScripts(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	refuse(m, "NOPERM this user has no permissions to run the 'evalsha' command", "EVAL", "EVALSHA", "SCRIPT")
	a, b := open(t, m.Addr(), nil).Documents(100, 150), open(t, m.Addr(), nil).Documents(100, 150)
	first, second := keepDocument(t, a, 1, 100), keepDocument(t, a, 2, 100)
	wantDocument(t, b, first, true)
	wantDocument(t, b, second, true)
	for _, key := range m.Keys() {
		if ttl := m.TTL(key); ttl != share.DocumentTTL {
			t.Errorf("%s lives for %v", key, ttl)
		}
	}
}

// A Get is one command, and none while the server is lost. Too long documents and hashes cost
// none.
func TestCommandsOfDocuments(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := open(t, m.Addr(), nil)
	d := s.Documents(100, 1<<20)
	hash := keepDocument(t, d, 1, 100)
	var asked atomic.Int64
	m.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
		asked.Add(1)
		return false
	})
	wantDocument(t, d, hash, true)
	wantDocument(t, d, strings.Repeat("0", 64), false)
	long, text := document(1, 101)
	d.Put(t.Context(), long, text)
	if n := asked.Load(); n != 2 {
		t.Errorf("%d commands, want 2", n)
	}
	m.SetError("LOADING Redis is loading the dataset in memory")
	wantDocument(t, d, hash, false) // notices it
	eventually(t, "the server is given up", func() bool { return s.Condition() == share.Refusing })
	asked.Store(0)
	for range 1000 {
		wantDocument(t, d, hash, false)
	}
	if n := asked.Load(); n > 10 { // the supervisor tries again now and then
		t.Errorf("%d commands while the server is lost", n)
	}
}
