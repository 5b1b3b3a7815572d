package lead_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
)

// withPlanner runs the test on a fake clock over a platform with that many
// tenants.
func withPlanner(t *testing.T, held int, options lead.LookupOptions, test func(t *testing.T, l *lead.Lookups, d *directory, c *lead.Catalogue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory()
		d.tenants = tenants(held)
		var l *lead.Lookups
		c := lead.NewCatalogue(d, lead.CatalogueOptions{TTL: time.Minute, StaleIfError: time.Hour, OnPublish: func(s *lead.Snapshot) { l.Feed(s) }})
		defer c.Close()
		l = lead.NewLookups(d, c, options)
		defer l.Close()
		test(t, l, d, c)
	})
}

// wantReport looks the tenants up and checks what that took; every tenant must
// have its own lead.
func wantReport(t *testing.T, l *lead.Lookups, want lead.Freshness, ids []string, report lead.Report) {
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
	withPlanner(t, 5000, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, _ *directory, _ *lead.Catalogue) {
		wantReport(t, l, whatever, tenants(16), lead.Report{UpstreamCalls: 16, Rows: 16, Plan: lead.PlanSingleReads})
		wantReport(t, l, noCache, tenants(20), lead.Report{UpstreamCalls: 20, Rows: 20, Plan: lead.PlanSingleReads})
	})
	for _, want := range []lead.Freshness{whatever, noCache, maxAge(time.Second)} {
		withPlanner(t, 5000, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, d *directory, _ *lead.Catalogue) {
			ids := append(tenants(500), "elsewhere")
			found, report := l.ByTenants(t.Context(), ids, want)
			if report != (lead.Report{UpstreamCalls: 2, Rows: 5000, Plan: lead.PlanCatalogue}) {
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
			wantReport(t, l, whatever, tenants(500), lead.Report{CacheHits: 500, Plan: lead.PlanCache})
		})
	}
}

func TestPlanLearns(t *testing.T) {
	t.Parallel()
	withPlanner(t, 200, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, _ *directory, c *lead.Catalogue) {
		wantReport(t, l, whatever, tenants(100), lead.Report{UpstreamCalls: 100, Rows: 100, Plan: lead.PlanSingleReads})
		if err := c.Warm(t.Context()); err != nil { // somebody else's: it turns out to be quick
			t.Fatal(err)
		}
		pass(lookupTTL)
		wantReport(t, l, whatever, tenants(100), lead.Report{UpstreamCalls: 2, Rows: 200, Plan: lead.PlanCatalogue})
		pass(lookupTTL)
		wantReport(t, l, whatever, tenants(20), lead.Report{UpstreamCalls: 20, Rows: 20, Plan: lead.PlanSingleReads})
	})
}

func TestPlanAvoidsASlowCatalogue(t *testing.T) {
	t.Parallel()
	withPlanner(t, 100_000, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, d *directory, _ *lead.Catalogue) {
		d.pages = 3000 // a minute
		wantReport(t, l, noCache, tenants(500), lead.Report{UpstreamCalls: 3000, Rows: 100_000, Plan: lead.PlanCatalogue})
		wantReport(t, l, noCache, tenants(500), lead.Report{UpstreamCalls: 500, Rows: 500, Plan: lead.PlanSingleReads})
		wantReport(t, l, noCache, tenants(16), lead.Report{UpstreamCalls: 16, Rows: 16, Plan: lead.PlanSingleReads})
		// It is not held against the catalogue for ever.
		d.pages = 5
		pass(6 * time.Hour)
		wantReport(t, l, noCache, tenants(2000), lead.Report{UpstreamCalls: 5, Rows: 100_000, Plan: lead.PlanCatalogue})
	})
}

func TestPlanCountsTimeGivenUp(t *testing.T) {
	t.Parallel()
	withPlanner(t, 5000, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, d *directory, _ *lead.Catalogue) {
		d.pages = 3000
		brief, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		found, report := l.ByTenants(brief, tenants(500), whatever)
		if report.Plan != lead.PlanCatalogue || !errors.Is(found[499].Err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v", report, found[499].Err)
		}
		synctest.Wait()
		d.wantReads(t, 0, 0) // the reading goes on, but is not worth waiting for
		wantReport(t, l, whatever, tenants(500), lead.Report{UpstreamCalls: 500, Rows: 500, Plan: lead.PlanSingleReads})
	})
}

func TestPlanJoinsARefresh(t *testing.T) {
	t.Parallel()
	withPlanner(t, 5000, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, d *directory, c *lead.Catalogue) {
		wantReport(t, l, whatever, tenants(200), lead.Report{UpstreamCalls: 200, Rows: 200, Plan: lead.PlanSingleReads})
		pass(lookupTTL) // since the last read
		var callers sync.WaitGroup
		callers.Go(func() { _ = c.Warm(t.Context()) })
		synctest.Wait()
		wantReport(t, l, whatever, tenants(200), lead.Report{Plan: lead.PlanCatalogue})
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
		c := lead.NewCatalogue(d, lead.CatalogueOptions{TTL: time.Minute})
		defer c.Close()
		l := lead.NewLookups(d, c, lead.LookupOptions{})
		defer l.Close()
		if err := c.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		online, _ := l.Online(t.Context(), "t000000")
		found, report := l.ByTenants(t.Context(), tenants(500), whatever)
		if report != (lead.Report{CacheHits: 500, Plan: lead.PlanCache}) {
			t.Errorf("got %+v", report)
		}
		if found[0].Leads[0] != online.Leads[0] || found[1].Leads[0].ID != "t000001/walk1" {
			t.Errorf("got %s and %s", found[0].Leads[0].ID, found[1].Leads[0].ID)
		}
	})
}

func TestPlanKeepsWhatIsNewerThanTheCatalogue(t *testing.T) {
	t.Parallel()
	withPlanner(t, 500, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, d *directory, _ *lead.Catalogue) {
		d.pages = 10
		var callers sync.WaitGroup
		var found []lead.Lookup
		callers.Go(func() { found, _ = l.ByTenants(t.Context(), tenants(500), whatever) })
		pass(latency)
		online, _ := l.Online(t.Context(), "t000007")
		callers.Wait()
		if found[7].Leads[0] != online.Leads[0] || found[8].Leads[0].ID != "t000008/walk1" {
			t.Errorf("got %s and %s", found[7].Leads[0].ID, found[8].Leads[0].ID)
		}
	})
}

func TestPlanWithoutCache(t *testing.T) {
	t.Parallel()
	withPlanner(t, 500, lead.LookupOptions{TTL: -1}, func(t *testing.T, l *lead.Lookups, d *directory, _ *lead.Catalogue) {
		for range 2 {
			wantReport(t, l, whatever, tenants(500), lead.Report{UpstreamCalls: 2, Rows: 500, Plan: lead.PlanCatalogue})
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
			withPlanner(t, 5000, lead.LookupOptions{}, func(t *testing.T, l *lead.Lookups, d *directory, _ *lead.Catalogue) {
				failure := &lead.SourceError{Kind: c.kind}
				d.walkFail = failure
				if c.fallback {
					wantReport(t, l, whatever, tenants(c.tenants), lead.Report{
						UpstreamCalls: 1 + c.tenants, Rows: c.tenants, Plan: lead.PlanMixed,
					})
					return
				}
				for _, calls := range []int{1, 0} { // the catalogue pauses after a failure
					found, report := l.ByTenants(t.Context(), tenants(c.tenants), whatever)
					if report != (lead.Report{UpstreamCalls: calls, Plan: lead.PlanCatalogue}) {
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
