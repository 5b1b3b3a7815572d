package lookup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
	"leadgraph/lead/lookup"
)

const (
	lookupTTL   = 30 * time.Second
	negativeTTL = 10 * time.Second
	latency     = 20 * time.Millisecond
)

// directory is a platform on which each tenant has one lead, whose id names the
// tenant and the read. Its fields change that.
type directory struct {
	latency  time.Duration // of a single read and of each page
	pages    int           // of a walk over all leads
	tenants  []string      // found by a walk
	walkFail error

	mu        sync.Mutex
	fail      map[string]error
	none      map[string]bool
	reads     map[string]int // by tenant
	online    int
	walks     int
	cancelled int
	running   int
	most      int // single reads at a time
}

func newDirectory() *directory {
	return &directory{latency: latency, pages: 2, fail: map[string]error{}, none: map[string]bool{}, reads: map[string]int{}}
}

func (d *directory) LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error) {
	d.mu.Lock()
	d.reads[tenantID]++
	read := d.reads[tenantID]
	if checkOnline {
		d.online++
	}
	d.running++
	d.most = max(d.most, d.running)
	d.mu.Unlock()
	err := d.pause(ctx, d.latency)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	switch {
	case err != nil:
		return nil, err
	case tenantID == "crash":
		panic("Dana Levi")
	case tenantID == "foreign":
		return []*lead.Lead{{ID: "x", TenantID: "y"}}, nil
	case d.fail[tenantID] != nil:
		return nil, d.fail[tenantID]
	case d.none[tenantID] && !checkOnline:
		return nil, nil
	}
	return []*lead.Lead{{ID: fmt.Sprint(tenantID, "/", read), TenantID: tenantID}}, nil
}

func (d *directory) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	d.mu.Lock()
	d.walks++
	walk := d.walks
	d.mu.Unlock()
	if err := d.pause(ctx, time.Duration(d.pages)*d.latency); err != nil {
		return catalogue.Reading{Calls: 1}, err
	}
	if d.walkFail != nil {
		return catalogue.Reading{Calls: 1}, d.walkFail
	}
	return catalogue.Reading{Leads: walked(walk, d.tenants...), Complete: true, Calls: d.pages}, nil
}

func walked(walk int, tenants ...string) []*lead.Lead {
	leads := make([]*lead.Lead, len(tenants))
	for i, tenant := range tenants {
		leads[i] = &lead.Lead{ID: fmt.Sprint(tenant, "/walk", walk), TenantID: tenant}
	}
	return leads
}

func (d *directory) pause(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		d.mu.Lock()
		defer d.mu.Unlock()
		d.cancelled++
		return ctx.Err()
	}
}

func (d *directory) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// wantReads checks the number of single reads so far, and how many were cancelled.
func (d *directory) wantReads(t *testing.T, reads, cancelled int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	total := 0
	for _, n := range d.reads {
		total += n
	}
	if total != reads || d.cancelled != cancelled {
		t.Errorf("%d reads, %d cancelled, want %d and %d", total, d.cancelled, reads, cancelled)
	}
}

// withLookups runs the test on a fake clock, with single reads only.
func withLookups(t *testing.T, options lookup.Options, test func(t *testing.T, l *lookup.Lookups, d *directory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		l := lookup.New(d, nil, options)
		defer l.Close()
		test(t, l, d)
	})
}

// told describes an answer on one line: the lead of each tenant, and how it was
// obtained.
func told(found []lookup.Lookup, report lookup.Report) string {
	var text strings.Builder
	for _, f := range found {
		switch {
		case f.Err != nil:
			fmt.Fprintf(&text, "(%v) ", f.Err)
		case len(f.Leads) == 0:
			text.WriteString("none ")
		default:
			text.WriteString(f.Leads[0].ID + " ")
		}
	}
	fmt.Fprintf(&text, "%d calls %d rows %d hits: %s", report.UpstreamCalls, report.Rows, report.CacheHits, report.Plan)
	return text.String()
}

func wantLookups(t *testing.T, l *lookup.Lookups, want lead.Freshness, text string, tenants ...string) {
	t.Helper()
	if got := told(l.ByTenants(t.Context(), tenants, want)); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
}

func TestLookupsAge(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		d.none["n"] = true
		begun := time.Now()
		wantLookups(t, l, leadtest.Whatever, "a/1 none 2 calls 1 rows 0 hits: single reads", "a", "n")
		leadtest.Pass(negativeTTL - latency - 1) // the age counts from the start of the read
		wantLookups(t, l, leadtest.Whatever, "a/1 none 0 calls 0 rows 2 hits: cache", "a", "n")
		leadtest.Pass(1)
		wantLookups(t, l, leadtest.Whatever, "a/1 none 1 calls 0 rows 1 hits: single reads", "a", "n")
		leadtest.Pass(time.Until(begun.Add(lookupTTL)) - 1)
		wantLookups(t, l, leadtest.Whatever, "a/1 0 calls 0 rows 1 hits: cache", "a")
		found, _ := l.ByTenants(t.Context(), []string{"a"}, leadtest.Whatever)
		if !found[0].AsOf.Equal(begun) {
			t.Errorf("as of %v, read at %v", found[0].AsOf, begun)
		}
		leadtest.Pass(1)
		wantLookups(t, l, leadtest.Whatever, "a/2 1 calls 1 rows 0 hits: single reads", "a")
		wantLookups(t, l, leadtest.Whatever, "0 calls 0 rows 0 hits: cache")
	})
}

func TestLookupsKeepOrder(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		d.fail["e"] = leadtest.ErrDown
		wantLookups(t, l, leadtest.Whatever,
			"b/1 a/1 (upstream: unavailable (status 503)) b/1 c/1 a/1 4 calls 3 rows 0 hits: single reads",
			"b", "A", "e", "B", "c", "a")
		wantLookups(t, l, leadtest.Whatever, "c/1 a/1 b/1 0 calls 0 rows 3 hits: cache", "C", "a", "b")
	})
}

func TestLookupsReadOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		var callers sync.WaitGroup
		var calls, rows, hits atomic.Int64
		// Not more callers: hundreds of timers that end at once in a bubble sometimes
		// crash the race detector itself (Go 1.26: CHECK failed in tsan_rtl.cpp).
		// TestCatalogueOneWalkHoweverManyWait tests a thousand callers.
		for i := range 99 {
			callers.Go(func() {
				<-time.After(time.Duration(i%3) * latency / 2) // at the start, in the middle and at the end of the read
				found, report := l.ByTenants(t.Context(), []string{"a"}, leadtest.Whatever)
				if found[0].Err != nil || found[0].Leads[0].ID != "a/1" {
					t.Errorf("got %+v", found)
				}
				calls.Add(int64(report.UpstreamCalls))
				rows.Add(int64(report.Rows))
				hits.Add(int64(report.CacheHits))
			})
		}
		callers.Wait()
		d.wantReads(t, 1, 0)
		if calls.Load() != 1 || rows.Load() != 1 || hits.Load() > 33 {
			t.Errorf("the callers count %d calls, %d rows and %d hits", calls.Load(), rows.Load(), hits.Load())
		}
	})
}

func TestLookupsCallersLeave(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		brief, cancel := context.WithTimeout(t.Context(), latency/2)
		defer cancel()
		const left = "(context deadline exceeded) 1 calls 0 rows 0 hits: single reads"
		var callers sync.WaitGroup
		callers.Go(func() {
			if got := told(l.ByTenants(brief, []string{"a"}, leadtest.Whatever)); got != left {
				t.Error(got)
			}
		})
		synctest.Wait()
		wantLookups(t, l, leadtest.Whatever, "a/1 0 calls 0 rows 0 hits: single reads", "a") // the caller that started it has left
		callers.Wait()
		d.wantReads(t, 1, 0)

		brief, cancel = context.WithTimeout(t.Context(), latency/2)
		defer cancel()
		if got := told(l.ByTenants(brief, []string{"b"}, leadtest.Whatever)); got != left {
			t.Error(got)
		}
		synctest.Wait()
		d.wantReads(t, 2, 1) // nobody waits for it any more
		if got := told(l.ByTenants(brief, []string{"c", "a"}, leadtest.Whatever)); !strings.HasPrefix(got, "(context deadline exceeded) a/1 0 calls") {
			t.Error(got)
		}
		d.wantReads(t, 2, 1) // the context had ended: no read
	})
}

func TestLookupsNoCache(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		wantLookups(t, l, leadtest.Whatever, "a/1 1 calls 1 rows 0 hits: single reads", "a")
		wantLookups(t, l, leadtest.NoCache, "a/2 1 calls 1 rows 0 hits: single reads", "a")
		wantLookups(t, l, leadtest.MaxAge(0), "a/3 1 calls 1 rows 0 hits: single reads", "a")

		// A read that began before the request is not fresh enough. The next one is,
		// for all requests that arrived meanwhile.
		var callers sync.WaitGroup
		callers.Go(func() { wantLookups(t, l, leadtest.NoCache, "a/4 1 calls 1 rows 0 hits: single reads", "a") })
		leadtest.Pass(latency / 2)
		var calls atomic.Int64
		for range 100 {
			callers.Go(func() {
				found, report := l.ByTenants(t.Context(), []string{"a"}, leadtest.NoCache)
				if found[0].Leads[0].ID != "a/5" {
					t.Errorf("got read %s", found[0].Leads[0].ID)
				}
				calls.Add(int64(report.UpstreamCalls))
			})
		}
		wantLookups(t, l, leadtest.Whatever, "a/3 0 calls 0 rows 1 hits: cache", "a")
		callers.Wait()
		d.wantReads(t, 5, 0)
		if calls.Load() != 1 {
			t.Errorf("%d calls for the next read", calls.Load())
		}
		wantLookups(t, l, leadtest.Whatever, "a/5 0 calls 0 rows 1 hits: cache", "a")
	})
}

func TestLookupsMaxAge(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		wantLookups(t, l, leadtest.Whatever, "a/1 1 calls 1 rows 0 hits: single reads", "a")
		leadtest.Pass(time.Second - latency)
		wantLookups(t, l, leadtest.MaxAge(time.Second), "a/1 0 calls 0 rows 1 hits: cache", "a")
		wantLookups(t, l, leadtest.MaxAge(time.Second-1), "a/2 1 calls 1 rows 0 hits: single reads", "a")
		leadtest.Pass(lookupTTL)
		wantLookups(t, l, leadtest.MaxAge(time.Hour), "a/3 1 calls 1 rows 0 hits: single reads", "a") // it does not extend the TTL

		var callers sync.WaitGroup
		callers.Go(func() { wantLookups(t, l, leadtest.NoCache, "a/4 1 calls 1 rows 0 hits: single reads", "a") })
		leadtest.Pass(latency / 2)
		callers.Go(func() { wantLookups(t, l, leadtest.MaxAge(latency/2), "a/4 0 calls 0 rows 0 hits: single reads", "a") })
		wantLookups(t, l, leadtest.MaxAge(latency/2-1), "a/5 1 calls 1 rows 0 hits: single reads", "a")
		callers.Wait()
		d.wantReads(t, 5, 0)
	})
}

func TestLookupsForgetErrors(t *testing.T) {
	t.Parallel()
	for tenant, want := range map[string]string{
		"down":    "upstream: unavailable (status 503)",
		"odd":     "upstream: unavailable: odd",
		"crash":   "panic",
		"foreign": "upstream: bad response: the answer contains leads of other tenants",
	} {
		t.Run(tenant, func(t *testing.T) {
			t.Parallel()
			withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
				d.fail["down"], d.fail["odd"] = leadtest.ErrDown, errors.New("odd")
				for range 2 {
					wantLookups(t, l, leadtest.Whatever, "("+want+") 1 calls 0 rows 0 hits: single reads", tenant)
				}
				d.wantReads(t, 2, 0)
			})
		})
	}
	t.Run("an answer survives a later failure", func(t *testing.T) {
		t.Parallel()
		withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
			wantLookups(t, l, leadtest.Whatever, "a/1 1 calls 1 rows 0 hits: single reads", "a")
			d.set(func() { d.fail["a"] = leadtest.ErrDown })
			wantLookups(t, l, leadtest.NoCache, "(upstream: unavailable (status 503)) 1 calls 0 rows 0 hits: single reads", "a")
			wantLookups(t, l, leadtest.Whatever, "a/1 0 calls 0 rows 1 hits: cache", "a")
		})
	})
}

func TestLookupsBoundReads(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{Timeout: latency / 2, FanOut: 3}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		wantLookups(t, l, leadtest.Whatever, "(upstream: timeout: context deadline exceeded) 1 calls 0 rows 0 hits: single reads", "a")
		l.ByTenants(t.Context(), tenants(10), leadtest.Whatever)
		d.wantReads(t, 11, 11)
		if d.most != 3 {
			t.Errorf("%d reads at a time", d.most)
		}
	})
}

func tenants(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("t%06d", i)
	}
	return ids
}

func TestLookupsBoundBytes(t *testing.T) {
	t.Parallel()
	const bound, text = 1 << 20, 10_000
	withLookups(t, lookup.Options{MaxBytes: bound}, func(t *testing.T, _ *lookup.Lookups, d *directory) {
		l := lookup.New(wordy{d, text}, nil, lookup.Options{MaxBytes: bound})
		defer l.Close()
		all := tenants(1000)
		for batch := range slices.Chunk(all, 10) {
			l.ByTenants(t.Context(), batch, leadtest.Whatever)
			synctest.Wait() // the cache evicts in the background
		}
		held := 0
		for _, tenant := range all {
			brief, cancel := context.WithCancel(t.Context())
			cancel() // so that nothing is read
			_, report := l.ByTenants(brief, []string{tenant}, leadtest.Whatever)
			held += report.CacheHits
		}
		if held == 0 || held*text > bound {
			t.Errorf("%d answers of over %d bytes are held, the bound is %d", held, text, bound)
		}
		d.wantReads(t, 1000, 0)
	})
}

// wordy adds a long comment to each lead.
type wordy struct {
	*directory
	length int
}

func (w wordy) LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error) {
	leads, err := w.directory.LeadsByTenant(ctx, tenantID, checkOnline)
	for _, l := range leads {
		l.Comments = []string{strings.Repeat("x", w.length)}
	}
	return leads, err
}

func TestLookupsOnline(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		d.none["a"] = true
		var callers sync.WaitGroup
		callers.Go(func() { wantLookups(t, l, leadtest.Whatever, "none 1 calls 0 rows 0 hits: single reads", "a") })
		synctest.Wait()
		found, report := l.Online(t.Context(), "A") // does not share the running read
		if got := told([]lookup.Lookup{found}, report); got != "a/2 1 calls 1 rows 0 hits: single reads" {
			t.Error(got)
		}
		callers.Wait()
		wantLookups(t, l, leadtest.Whatever, "a/2 0 calls 0 rows 1 hits: cache", "a")
		l.Online(t.Context(), "a") // never from the cache
		if d.online != 2 {
			t.Errorf("%d reads with checkOnline", d.online)
		}

		// The platform learns of the lead during Online. A plain read that began later
		// and ended sooner did not see it, so its answer is older.
		d.none["b"] = true
		callers.Go(func() { l.Online(t.Context(), "b") })
		leadtest.Pass(latency / 2)
		d.set(func() { d.latency = latency / 4 })
		wantLookups(t, l, leadtest.Whatever, "none 1 calls 0 rows 0 hits: single reads", "b")
		callers.Wait()
		wantLookups(t, l, leadtest.Whatever, "b/1 0 calls 0 rows 1 hits: cache", "b")

		d.set(func() { d.fail["a"] = leadtest.ErrDown })
		if found, _ := l.Online(t.Context(), "a"); !errors.Is(found.Err, leadtest.ErrDown) {
			t.Errorf("got %v", found.Err)
		}
		left, cancel := context.WithCancel(t.Context())
		cancel()
		if found, _ := l.Online(left, "c"); !errors.Is(found.Err, context.Canceled) {
			t.Errorf("got %v", found.Err)
		}
	})
}

func TestLookupsWithoutCache(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{TTL: -1}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		l.Feed(catalogue.Build(walked(1, "a"), time.Now(), nil))
		wantLookups(t, l, leadtest.Whatever, "a/1 1 calls 1 rows 0 hits: single reads", "a")
		wantLookups(t, l, leadtest.Whatever, "a/2 1 calls 1 rows 0 hits: single reads", "a")
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() { l.ByTenants(t.Context(), []string{"a"}, leadtest.Whatever) })
		}
		callers.Wait()
		d.wantReads(t, 3, 0) // concurrent lookups share a read
	})
}

func TestLookupsClose(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		const closed = "(upstream: unavailable: lookups are closed)"
		var callers sync.WaitGroup
		callers.Go(func() { wantLookups(t, l, leadtest.Whatever, closed+" 1 calls 0 rows 0 hits: single reads", "a") })
		callers.Go(func() {
			leadtest.Pass(latency / 4)
			wantLookups(t, l, leadtest.NoCache, closed+" 0 calls 0 rows 0 hits: single reads", "a") // waits for the next read
		})
		leadtest.Pass(latency / 2)
		l.Close()
		callers.Wait()
		d.wantReads(t, 1, 1)
		wantLookups(t, l, leadtest.Whatever, closed+" 0 calls 0 rows 0 hits: single reads", "a")
	})
}
