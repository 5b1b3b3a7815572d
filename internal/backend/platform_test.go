package backend_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/graph/pagination"
	"leadgraph/internal/backend"
	"leadgraph/internal/config"
	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
	"leadgraph/upstream/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tenant = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"

// fakePlatform is a sandbox that knows the callers' tokens and counts their calls.
type fakePlatform struct {
	*sandbox.Server
	url string

	mu       sync.Mutex
	calls    map[string]int // by token
	statuses map[string]int // of the answers to a token that is not accepted
}

func newFakePlatform(t *testing.T) *fakePlatform {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{Leads: 100, NoAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	p := &fakePlatform{Server: server, calls: map[string]int{}, statuses: map[string]int{}}
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	p.url = front.URL
	return p
}

// ServeHTTP implements http.Handler.
func (p *fakePlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	p.calls[token]++
	status := p.statuses[token]
	p.mu.Unlock()
	if token == "" {
		status = http.StatusUnauthorized
	}
	if status != 0 {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(status)
		return
	}
	p.Server.ServeHTTP(w, r)
}

func (p *fakePlatform) revoke(token string) { p.refuse(token, http.StatusUnauthorized) }

func (p *fakePlatform) refuse(token string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statuses[token] = status
}

func (p *fakePlatform) count(token string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[token]
}

func (p *fakePlatform) total() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := 0
	for _, calls := range p.calls {
		total += calls
	}
	return total
}

type tokenKey struct{}

// as returns a context of a caller with this token.
func as(t *testing.T, token string) context.Context {
	return context.WithValue(t.Context(), tokenKey{}, token)
}

func open(t *testing.T, p *fakePlatform, change func(*backend.Options)) *backend.Platform {
	t.Helper()
	o := backend.Options{
		Upstream: upstream.Options{BaseURL: p.url + sandbox.BasePath, Retries: -1},
		Caches: config.Caches{
			CatalogueTTL: time.Minute, CatalogueRevalidate: time.Minute, CatalogueIfError: time.Hour, CataloguePageSize: 1000,
			LookupTTL: time.Minute, LookupNegativeTTL: time.Minute, LookupBytes: 1 << 20, FanOut: 4,
		},
		Caller: func(ctx context.Context) (partition, token string) {
			token, _ = ctx.Value(tokenKey{}).(string)
			return token, token
		},
		MaxCallers: 10, MaxLeads: 10_000,
	}
	if change != nil {
		change(&o)
	}
	b, err := backend.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// find looks the tenant up.
func find(t *testing.T, b *backend.Platform, token string) error {
	t.Helper()
	found, _ := b.ByTenants(as(t, token), []string{tenant}, lead.Freshness{})
	if found[0].Err == nil && len(found[0].Leads) == 0 {
		t.Errorf("%s found nothing", token)
	}
	return found[0].Err
}

func status(err error) int {
	if failure, ok := errors.AsType[*lead.SourceError](err); ok {
		return failure.Status
	}
	return 0
}

func TestEachCallerReadsWithItsOwnToken(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, nil)
	for _, token := range []string{"a", "b", "a", "b"} {
		if err := find(t, b, token); err != nil {
			t.Error(err)
		}
		if _, _, err := b.Snapshot(as(t, token), lead.Freshness{}); err != nil {
			t.Error(err)
		}
	}
	if p.count("a") != p.count("b") || p.count("a") == 0 || p.count("") != 0 {
		t.Errorf("calls %v", p.calls)
	}
	before := p.count("a")
	if _, err := b.LeadsPage(as(t, "a"), 0, 5, lead.AllParts); err != nil || p.count("a") != before+1 {
		t.Errorf("%v, calls %v", err, p.calls)
	}
	if found, _ := b.Online(as(t, "b"), tenant); found.Err != nil || len(found.Leads) != 1 {
		t.Errorf("%+v", found)
	}
}

func TestNobodyReadsNothing(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, nil)
	if err := find(t, b, ""); err == nil {
		t.Error("leads were found")
	}
	if err := b.EachLead(as(t, ""), 0, 5, lead.AllParts, func() {}, func(*lead.Lead) error { return nil }); err == nil {
		t.Error("leads were read")
	}
	if len(p.calls) != 0 {
		t.Errorf("calls %v", p.calls)
	}
}

// TestARefusedTokenShowsNothing refuses a token after its leads were read. After the
// refusal, neither the cache nor a stale catalogue answers.
func TestARefusedTokenShowsNothing(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, nil)
	if err := find(t, b, "a"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Snapshot(as(t, "a"), lead.Freshness{}); err != nil {
		t.Fatal(err)
	}
	p.revoke("a")
	if _, err := b.LeadsPage(as(t, "a"), 0, 5, lead.AllParts); status(err) != http.StatusUnauthorized {
		t.Errorf("a page: %v", err)
	}
	if err := find(t, b, "a"); status(err) != http.StatusUnauthorized {
		t.Errorf("a cached lookup: %v", err)
	}
	if snapshot, _, err := b.Snapshot(as(t, "a"), lead.Freshness{}); snapshot != nil || status(err) != http.StatusUnauthorized {
		t.Errorf("the catalogue: %v, %v", snapshot, err)
	}
	if err := find(t, b, "b"); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

// TestARefusalIsHeardInTheBackground refuses a refresh of the catalogue.
func TestARefusalIsHeardInTheBackground(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, func(o *backend.Options) { o.Caches.CatalogueTTL = time.Nanosecond })
	if _, _, err := b.Snapshot(as(t, "a"), lead.Freshness{}); err != nil {
		t.Fatal(err)
	}
	p.revoke("a")
	for { // answered from the old catalogue until the refresh has ended
		snapshot, _, err := b.Snapshot(as(t, "a"), lead.Freshness{})
		if err != nil && status(err) != http.StatusUnauthorized || err == nil && snapshot == nil {
			t.Fatalf("%v, %v", snapshot, err)
		}
		if err != nil {
			break
		}
	}
}

func TestTheLeastRecentCallersAreForgotten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*backend.Options){
		"callers": func(o *backend.Options) { o.MaxCallers = 2 },
		"leads":   func(o *backend.Options) { o.MaxLeads = 250 },
	} {
		p := newFakePlatform(t)
		b := open(t, p, change)
		read := func(token string) int {
			before := p.count(token)
			if _, _, err := b.Snapshot(as(t, token), lead.Freshness{}); err != nil {
				t.Fatal(err)
			}
			return p.count(token) - before
		}
		for _, step := range []struct {
			token string
			again bool
		}{{"a", true}, {"b", true}, {"a", false}, {"c", true}, {"a", false}, {"b", true}, {"c", true}} {
			if calls := read(step.token); calls > 0 != step.again {
				t.Errorf("%s: %s made %d calls", name, step.token, calls)
			}
		}
	}
}

func TestCatalogueOfOneCallerMayExceedTheBound(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := open(t, p, func(o *backend.Options) { o.MaxLeads = 10 })
	var calls []int
	for range 3 {
		if _, _, err := b.Snapshot(as(t, "a"), lead.Freshness{}); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, p.count("a"))
	}
	if calls[2] != calls[0] {
		t.Errorf("calls so far: %v", calls)
	}
}

// TestIdleCallersAreForgotten uses no network: the clock of a bubble stops
// while something waits for one.
func TestIdleCallersAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := backend.Open(backend.Options{
			Upstream:   upstream.Options{BaseURL: "http://127.0.0.1:1", Retries: -1},
			Caches:     config.Caches{CatalogueTTL: time.Minute, CatalogueRevalidate: time.Minute, LookupBytes: 1, FanOut: 1, CataloguePageSize: 1},
			Caller:     func(context.Context) (string, string) { return "a", "a" },
			MaxCallers: 10, MaxLeads: 10,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = b.LeadsPage(canceled, 0, 1, lead.AllParts) // fails before it is sent
		if held := b.Callers(); held != 1 {
			t.Errorf("%d callers", held)
		}
		<-time.After(2*time.Minute - time.Second)
		if held := b.Callers(); held != 1 {
			t.Errorf("%d callers a second before the end", held)
		}
		<-time.After(2 * time.Second)
		if held := b.Callers(); held != 0 {
			t.Errorf("%d callers after the end", held)
		}
	})
}

// TestPlatformsExistSideBySide opens two accounts: neither answers from the other's
// caches, and neither opens the other's cursors.
func TestPlatformsExistSideBySide(t *testing.T) {
	t.Parallel()
	first, second := newFakePlatform(t), newFakePlatform(t)
	own := func(name string) func(*backend.Options) {
		return func(o *backend.Options) {
			o.Name, o.CursorKey = name, []byte("a key of thirty-two bytes, for "+name)
			o.Caller, o.Upstream.StaticToken = nil, "token"
		}
	}
	a, b := open(t, first, own("")), open(t, second, own("second"))
	if a.Name() != backend.DefaultName || b.Name() != "second" {
		t.Errorf("names %q and %q", a.Name(), b.Name())
	}
	for _, p := range []*backend.Platform{a, b} {
		if err := find(t, p, ""); err != nil {
			t.Error(err)
		}
		if _, _, err := p.Snapshot(t.Context(), lead.Freshness{}); err != nil {
			t.Error(err)
		}
	}
	if first.total() == 0 || first.total() != second.total() {
		t.Errorf("%d and %d calls", first.total(), second.total())
	}
	text := a.Cursors().Text(pagination.Cursor{Ordinal: 7}, "caller")
	if c, err := a.Cursors().Open(text, "caller"); err != nil || c.Ordinal != 7 {
		t.Errorf("its own cursor: %+v, %v", c, err)
	}
	if _, err := b.Cursors().Open(text, "caller"); !errors.Is(err, pagination.ErrForeign) {
		t.Errorf("the other's cursor: %v", err)
	}
}

// Without a key, restarts and replicas with the same credentials accept each other's
// cursors. Setting a key for the first time, or another one, breaks no walk.
func TestCursorKeys(t *testing.T) {
	t.Parallel()
	platform := newFakePlatform(t)
	with := func(secret, key, previous string, formerSecret ...string) *backend.Platform {
		return open(t, platform, func(o *backend.Options) {
			o.SecretPrevious = strings.Join(formerSecret, "")
			o.Caller = nil
			o.Upstream.Credentials = token.Credentials{TokenURL: platform.url, ClientID: "client", ClientSecret: secret}
			if key != "" {
				o.CursorKey = []byte(key)
			}
			if previous != "" {
				o.CursorKeyPrevious = []byte(previous)
			}
		})
	}
	text := func(p *backend.Platform) string { return p.Cursors().Text(pagination.Cursor{Ordinal: 7}, "caller") }
	derived, again, other := with("secret", "", ""), with("secret", "", ""), with("other", "", "")
	rotated := with("other", "", "", "secret")
	keyed, next := with("secret", "the first key", ""), with("other", "the second key", "the first key")
	if text(derived) != text(again) || text(derived) == text(other) {
		t.Error("the derived key does not follow from the credentials")
	}
	for name, c := range map[string]struct {
		from, to *backend.Platform
		accepted bool
	}{
		"a restart":                    {derived, again, true},
		"other credentials":            {derived, other, false},
		"another secret":               {derived, rotated, true},
		"another secret, back":         {rotated, derived, false},
		"a key set for the first time": {derived, keyed, true},
		"another key":                  {keyed, next, true},
		"another key, back":            {next, keyed, false},
	} {
		if _, err := c.to.Cursors().Open(text(c.from), "caller"); (err == nil) != c.accepted {
			t.Errorf("%s: %v", name, err)
		}
	}
	one, two := open(t, platform, nil), open(t, platform, nil)
	if text(one) == text(two) {
		t.Error("two processes have the same key without credentials")
	}
}
