package lookup_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
	"leadgraph/lead/lookup"
)

// withPlanner runs the test on a fake clock, with a platform of that many tenants.
func withPlanner(t *testing.T, held int, options lookup.Options, test func(t *testing.T, l *lookup.Lookups, d *directory, c *catalogue.Catalogue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		d.tenants = tenants(held)
		var l *lookup.Lookups
		c := catalogue.New(d, catalogue.Options{TTL: time.Minute, StaleIfError: time.Hour, OnPublish: func(_ context.Context, s *catalogue.Snapshot) { l.Feed(s) }})
		defer c.Close()
		l = lookup.New(d, c, options)
		defer l.Close()
		test(t, l, d, c)
	})
}

// wantReport looks up the tenants and checks the report. Every tenant must get its
// own lead.
func wantReport(t *testing.T, l *lookup.Lookups, want lead.Freshness, ids []string, report lookup.Report) {
	t.Helper()
	found, got := l.ByTenants(t.Context(), ids, want)
	for i, f := range found {
		if f.Err != nil || len(f.Leads) != 1 || f.Leads[0].TenantID != ids[i] {
			t.Fatalf("%s: %+v", ids[i], f)
		}
	}
	if got != report {
		t.Errorf("got %+v, want %+v", got, report)
	}
}

func TestPlanFromAColdStart(t *testing.T) {
	t.Parallel()
	withPlanner(t, 5000, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, _ *directory, _ *catalogue.Catalogue) {
		wantReport(t, l, leadtest.Whatever, tenants(16), lookup.Report{UpstreamCalls: 16, Rows: 16, Plan: lookup.PlanSingleReads})
		wantReport(t, l, leadtest.NoCache, tenants(20), lookup.Report{UpstreamCalls: 20, Rows: 20, Plan: lookup.PlanSingleReads})
	})
	for _, want := range []lead.Freshness{leadtest.Whatever, leadtest.NoCache, leadtest.MaxAge(time.Second)} {
		withPlanner(t, 5000, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory, _ *catalogue.Catalogue) {
			ids := append(tenants(500), "elsewhere")
			found, report := l.ByTenants(t.Context(), ids, want)
			if report != (lookup.Report{UpstreamCalls: 2, Rows: 5000, Plan: lookup.PlanCatalogue}) {
				t.Errorf("got %+v", report)
			}
			for i, f := range found[:500] {
				if f.Err != nil || len(f.Leads) != 1 || f.Leads[0].TenantID != ids[i] {
					t.Errorf("%s: %+v", ids[i], f)
				}
			}
			if f := found[500]; f.Err != nil || f.Leads != nil || f.AsOf.IsZero() {
				t.Errorf("a tenant without leads: %+v", f)
			}
			d.wantReads(t, 0, 0)
			wantReport(t, l, leadtest.Whatever, tenants(500), lookup.Report{CacheHits: 500, Plan: lookup.PlanCache})
		})
	}
}

func TestPlanLearns(t *testing.T) {
	t.Parallel()
	withPlanner(t, 200, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, _ *directory, c *catalogue.Catalogue) {
		wantReport(t, l, leadtest.Whatever, tenants(100), lookup.Report{UpstreamCalls: 100, Rows: 100, Plan: lookup.PlanSingleReads})
		if err := c.Warm(t.Context()); err != nil { // not for a lookup; shows that it is quick
			t.Fatal(err)
		}
		leadtest.Pass(lookupTTL)
		wantReport(t, l, leadtest.Whatever, tenants(100), lookup.Report{UpstreamCalls: 2, Rows: 200, Plan: lookup.PlanCatalogue})
		leadtest.Pass(lookupTTL)
		wantReport(t, l, leadtest.Whatever, tenants(20), lookup.Report{UpstreamCalls: 20, Rows: 20, Plan: lookup.PlanSingleReads})
	})
}

func TestPlanAvoidsASlowCatalogue(t *testing.T) {
	t.Parallel()
	withPlanner(t, 100_000, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory, _ *catalogue.Catalogue) {
		d.pages = 3000 // a minute
		wantReport(t, l, leadtest.NoCache, tenants(500), lookup.Report{UpstreamCalls: 3000, Rows: 100_000, Plan: lookup.PlanCatalogue})
		wantReport(t, l, leadtest.NoCache, tenants(500), lookup.Report{UpstreamCalls: 500, Rows: 500, Plan: lookup.PlanSingleReads})
		wantReport(t, l, leadtest.NoCache, tenants(16), lookup.Report{UpstreamCalls: 16, Rows: 16, Plan: lookup.PlanSingleReads})
		// The catalogue is tried again some time later.
		d.pages = 5
		leadtest.Pass(6 * time.Hour)
		wantReport(t, l, leadtest.NoCache, tenants(2000), lookup.Report{UpstreamCalls: 5, Rows: 100_000, Plan: lookup.PlanCatalogue})
	})
}

func TestPlanCountsTimeGivenUp(t *testing.T) {
	t.Parallel()
	withPlanner(t, 5000, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory, _ *catalogue.Catalogue) {
		d.pages = 3000
		brief, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		found, report := l.ByTenants(brief, tenants(500), leadtest.Whatever)
		if report.Plan != lookup.PlanCatalogue || !errors.Is(found[499].Err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v", report, found[499].Err)
		}
		synctest.Wait()
		d.wantReads(t, 0, 0) // the read goes on, but is not worth waiting for
		wantReport(t, l, leadtest.Whatever, tenants(500), lookup.Report{UpstreamCalls: 500, Rows: 500, Plan: lookup.PlanSingleReads})
	})
}

func TestPlanJoinsARefresh(t *testing.T) {
	t.Parallel()
	withPlanner(t, 5000, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory, c *catalogue.Catalogue) {
		wantReport(t, l, leadtest.Whatever, tenants(200), lookup.Report{UpstreamCalls: 200, Rows: 200, Plan: lookup.PlanSingleReads})
		leadtest.Pass(lookupTTL) // since the last read
		var callers sync.WaitGroup
		callers.Go(func() { _ = c.Warm(t.Context()) })
		synctest.Wait()
		wantReport(t, l, leadtest.Whatever, tenants(200), lookup.Report{Plan: lookup.PlanCatalogue})
		callers.Wait()
		if d.walks != 1 {
			t.Errorf("%d walks", d.walks)
		}
	})
}

func TestPlanServesAnUnfedSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		d.tenants = tenants(500)
		c := catalogue.New(d, catalogue.Options{TTL: time.Minute})
		defer c.Close()
		l := lookup.New(d, c, lookup.Options{})
		defer l.Close()
		if err := c.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		online, _ := l.Online(t.Context(), "t000000")
		found, report := l.ByTenants(t.Context(), tenants(500), leadtest.Whatever)
		if report != (lookup.Report{CacheHits: 500, Plan: lookup.PlanCache}) {
			t.Errorf("got %+v", report)
		}
		if found[0].Leads[0] != online.Leads[0] || found[1].Leads[0].ID != "t000001/walk1" {
			t.Errorf("got %s and %s", found[0].Leads[0].ID, found[1].Leads[0].ID)
		}
	})
}

func TestPlanKeepsWhatIsNewerThanTheCatalogue(t *testing.T) {
	t.Parallel()
	withPlanner(t, 500, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory, _ *catalogue.Catalogue) {
		d.pages = 10
		var callers sync.WaitGroup
		var found []lookup.Lookup
		callers.Go(func() { found, _ = l.ByTenants(t.Context(), tenants(500), leadtest.Whatever) })
		leadtest.Pass(latency)
		online, _ := l.Online(t.Context(), "t000007")
		callers.Wait()
		if found[7].Leads[0] != online.Leads[0] || found[8].Leads[0].ID != "t000008/walk1" {
			t.Errorf("got %s and %s", found[7].Leads[0].ID, found[8].Leads[0].ID)
		}
	})
}

func TestPlanWithoutCache(t *testing.T) {
	t.Parallel()
	withPlanner(t, 500, lookup.Options{TTL: -1}, func(t *testing.T, l *lookup.Lookups, d *directory, _ *catalogue.Catalogue) {
		for range 2 {
			wantReport(t, l, leadtest.Whatever, tenants(500), lookup.Report{UpstreamCalls: 2, Rows: 500, Plan: lookup.PlanCatalogue})
		}
		d.wantReads(t, 0, 0)
	})
}

func TestPlanFallsBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     lead.FailureKind
		tenants  int
		fallback bool
	}{
		{lead.FailureTimeout, 500, true},
		{lead.FailureRejected, 500, true},
		{lead.FailureBadResponse, 500, true},
		{lead.FailureBadResponse, 4000, false}, // for over 10 s
		{lead.FailureUnavailable, 500, false},
		{lead.FailureRateLimited, 500, false},
		{lead.FailureAuth, 500, false},
	} {
		t.Run(fmt.Sprint(c.kind, " ", c.tenants), func(t *testing.T) {
			t.Parallel()
			withPlanner(t, 5000, lookup.Options{}, func(t *testing.T, l *lookup.Lookups, d *directory, _ *catalogue.Catalogue) {
				failure := &lead.SourceError{Kind: c.kind}
				d.walkFail = failure
				if c.fallback {
					wantReport(t, l, leadtest.Whatever, tenants(c.tenants), lookup.Report{
						UpstreamCalls: 1 + c.tenants, Rows: c.tenants, Plan: lookup.PlanMixed,
					})
					return
				}
				for _, calls := range []int{1, 0} { // the catalogue pauses after a failure
					found, report := l.ByTenants(t.Context(), tenants(c.tenants), leadtest.Whatever)
					if report != (lookup.Report{UpstreamCalls: calls, Plan: lookup.PlanCatalogue}) {
						t.Errorf("got %+v", report)
					}
					for _, f := range found {
						if !errors.Is(f.Err, failure) {
							t.Fatalf("got %v", f.Err)
						}
					}
				}
				d.wantReads(t, 0, 0)
			})
		})
	}
}
