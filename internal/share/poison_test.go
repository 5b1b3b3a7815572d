package share_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/klauspost/compress/zstd"

	"leadgraph/internal/share"
	"leadgraph/lead/lookup"
)

// generation is a name that replicas give to leads.
const generation = "POISONPOISONPOISONPOISONPO"

// poison stores chunks and a head that names them, as somebody does who can write to the
// server but has no key.
func poison(t *testing.T, m *miniredis.Miniredis, number string, chunks ...string) {
	t.Helper()
	key := keysOf(m, headKey)[0]
	sum := sha256.Sum256([]byte(strings.Join(chunks, "")))
	begun := time.Now().Add(-time.Second).UnixMicro()
	if err := m.Set(key, fmt.Sprintf("%d %016x 1 %016x 1 %016x %s %s %s %d 0 -", begun, 1, 1, 1, generation, number, hex.EncodeToString(sum[:]), begun)); err != nil {
		t.Fatal(err)
	}
	for i, chunk := range chunks {
		if err := m.Set(key+":"+generation+":"+strconv.Itoa(i), chunk); err != nil {
			t.Fatal(err)
		}
	}
}

// zipped compresses what the parts repeat.
func zipped(t *testing.T, parts ...io.Reader) string {
	t.Helper()
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, io.MultiReader(parts...)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// zeros is an endless text.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func varint(n uint64) io.Reader { return bytes.NewReader(binary.AppendUvarint(nil, n)) }

func some(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

// Poisoned leads are not used, cost few commands and little memory, and are replaced.
// The test is not parallel because it measures the whole process.
func TestPoisonedLeads(t *testing.T) { //nolint:paralleltest // measures the whole process
	bomb := zipped(t, some(1), varint(500_000), some(1<<30))
	for name, stored := range map[string][]string{ //nolint:paralleltest // measures the whole process
		"zeros":                    {"1", bomb},
		"half of the zeros":        {"1", bomb[:len(bomb)/2]},
		"large leads":              {"1", zipped(t, some(1), varint(300), varint(4<<20), some(1<<30))},
		"a list of many":           {"1", zipped(t, some(1), varint(1), varint(4<<20), some(10), varint(1<<22), some(4<<20))},
		"more leads than allowed":  {"1", zipped(t, some(1), varint(1<<40), some(1<<20))},
		"not compressed":           {"1", strings.Repeat("x", 1000)},
		"1e9 chunks":               {"1000000000", bomb},
		"2048 chunks":              {"2048", strings.Repeat("x", 256<<10)},
		"no chunks":                {"0"},
		"fewer chunks than none":   {"-1"},
		"a chunk of another size":  {"2", "x", "y"},
		"a chunk that is too long": {"1", strings.Repeat("x", 64<<20)},
		"number with a sign":       {"+1", bomb},
	} {
		t.Run(name, func(t *testing.T) {
			m, p := miniredis.RunT(t), newPlatform()
			a, b := replica(t, m.Addr(), p, nil), replica(t, m.Addr(), p, nil)
			read(t, a, time.Time{}, 1)
			rest(t, m)
			store := open(t, m.Addr(), nil)
			store.PageCap() // it is connected
			poison(t, m, stored[0], stored[1:]...)
			before, commands := allocated(), m.CommandCount()
			read(t, store.Source(p, kept), time.Time{}, 2)
			grown := int64(allocated()-before) >> 20
			rest(t, m)
			t.Logf("%d MiB allocated, %d commands", grown, m.CommandCount()-commands)
			if grown > 100 {
				t.Errorf("%d MiB were allocated", grown)
			}
			if n := m.CommandCount() - commands; n > 60 { // nested commands of scripts and six chunks are counted
				t.Errorf("%d commands", n)
			}
			if store.Rejected() == 0 {
				t.Error("nothing was rejected")
			}
			read(t, b, time.Time{}, 2)
			begun := time.Now()
			store.Close()
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("closing took %v", took)
			}
		})
	}
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// A head that changes with every look does not keep a reader busy.
func TestHeadThatChanges(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	read(t, replica(t, m.Addr(), p, nil), time.Time{}, 1)
	rest(t, m)
	s := open(t, m.Addr(), nil)
	s.PageCap()
	key := keysOf(m, headKey)[0]
	ctx, stop := context.WithCancel(t.Context())
	change := func(i int) {
		_ = m.Set(key, fmt.Sprintf("%d 01 1 01 1 01 %s%06d 1 x 1 0 -", time.Now().Add(-time.Second).UnixMicro(), generation[:20], i)) // the server may be closed
	}
	change(0)
	go func() {
		for i := 1; ctx.Err() == nil; i++ {
			change(i)
		}
	}()
	if _, err := s.Source(p, kept).AllLeads(t.Context(), time.Time{}); err != nil {
		t.Error(err)
	}
	stop()
	p.wantReads(t, 2)
}

// With a key nothing of the head can be changed.
func TestHeadIsAuthenticated(t *testing.T) {
	t.Parallel()
	withKey := func(o *share.Options) { o.Key = bytes.Repeat([]byte{1}, 32) }
	m, p := miniredis.RunT(t), newPlatform()
	a := replica(t, m.Addr(), p, withKey)
	for i := range 12 {
		wanted := 2*i + 1
		read(t, a, time.Now(), wanted)
		stored(t, m)
		change(t, m, headKey, func(v string) string {
			fields := strings.Fields(v)
			if len(fields) != 12 {
				t.Fatalf("a head of %d fields", len(fields))
			}
			last := len(fields[i]) - 1
			digit := byte('0')
			if fields[i][last] == '0' {
				digit = '1'
			}
			if i == 6 {
				digit = 'A' + (fields[i][last]-'A'+1)%26
			}
			fields[i] = fields[i][:last] + string(digit)
			return strings.Join(fields, " ")
		})
		b := open(t, m.Addr(), withKey)
		read(t, b.Source(p, kept), time.Time{}, wanted+1)
		rest(t, m)
		if b.Rejected() != 1 {
			t.Errorf("field %d: %d values rejected", i, b.Rejected())
		}
	}
}

// Keys that hold another type than text are overwritten.
func TestWrongTypesHeal(t *testing.T) {
	t.Parallel()
	m, p := miniredis.RunT(t), newPlatform()
	var lines log
	a := open(t, m.Addr(), func(o *share.Options) { o.Logger = lines.logger(t) })
	l := a.Lookups(keep)
	share := func(n int) {
		read(t, a.Source(p, kept), time.Now(), n)
		rest(t, m)
		l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")})
		if err := a.SetPageCap(500); err != nil {
			t.Error(err)
		}
	}
	share(1)
	keys := m.Keys()
	keys = append(keys, strings.TrimSuffix(keysOf(m, headKey)[0], "leads")+"lease")
	for _, key := range keys {
		m.Del(key)
		if _, err := m.Push(key, "an", "element"); err != nil {
			t.Fatal(err)
		}
	}
	if a.PageCap() != 0 {
		t.Error("a list is no cap")
	}
	wantFound(t, l, map[string][]string{})
	share(2)
	wantFound(t, l, map[string][]string{tenantA: {"1"}})
	read(t, replica(t, m.Addr(), p, nil), time.Time{}, 2)
	if a.PageCap() != 500 || a.Condition() != "usable" || lines.count("refuses")+lines.count("unreachable") > 0 {
		t.Errorf("cap %d, condition %s", a.PageCap(), a.Condition())
	}
	for _, key := range keysOf(m, headKey+"|"+leaseKey+"|"+tenantKeys+"|cap$") {
		if m.Type(key) != "string" {
			t.Errorf("%s is still a %s", key, m.Type(key))
		}
	}
}

// A lease that no replica wrote does not last.
func TestForgedLease(t *testing.T) {
	t.Parallel()
	for name, lease := range map[string]string{
		"text": "text", "from the future": "9999999999999999 name", "without an end": fmt.Sprint(time.Now().Add(-time.Second).UnixMicro(), " name"), "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, p := miniredis.RunT(t), newPlatform()
			a := replica(t, m.Addr(), p, nil)
			read(t, a, time.Time{}, 1)
			rest(t, m)
			if err := m.Set(strings.TrimSuffix(keysOf(m, headKey)[0], "leads")+"lease", lease); err != nil {
				t.Fatal(err)
			}
			read(t, a, time.Now(), 2)
			rest(t, m) // it had the lease, and has released it
		})
	}
}

// Leads of another tenant and forged values are not answered.
func TestForgedLookups(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := open(t, m.Addr(), nil)
	l := s.Lookups(keep)
	put := func() {
		m.FlushAll()
		l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")})
		wantFound(t, l, map[string][]string{tenantA: {"1"}})
	}
	for name, forge := range map[string]func(string) string{
		"another tenant":  func(v string) string { return strings.Replace(v, tenantA, tenantB, 1) },
		"no tenant":       func(v string) string { return strings.Replace(v, tenantA, strings.Repeat("x", 36), 1) },
		"invalid UTF-8":   func(v string) string { return strings.Replace(v, "Dana Levi", "Dana\xff\xfeevi", 1) },
		"from the future": func(v string) string { return "9" + v },
		"too long":        func(v string) string { return v + strings.Repeat("x", 256<<10) },
	} {
		put()
		change(t, m, tenantKeys, forge)
		wantFound(t, l, map[string][]string{})
		if t.Failed() {
			t.Fatal(name)
		}
	}
	put()
	l.Put(t.Context(), map[string]lookup.Found{tenantB: {AsOf: time.Now(), Leads: foundAt(tenantB, time.Now(), strings.Repeat("long", 100_000)).Leads}})
	wantFound(t, l, map[string][]string{tenantA: {"1"}}) // the long one is not stored
}

func TestForgedCap(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := open(t, m.Addr(), nil)
	if err := s.SetPageCap(500); err != nil {
		t.Fatal(err)
	}
	for _, forged := range []string{"-1", "+500", "0500", "500 ", "5e2", "20001", "99999999999", strings.Repeat("5", 1000), "x"} {
		change(t, m, "cap$", func(string) string { return forged })
		if leads := s.PageCap(); leads != 0 {
			t.Errorf("%q is a cap of %d", forged, leads)
		}
	}
}
