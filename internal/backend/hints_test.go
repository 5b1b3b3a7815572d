package backend_test

import (
	"cmp"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/lead"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

// replica opens a platform that shares what it reads with others, under a key if there
// is one.
func replica(t *testing.T, p *fakePlatform, redis *miniredis.Miniredis, key ...config.Secret) *backend.Platform {
	t.Helper()
	return open(t, p, func(o *backend.Options) {
		o.Caches.RedisKey = cmp.Or(key...)
		o.Caller = nil
		o.Upstream.StaticToken = "token"
		o.Caches.RedisURL = config.Secret("redis://" + redis.Addr())
		o.Caches.RedisTimeout = 5 * time.Second // for a busy machine
		o.Caches.CataloguePageSize = 90
	})
}

// capKey returns the key of the cap, or "" if none is stored.
func capKey(redis *miniredis.Miniredis) string {
	for _, key := range redis.Keys() {
		if strings.HasSuffix(key, "page-cap") {
			return key
		}
	}
	return ""
}

// settle waits until leads that were read are shared.
func settle(redis *miniredis.Miniredis) {
	for slices.ContainsFunc(redis.Keys(), func(key string) bool { return strings.HasSuffix(key, ":lease") }) {
		runtime.Gosched()
	}
}

// A replica plans pages with the cap that another one has learnt, without a
// call, and pages cost no commands.
func TestCapIsShared(t *testing.T) {
	t.Parallel()
	p, redis := newFakePlatform(t), miniredis.RunT(t)
	p.SetPaging(sandbox.Paging{CutAbove: 30})
	first := replica(t, p, redis)
	newest(t.Context(), t, first)
	if first.MaxPageSize() != 30 || capKey(redis) == "" {
		t.Fatalf("pages of %d, keys %v", first.MaxPageSize(), redis.Keys())
	}
	second := replica(t, p, redis)
	if second.MaxPageSize() != 30 {
		t.Errorf("pages of %d", second.MaxPageSize())
	}
	p.ResetCalls()
	leads, err := second.LeadsPage(t.Context(), 0, 30, lead.AllParts)
	if err != nil || len(leads) != 30 || p.Calls().Pages != 1 {
		t.Errorf("%d leads, %d calls, error %v", len(leads), p.Calls().Pages, err)
	}
	settle(redis)
	before := redis.CommandCount()
	for page := range 3 {
		if _, err := second.LeadsPage(t.Context(), page, 30, lead.AllParts); err != nil {
			t.Error(err)
		}
	}
	if took := redis.CommandCount() - before; took != 0 {
		t.Errorf("%d commands for pages", took)
	}
}

// A cap that is wrong or no cap makes no answer wrong, and the next walk corrects it.
func TestWrongCap(t *testing.T) {
	t.Parallel()
	for _, poison := range []string{"", "1", "12", "60", "-5", "99999999999999999999", "Dana Levi", "19999"} {
		for _, cut := range []int{0, 30} {
			p, redis := newFakePlatform(t), miniredis.RunT(t)
			p.SetPaging(sandbox.Paging{CutAbove: 30})
			newest(t.Context(), t, replica(t, p, redis))
			if err := redis.Set(capKey(redis), poison); err != nil {
				t.Fatal(err)
			}
			p.SetPaging(sandbox.Paging{CutAbove: cut})
			b := replica(t, p, redis)
			size := min(90, b.MaxPageSize())
			leads, err := b.LeadsPage(t.Context(), 0, size, lead.AllParts)
			if err == nil && len(leads) != size || err != nil && !errors.Is(err, lead.ErrPageCut) {
				t.Errorf("%q: %d leads on a page of %d, error %v", poison, len(leads), size, err)
			}
			if got := newest(t.Context(), t, b); !slices.Equal(got, p.IDs()) {
				t.Errorf("%q: %d leads", poison, len(got))
			}
			if most := b.MaxPageSize(); cut > 0 && most != cut || cut == 0 && most < 90 {
				t.Errorf("%q: pages of %d after a walk, cut at %d", poison, most, cut)
			}
		}
	}
}

// A replica with the key needs no calls to learn the number of the first page that
// another one has learnt in the last minute. Without a key it would be believed of
// anybody, and is not.
func TestPagingIsShared(t *testing.T) {
	t.Parallel()
	key := config.Secret(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	for _, paging := range []sandbox.Paging{{FirstPage: 1, PastEnd: "404"}, {FirstPage: 1, PageZero: sandbox.PageZeroEmpty}, {}} {
		calls := func(later time.Duration, spoil bool, key ...config.Secret) int {
			p, redis := newFakePlatform(t), miniredis.RunT(t)
			p.SetPaging(paging)
			newest(t.Context(), t, replica(t, p, redis, key...))
			redis.FastForward(later)
			for _, stored := range redis.Keys() {
				if strings.HasSuffix(stored, ":paging") && spoil {
					if err := redis.Set(stored, "0 20000 \"empty\""); err != nil {
						t.Fatal(err)
					}
				}
			}
			p.ResetCalls()
			second := replica(t, p, redis, key...)
			leads, err := second.LeadsPage(t.Context(), 1, 10, lead.AllParts)
			if err != nil || len(leads) != 10 || leads[0].ID != p.IDs()[10] {
				t.Errorf("%d leads, error %v", len(leads), err)
			}
			return p.Calls().Pages
		}
		if n := calls(0, false, key); n != 1 {
			t.Errorf("%+v: %d calls with a key, want 1", paging, n)
		}
		for name, n := range map[string]int{"no key": calls(0, false), "expired": calls(61*time.Second, false, key), "forged": calls(0, true, key)} {
			if n < 2 {
				t.Errorf("%+v, %s: believed without proof", paging, name)
			}
		}
	}
}

// A wait that the token endpoint demands of one replica costs the others no request.
func TestWaitOfTheTokenEndpointIsShared(t *testing.T) {
	t.Parallel()
	platform, err := sandbox.New(sandbox.Options{Leads: 10})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(platform)
	t.Cleanup(front.Close)
	redis := miniredis.RunT(t)
	platform.Inject(sandbox.Fault{Kind: sandbox.KindToken, Times: -1, Status: http.StatusServiceUnavailable, RetryAfter: "30"})
	for range 3 {
		b := open(t, &fakePlatform{url: front.URL}, func(o *backend.Options) {
			o.Caller = nil
			o.Caches.RedisURL = config.Secret("redis://" + redis.Addr())
			o.Caches.RedisTimeout = 5 * time.Second // for a busy machine
			o.Upstream.Credentials = token.Credentials{
				TokenURL: front.URL + sandbox.TokenPath, ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Scope: sandbox.DefaultScope,
			}
		})
		_, err := b.LeadsPage(t.Context(), 0, 10, lead.AllParts)
		if failure, ok := errors.AsType[*lead.SourceError](err); !ok || failure.RetryAfter < 20*time.Second {
			t.Errorf("error %v", err)
		}
		for len(redis.Keys()) == 0 { // the wait is still being shared
			runtime.Gosched()
		}
	}
	if calls := platform.Calls().Token; calls != 1 {
		t.Errorf("the token endpoint was asked %d times", calls)
	}
}
