package share_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"leadgraph/internal/share"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

func lookups(t *testing.T, addr string, adjust func(*share.Options)) *share.Lookups {
	t.Helper()
	return open(t, addr, adjust).Lookups(keep)
}

func foundAt(tenant string, asOf time.Time, ids ...string) lookup.Found {
	f := lookup.Found{AsOf: asOf}
	for _, id := range ids {
		f.Leads = append(f.Leads, &lead.Lead{ID: id, TenantID: tenant, Comments: []string{"Dana Levi"}})
	}
	return f
}

func wantFound(t *testing.T, l *share.Lookups, want map[string][]string) map[string]lookup.Found {
	t.Helper()
	got := l.Get(t.Context(), []string{tenantA, tenantB, tenantC})
	ids := map[string][]string{}
	for tenant, f := range got {
		ids[tenant] = []string{}
		for _, l := range f.Leads {
			ids[tenant] = append(ids[tenant], l.ID)
		}
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	return got
}

func TestLookups(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	m.SetTime(time.Now().Add(time.Hour)) // its clock does not matter
	a, b := lookups(t, m.Addr(), nil), lookups(t, m.Addr(), nil)
	if got := b.Get(t.Context(), nil); got != nil {
		t.Errorf("got %v", got)
	}
	wantFound(t, b, map[string][]string{})

	asOf := time.Now().Add(-10 * time.Second)
	a.Put(t.Context(), nil)
	a.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, asOf, "1", "2"), tenantB: foundAt(tenantB, asOf)})
	got := wantFound(t, b, map[string][]string{tenantA: {"1", "2"}, tenantB: {}})
	if diff := cmp.Diff(foundAt(tenantA, asOf, "1", "2").Leads, got[tenantA].Leads); diff != "" {
		t.Error(diff)
	}
	for tenant, f := range got {
		// The server's clock stands still here, so the age is that of the Put.
		if age := asOf.Sub(f.AsOf); age < -10*time.Second || age > time.Second {
			t.Errorf("%s is as of %v, not of %v", tenant, f.AsOf, asOf)
		}
	}

	b.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, asOf.Add(-time.Second), "0"), tenantB: foundAt(tenantB, asOf.Add(time.Second), "3")})
	wantFound(t, a, map[string][]string{tenantA: {"1", "2"}, tenantB: {"3"}}) // the newer one stays
	b.Put(t.Context(), map[string]lookup.Found{tenantC: foundAt(tenantC, asOf.Add(-keep), "0")})
	wantFound(t, a, map[string][]string{tenantA: {"1", "2"}, tenantB: {"3"}})

	for _, key := range m.Keys() {
		if ttl := m.TTL(key); ttl <= 0 || ttl > keep-8*time.Second {
			t.Errorf("%s lives for %v", key, ttl)
		}
	}
	m.FastForward(keep)
	wantFound(t, a, map[string][]string{})
}

func TestLookupsAreEncrypted(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	var lines log
	withKey := func(first byte) func(*share.Options) {
		key := bytes.Repeat([]byte{first}, 32)
		return func(o *share.Options) { o.Key, o.Logger = key, lines.logger(t) }
	}
	a, plain := lookups(t, m.Addr(), withKey(1)), lookups(t, m.Addr(), nil)
	a.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1"), tenantB: foundAt(tenantB, time.Now(), "2")})
	keys := keysOf(m, tenantKeys)
	for _, key := range keys {
		value, err := m.Get(key)
		if err != nil || strings.Contains(key+value, "4f2c-4e1b") || strings.Contains(value, "Dana") {
			t.Errorf("%q at %s, %v", value, key, err)
		}
	}
	wantFound(t, lookups(t, m.Addr(), withKey(1)), map[string][]string{tenantA: {"1"}, tenantB: {"2"}})
	wantFound(t, lookups(t, m.Addr(), withKey(2)), map[string][]string{})
	wantFound(t, plain, map[string][]string{})

	// A value that was moved from one tenant to another is not taken.
	value, err := m.Get(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	change(t, m, tenantKeys, func(string) string { return value })
	if got := a.Get(t.Context(), []string{tenantA, tenantB}); len(got) != 1 {
		t.Errorf("%d tenants found", len(got))
	}
	if n := lines.count("cannot be decrypted"); n != 1 {
		t.Errorf("%d warnings", n)
	}
}

func TestDamagedLookups(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	l := lookups(t, m.Addr(), nil)
	for _, damage := range []func(string) string{
		func(string) string { return "text" },
		func(v string) string { return v[1:] + "x" },
		func(v string) string { return v[:len(v)-1] },
		func(string) string { return "1 " },
	} {
		l.Put(t.Context(), map[string]lookup.Found{tenantA: foundAt(tenantA, time.Now(), "1")})
		change(t, m, tenantKeys, damage)
		wantFound(t, l, map[string][]string{})
	}
}
