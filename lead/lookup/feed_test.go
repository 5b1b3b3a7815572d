package lookup_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
	"leadgraph/lead/lookup"
)

func feed(l *lookup.Lookups, walk int, asOf time.Time, tenants ...string) {
	l.Feed(catalogue.Build(walked(walk, tenants...), asOf, nil))
}

func TestLookupsAnswerFromSnapshots(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, _ *directory) {
		leadtest.Pass(time.Hour)
		begun := time.Now()
		wantLookups(t, l, leadtest.Whatever, "a/1 b/1 2 calls 2 rows 0 hits: single reads", "a", "b")
		feed(l, 1, begun.Add(-time.Second), "a", "c") // older than the reads
		wantLookups(t, l, leadtest.Whatever, "a/1 b/1 c/walk1 none 0 calls 0 rows 4 hits: cache", "a", "b", "c", "d")

		leadtest.Pass(time.Second)
		feed(l, 2, begun.Add(time.Second), "A")
		feed(l, 3, begun.Add(time.Second-1), "a", "b") // too late to be used
		wantLookups(t, l, leadtest.Whatever, "A/walk2 none 0 calls 0 rows 2 hits: cache", "a", "b")
		wantLookups(t, l, leadtest.NoCache, "a/2 1 calls 1 rows 0 hits: single reads", "a")
		wantLookups(t, l, leadtest.Whatever, "a/2 0 calls 0 rows 1 hits: cache", "a")

		leadtest.Pass(time.Until(begun.Add(time.Second + negativeTTL)))
		// The read of b would live longer than the later snapshot without b. It must
		// not be used, because time would go backwards.
		wantLookups(t, l, leadtest.Whatever, "a/2 b/2 1 calls 1 rows 1 hits: single reads", "a", "b")

		feed(l, 4, time.Now(), "c")
		asOf := time.Now()
		leadtest.Pass(lookupTTL - 1)
		wantLookups(t, l, leadtest.Whatever, "c/walk4 0 calls 0 rows 1 hits: cache", "c")
		wantLookups(t, l, leadtest.MaxAge(lookupTTL-2), "c/1 1 calls 1 rows 0 hits: single reads", "c")
		leadtest.Pass(time.Until(asOf.Add(lookupTTL)))
		feed(l, 5, asOf, "d")
		wantLookups(t, l, leadtest.Whatever, "d/1 1 calls 1 rows 0 hits: single reads", "d")
	})
}

func TestLookupsForgetAbsenceNoLaterThanLeads(t *testing.T) {
	t.Parallel()
	withLookups(t, lookup.Options{NegativeTTL: time.Hour}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		d.none["n"] = true
		wantLookups(t, l, leadtest.Whatever, "none 1 calls 0 rows 0 hits: single reads", "n")
		leadtest.Pass(lookupTTL - latency)
		wantLookups(t, l, leadtest.Whatever, "none 1 calls 0 rows 0 hits: single reads", "n")
	})
}

// replicas is a cache that replicas share, all with the same clock.
type replicas struct {
	mu   sync.Mutex
	held map[string]lookup.Found
	puts int
	gets int
}

func (r *replicas) Get(_ context.Context, tenantIDs []string) map[string]lookup.Found {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gets++
	found := map[string]lookup.Found{}
	for _, id := range tenantIDs {
		if f, ok := r.held[id]; ok {
			found[id] = f
		}
	}
	return found
}

func (r *replicas) Put(_ context.Context, found map[string]lookup.Found) {
	if _, ok := found["p"]; ok {
		panic("Dana Levi")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts++
	for id, f := range found {
		r.held[id] = f
	}
}

func TestLookupsShare(t *testing.T) {
	t.Parallel()
	shared := &replicas{held: map[string]lookup.Found{}}
	withLookups(t, lookup.Options{Shared: shared}, func(t *testing.T, l *lookup.Lookups, d *directory) {
		other := lookup.New(d, nil, lookup.Options{Shared: shared})
		defer other.Close()
		d.none["n"] = true
		begun := time.Now()
		wantLookups(t, l, leadtest.Whatever, "a/1 none b/1 3 calls 2 rows 0 hits: single reads", "a", "n", "b")
		synctest.Wait()
		if shared.puts != 1 {
			t.Errorf("%d puts", shared.puts)
		}
		wantLookups(t, other, leadtest.Whatever, "a/1 none 0 calls 0 rows 2 hits: cache", "A", "n")
		gets := shared.gets
		wantLookups(t, other, leadtest.Whatever, "a/1 0 calls 0 rows 1 hits: cache", "a")
		if shared.gets != gets {
			t.Error("asked for what is known")
		}
		wantLookups(t, other, leadtest.NoCache, "b/2 1 calls 1 rows 0 hits: single reads", "b")

		// Sharing an answer does not extend its life.
		leadtest.Pass(time.Until(begun.Add(negativeTTL)))
		wantLookups(t, other, leadtest.Whatever, "a/1 none 1 calls 0 rows 1 hits: single reads", "a", "n")
		wantLookups(t, other, leadtest.MaxAge(negativeTTL/2), "a/2 1 calls 1 rows 0 hits: single reads", "a")
		found, _ := l.Online(t.Context(), "o")
		synctest.Wait()
		wantLookups(t, other, leadtest.Whatever, "o/1 0 calls 0 rows 1 hits: cache", "o")
		if found.Err != nil {
			t.Error(found.Err)
		}
	})
}

func TestLookupsDistrustWhatIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		shared := &replicas{held: map[string]lookup.Found{
			"a": {Leads: walked(1, "b"), AsOf: time.Now()},
			"f": {Leads: walked(1, "f"), AsOf: time.Now().Add(time.Second)},
			"o": {Leads: walked(1, "o"), AsOf: time.Now().Add(-lookupTTL)},
			"s": {Leads: walked(1, "s"), AsOf: time.Now().Add(-2 * time.Second)},
		}}
		var log bytes.Buffer
		l := lookup.New(d, nil, lookup.Options{Shared: shared, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		defer l.Close()
		wantLookups(t, l, leadtest.Whatever, "a/1 f/1 o/1 3 calls 3 rows 0 hits: single reads", "a", "f", "o")
		feed(l, 2, time.Now().Add(-time.Second))
		wantLookups(t, l, leadtest.MaxAge(time.Second/2), "s/1 1 calls 1 rows 0 hits: single reads", "s")
		wantLookups(t, l, leadtest.NoCache, "p/1 1 calls 1 rows 0 hits: single reads", "p")
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, "panic") || strings.Contains(text, "Levi") {
			t.Errorf("log: %s", text)
		}
	})
}

// Callers of all kinds join and leave. The test is meant for the race detector.
func TestLookupsUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		all := tenants(60)
		d.tenants = all[:50]
		var l *lookup.Lookups
		c := catalogue.New(d, catalogue.Options{TTL: time.Second, OnPublish: func(_ context.Context, s *catalogue.Snapshot) { l.Feed(s) }})
		defer c.Close()
		shared := &replicas{held: map[string]lookup.Found{}}
		l = lookup.New(d, c, lookup.Options{TTL: time.Second, NegativeTTL: time.Second / 4, MaxBytes: 10_000, Shared: shared})
		defer l.Close()
		for _, tenant := range all[50:] {
			d.none[tenant] = true
		}
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				for j := range 30 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i*j)%60)*time.Millisecond)
					asked := all[(i+j)%20 : (i+j)%20+1+(i*7+j)%40]
					found, _ := l.ByTenants(ctx, asked, []lead.Freshness{leadtest.Whatever, leadtest.MaxAge(time.Second / 2), leadtest.NoCache}[(i+j)%3])
					l.Online(ctx, asked[0])
					over := ctx.Err() != nil
					cancel()
					for k, f := range found {
						switch {
						case f.Err != nil && !over:
							t.Errorf("%v", f.Err)
						case len(f.Leads) > 0 && !strings.HasPrefix(f.Leads[0].ID, asked[k]):
							t.Errorf("%s was answered with %s", asked[k], f.Leads[0].ID)
						}
					}
					<-time.After(time.Duration(1+(i+j)%70) * time.Millisecond)
				}
			})
		}
		callers.Wait()
	})
}
