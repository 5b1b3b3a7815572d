package lookup_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
)

const staleTenant = "f94238e5-4f2c-4e1b-8125-2d27122ca75f"

// failing is a platform with one lead of one tenant, until it fails.
type failing struct {
	mu    sync.Mutex
	err   error
	hangs bool
	none  bool
	reads int
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) LeadsByTenant(ctx context.Context, tenantID string, _ bool) ([]*lead.Lead, error) {
	f.mu.Lock()
	f.reads++
	err, hangs, none := f.err, f.hangs, f.none
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err != nil || none {
		return nil, err
	}
	return []*lead.Lead{{ID: "1", TenantID: tenantID}}, nil
}

var errDown = &lead.SourceError{Kind: lead.FailureUnavailable, Status: 503}

// staleLookups returns lookups that have looked up the tenant, ten minutes ago.
func staleLookups(t *testing.T, p *failing, adjust func(*lookup.Options)) *lookup.Lookups {
	t.Helper()
	o := lookup.Options{StaleIfError: time.Hour}
	if adjust != nil {
		adjust(&o)
	}
	l := lookup.New(p, nil, o)
	if found, _ := l.ByTenants(t.Context(), []string{staleTenant}, lead.Freshness{}); found[0].Err != nil {
		t.Fatal(found[0].Err)
	}
	<-time.After(10 * time.Minute)
	return l
}

func TestOldLeadsIfThePlatformFails(t *testing.T) {
	t.Parallel()
	age := time.Hour
	for name, test := range map[string]struct {
		err    error
		want   lead.Freshness
		wait   time.Duration
		none   bool
		adjust func(*lookup.Options)
		stale  bool
	}{
		"down":               {err: errDown, stale: true},
		"slow":               {err: &lead.SourceError{Kind: lead.FailureTimeout}, stale: true},
		"rate limited":       {err: &lead.SourceError{Kind: lead.FailureRateLimited, Status: 429}, stale: true},
		"not leads":          {err: &lead.SourceError{Kind: lead.FailureBadResponse, Status: 200}, stale: true},
		"no token":           {err: &lead.SourceError{Kind: lead.FailureAuth}, stale: true},
		"401":                {err: &lead.SourceError{Kind: lead.FailureAuth, Status: 401}},
		"403":                {err: &lead.SourceError{Kind: lead.FailureAuth, Status: 403}},
		"denied just before": {err: errDown, adjust: func(o *lookup.Options) { o.Denied = func() bool { return true } }},
		"no-cache":           {err: errDown, want: lead.Freshness{NoCache: true}},
		"a client's wish":    {err: errDown, want: lead.Freshness{NoCache: true, Wish: true}},
		"max-age":            {err: errDown, want: lead.Freshness{MaxAge: &age}},
		"a walk":             {err: errDown, want: lead.Freshness{NotBefore: time.Unix(1, 0)}},
		"too old":            {err: errDown, wait: 51 * time.Minute},
		"switched off":       {err: errDown, adjust: func(o *lookup.Options) { o.StaleIfError = 0 }},
		"it had none":        {err: errDown, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &failing{none: test.none}
				l := staleLookups(t, p, test.adjust)
				defer l.Close()
				<-time.After(test.wait)
				p.set(test.err)
				found, _ := l.ByTenants(t.Context(), []string{staleTenant}, test.want)
				switch got := found[0]; {
				case test.stale && (got.Err != nil || !got.Stale || len(got.Leads) != 1 || time.Since(got.AsOf) < 10*time.Minute):
					t.Errorf("got %+v, want the old lead", got)
				case !test.stale && (!errors.Is(got.Err, test.err) || got.Stale || len(got.Leads) != 0):
					t.Errorf("got %+v, want the error", got)
				}
				if p.reads != 2 {
					t.Errorf("%d reads, want 2: old leads are served only after a failure", p.reads)
				}
			})
		})
	}
}

// The catalogue's leads of the tenant are as good as those of a lookup, if it has any.
func TestOldLeadsOfTheCatalogue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &failing{err: errDown}
		l := lookup.New(p, nil, lookup.Options{TTL: -1, StaleIfError: time.Hour})
		defer l.Close()
		l.Feed(catalogue.Build([]*lead.Lead{{ID: "1", TenantID: staleTenant}}, time.Now(), nil))
		<-time.After(30 * time.Minute)
		found, _ := l.ByTenants(t.Context(), []string{staleTenant, "00000000-0000-4000-8000-000000000000"}, lead.Freshness{})
		if got := found[0]; got.Err != nil || !got.Stale || len(got.Leads) != 1 {
			t.Errorf("got %+v", got)
		}
		if got := found[1]; got.Err == nil {
			t.Errorf("a tenant that the catalogue does not have: %+v", got)
		}
	})
}

// If the platform does not answer, old leads come while the request still has time.
func TestOldLeadsIfThePlatformHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &failing{}
		l := staleLookups(t, p, nil)
		defer l.Close()
		p.hangs = true
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		found, _ := l.ByTenants(ctx, []string{staleTenant}, lead.Freshness{})
		if got := found[0]; got.Err != nil || !got.Stale || time.Since(begun) != 8*time.Second {
			t.Errorf("got %+v after %v", got, time.Since(begun))
		}
	})
}

// However many clients demand new leads, a tenant is read once in five seconds.
func TestNoCacheIsGrantedOnceInAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &failing{}
		l := lookup.New(p, nil, lookup.Options{})
		defer l.Close()
		wish := lead.Freshness{NoCache: true, Wish: true}
		for range 600 { // a minute
			found, _ := l.ByTenants(t.Context(), []string{staleTenant}, wish)
			if age := time.Since(found[0].AsOf); found[0].Err != nil || age > lead.DefaultNoCacheInterval {
				t.Fatalf("%v old, %v", age, found[0].Err)
			}
			<-time.After(100 * time.Millisecond)
		}
		if p.reads > 12 {
			t.Errorf("%d reads in a minute", p.reads)
		}
		p.reads = 0
		for range 3 {
			l.ByTenants(t.Context(), []string{staleTenant}, lead.Freshness{NoCache: true})
		}
		if p.reads != 3 {
			t.Errorf("%d reads for 3 demands that are no wishes", p.reads)
		}
	})
}
