package catalogue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs the test on a fake clock with a catalogue, and closes that afterwards.
func inBubble(t *testing.T, opts catalogue.Options, test func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &leadtest.Platform{}
		c := catalogue.New(p, opts)
		defer c.Close()
		test(t, c, p)
	})
}

func TestCatalogueAges(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.Pass(time.Hour)
		p.WantReads(t, 0, 0) // without a request

		begun := time.Now()
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		leadtest.Pass(leadtest.TTL - leadtest.ReadTime) // the age counts from the start of the read
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
		synctest.Wait()
		p.WantReads(t, 1, 0)

		leadtest.Pass(time.Nanosecond) // over the TTL: served, and refreshed in the background
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
		leadtest.Pass(leadtest.ReadTime)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 2 cached in 0s")
		p.WantReads(t, 2, 0)
		s, _, err := c.Snapshot(t.Context(), leadtest.Whatever)
		if err != nil || !s.AsOf().Equal(begun.Add(leadtest.TTL+1)) {
			t.Errorf("as of %v, %v", s.AsOf(), err)
		}

		leadtest.Pass(leadtest.TTL + leadtest.Revalidate - leadtest.ReadTime) // the last moment of serving while refreshing
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 2 cached in 0s")
		leadtest.Pass(leadtest.ReadTime)
		leadtest.Pass(leadtest.TTL + leadtest.Revalidate) // past it
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 4 calls 3 in 1s")
	})
}

func TestCatalogueOneWalkHoweverManyWait(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		if err := c.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		leadtest.Pass(time.Hour)
		var callers sync.WaitGroup
		var calls atomic.Int64
		for range 1000 {
			callers.Go(func() {
				s, state, err := c.Snapshot(t.Context(), leadtest.Whatever)
				if err != nil || s.All()[0].ID != "2" || state.Stale || state.FromCache {
					t.Errorf("got %+v, %v", state, err)
				}
				calls.Add(int64(state.Calls))
			})
		}
		callers.Wait()
		p.WantReads(t, 2, 0)
		if calls.Load() != 3 {
			t.Errorf("the callers count %d calls, want 3", calls.Load())
		}
	})
}

func TestCatalogueNoCache(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		leadtest.WantAnswer(t, c, leadtest.NoCache, "read 2 calls 3 in 1s")
		leadtest.WantAnswer(t, c, leadtest.MaxAge(0), "read 3 calls 3 in 1s")

		// A refresh that began before the request is not fresh enough. The next one
		// is, for all requests that arrived meanwhile.
		var callers sync.WaitGroup
		callers.Go(func() { leadtest.WantAnswer(t, c, leadtest.NoCache, "read 4 calls 3 in 1s") })
		leadtest.Pass(leadtest.ReadTime / 2)
		var joined atomic.Int64
		for range 10 {
			callers.Go(func() {
				if strings.HasPrefix(leadtest.Answer(t.Context(), c, leadtest.NoCache), "read 5") {
					joined.Add(1)
				}
			})
		}
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 3 cached in 0s")
		callers.Wait()
		if joined.Load() != 10 {
			t.Errorf("%d of 10 got the next read", joined.Load())
		}
		p.WantReads(t, 5, 0)
	})
}

func TestCatalogueMaxAge(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		leadtest.Pass(9 * time.Second)
		leadtest.WantAnswer(t, c, leadtest.MaxAge(10*time.Second), "read 1 cached in 0s")
		leadtest.WantAnswer(t, c, leadtest.MaxAge(10*time.Second-1), "read 2 calls 3 in 1s")
		leadtest.Pass(leadtest.TTL)
		// It limits the age; it does not extend the TTL.
		leadtest.WantAnswer(t, c, leadtest.MaxAge(time.Hour), "read 2 cached in 0s")
		leadtest.Pass(leadtest.ReadTime)
		p.WantReads(t, 3, 0)

		// The request joins a running refresh that began late enough.
		leadtest.Pass(20 * time.Second)
		var callers sync.WaitGroup
		callers.Go(func() { leadtest.WantAnswer(t, c, leadtest.NoCache, "read 4 calls 3 in 1s") })
		leadtest.Pass(leadtest.ReadTime / 2)
		callers.Go(func() { leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.ReadTime/2), "read 4 in 500ms") })
		leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.ReadTime/2-1), "read 5 calls 3 in 1.5s")
		callers.Wait()
	})
}

func TestCatalogueCallersLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		brief, cancel := context.WithCancel(t.Context())
		time.AfterFunc(leadtest.ReadTime/2, cancel)
		var callers sync.WaitGroup
		callers.Go(func() {
			if got := leadtest.Answer(brief, c, leadtest.Whatever); got != "error context canceled in 500ms" {
				t.Error(got)
			}
		})
		synctest.Wait()
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 in 1s") // the caller that started it has left
		callers.Wait()
		p.WantReads(t, 1, 0)

		brief, cancel = context.WithCancel(t.Context())
		time.AfterFunc(leadtest.ReadTime/2, cancel)
		if got := leadtest.Answer(brief, c, leadtest.NoCache); got != "error context canceled in 500ms" {
			t.Error(got)
		}
		leadtest.Pass(leadtest.ReadTime / 2)
		p.WantReads(t, 2, 0) // although nobody waits for it any more
		leadtest.WantAnswer(t, c, leadtest.MaxAge(leadtest.ReadTime), "read 2 cached in 0s")
	})
}

// A request that runs out of time is told to come back before its time is over, and the
// read goes on. Whoever demands a read of its own waits for two.
func TestCatalogueOutlastsItsCallersPatience(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		brief := func(want lead.Freshness, retryAfter time.Duration) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), leadtest.ReadTime/2)
			defer cancel()
			if got := leadtest.Answer(ctx, c, want); got != stillReading {
				t.Error(got)
			}
			_, _, err := c.Snapshot(ctx, want)
			if source, ok := errors.AsType[*lead.SourceError](err); !ok || source.RetryAfter != retryAfter {
				t.Errorf("got %#v, want to come back after %v", err, retryAfter)
			}
		}
		brief(leadtest.Whatever, time.Second)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 in 500ms") // the same read went on
		go func() { _, _, _ = c.Snapshot(t.Context(), leadtest.NoCache) }()
		synctest.Wait()
		brief(leadtest.NoCache, time.Second) // behind the one that runs
		leadtest.Pass(leadtest.ReadTime)
		p.WantReads(t, 2, 0)
	})
}

// How long to wait is estimated from the last read.
func TestCatalogueEstimatesItsReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &slow{takes: 20 * time.Second}
		c := catalogue.New(p, catalogue.Options{})
		defer c.Close()
		wants := func(seconds ...int) {
			t.Helper()
			for _, want := range seconds {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, _, err := c.Snapshot(ctx, leadtest.Whatever)
				cancel()
				source, ok := errors.AsType[*lead.SourceError](err)
				if !ok || source.Kind != lead.FailureTimeout || source.RetryAfter.Round(time.Second) != time.Duration(want)*time.Second {
					t.Errorf("got %#v, want %d s", err, want)
				}
			}
		}
		wants(5, 9, 14) // as long as it has taken
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 in 6.5s")
		leadtest.Pass(time.Hour)
		wants(16, 11, 7)
		c.Close()
		if p.reads != 2 {
			t.Errorf("%d reads", p.reads)
		}
	})
}

// stillReading is the Answer to a request that has half of ReadTime.
const stillReading = "error upstream: timeout: the leads are still being read: context deadline exceeded in 500ms"

func TestCatalogueIsNotForThoseWhoAreDenied(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		leadtest.Pass(leadtest.TTL + leadtest.Revalidate)
		p.Fail(&lead.SourceError{Kind: lead.FailureAuth, Err: errors.New("no token")})
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 stale calls 2 in 1s")
		leadtest.Pass(time.Minute)
		p.Fail(&lead.SourceError{Kind: lead.FailureAuth, Status: 403})
		leadtest.WantAnswer(t, c, leadtest.Whatever, "error upstream: authentication failed (status 403) calls 2 in 1s")
		leadtest.WantAnswer(t, c, leadtest.Whatever, "error upstream: authentication failed (status 403) cached in 0s")
		p.Fail(nil)
		leadtest.Pass(time.Minute)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 4 calls 3 in 1s")
	})
}

// TestCatalogueAnswersInTime checks that a request gets stale leads before its time
// is over, if it accepts them.
func TestCatalogueAnswersInTime(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		ask := func(want lead.Freshness) string {
			brief, cancel := context.WithTimeout(t.Context(), leadtest.ReadTime/2)
			defer cancel()
			return leadtest.Answer(brief, c, want)
		}
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		leadtest.Pass(leadtest.TTL + leadtest.Revalidate)
		if got := ask(leadtest.Whatever); got != "read 1 stale in 400ms" {
			t.Error(got)
		}
		if got := ask(leadtest.NoCache); got != stillReading {
			t.Error(got)
		}
		leadtest.Pass(leadtest.ReadTime)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 2 cached in 0s") // the read went on
		leadtest.Pass(leadtest.IfError)
		if got := ask(leadtest.Whatever); got != stillReading {
			t.Error(got)
		}
		p.WantReads(t, 3, 0)
	})
}

func TestCatalogueBackgroundRefreshStays(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		leadtest.Pass(leadtest.TTL)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
		brief, cancel := context.WithTimeout(t.Context(), leadtest.ReadTime/2)
		defer cancel()
		if got := leadtest.Answer(brief, c, leadtest.MaxAge(time.Second)); got != stillReading {
			t.Error(got)
		}
		leadtest.Pass(leadtest.ReadTime)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 2 cached in 0s")
		p.WantReads(t, 2, 0)
	})
}

func TestCatalogueStaleIfError(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		p.Fail(leadtest.ErrDown)
		leadtest.Pass(leadtest.TTL)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 cached in 0s")
		leadtest.Pass(leadtest.ReadTime) // the background refresh has failed: now it is known to be stale
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 stale cached in 0s")
		if !c.Failing() {
			t.Error("Failing() = false after a failure")
		}

		leadtest.Pass(leadtest.Revalidate)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 stale calls 2 in 1s")
		// A request that refuses stale data gets none.
		leadtest.WantAnswer(t, c, leadtest.MaxAge(time.Minute), "error upstream: unavailable (status 503) cached in 0s")
		leadtest.WantAnswer(t, c, leadtest.NoCache, "error upstream: unavailable (status 503) calls 2 in 1s")

		leadtest.Pass(leadtest.IfError - 95*time.Second)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 stale calls 2 in 1s") // at its maximum age
		leadtest.Pass(time.Nanosecond)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "error upstream: unavailable (status 503) cached in 0s")

		p.Fail(nil)
		leadtest.WantAnswer(t, c, leadtest.NoCache, "read 6 calls 3 in 1s")
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 6 cached in 0s")
		if c.Failing() {
			t.Error("Failing() = true after a success")
		}
	})
}

func TestCatalogueBacksOff(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		p.Fail(leadtest.ErrDown)
		const failed = "error upstream: unavailable (status 503)"
		for i, pause := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			leadtest.WantAnswer(t, c, leadtest.Whatever, failed+" calls 2 in 1s")
			leadtest.Pass(pause*time.Second - 1)
			leadtest.WantAnswer(t, c, leadtest.Whatever, failed+" cached in 0s")
			p.WantReads(t, i+1, 0)
			leadtest.Pass(1)
		}
		p.Fail(nil)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 8 calls 3 in 1s")
		p.Fail(leadtest.ErrDown)
		leadtest.WantAnswer(t, c, leadtest.NoCache, failed+" calls 2 in 1s")
		leadtest.Pass(leadtest.TTL + leadtest.Revalidate)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 8 stale calls 2 in 1s") // after a success the pauses start again at the shortest
		leadtest.Pass(2 * time.Second)
		p.Fail(nil)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 11 calls 3 in 1s")
	})
}

func TestCatalogueHeedsRetryAfter(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		p.Fail(&lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 10 * time.Second})
		leadtest.WantAnswer(t, c, leadtest.Whatever, "error upstream: rate limited calls 2 in 1s")
		leadtest.Pass(10*time.Second - 1)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "error upstream: rate limited cached in 0s")
		p.Fail(&lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 24 * time.Hour})
		leadtest.Pass(1)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "error upstream: rate limited calls 2 in 1s")
		p.Fail(nil)
		leadtest.Pass(30 * time.Second)
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 3 calls 3 in 1s")
	})
}

func TestCatalogueKindsOfFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(p *leadtest.Platform, opts *catalogue.Options)
		want   string
	}{
		"incomplete": {
			func(p *leadtest.Platform, _ *catalogue.Options) { p.Incomplete = true },
			"error upstream: bad response: the end of the list of leads was not reached calls 3 in 1s",
		},
		"too slow": {
			func(_ *leadtest.Platform, opts *catalogue.Options) { opts.RefreshTimeout = leadtest.ReadTime / 2 },
			"error upstream: timeout: context deadline exceeded calls 1 in 500ms",
		},
		"unclassified": {
			func(p *leadtest.Platform, _ *catalogue.Options) { p.Err = errors.New("odd") },
			"error upstream: unavailable: odd calls 2 in 1s",
		},
		"panic": {
			func(p *leadtest.Platform, _ *catalogue.Options) { p.Crash = true },
			"error panic in 1s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, opts := &leadtest.Platform{}, leadtest.Options()
				c.change(p, &opts)
				catalogue := catalogue.New(p, opts)
				defer catalogue.Close()
				leadtest.WantAnswer(t, catalogue, leadtest.Whatever, c.want)
				p.Set(func(p *leadtest.Platform) { p.Incomplete, p.Crash, p.Err = false, false, nil })
				if got := leadtest.Answer(t.Context(), catalogue, leadtest.Whatever); !strings.HasPrefix(got, "error") {
					t.Errorf("no pause after the failure: %s", got)
				}
			})
		})
	}
}

func TestCatalogueJitter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		random float64
		fresh  time.Duration
	}{{0, leadtest.TTL * 9 / 10}, {0.5, leadtest.TTL}, {0.75, leadtest.TTL * 105 / 100}} {
		opts := leadtest.Options()
		opts.Jitter, opts.Rand = 0.1, func() float64 { return c.random }
		inBubble(t, opts, func(t *testing.T, catalogue *catalogue.Catalogue, p *leadtest.Platform) {
			leadtest.WantAnswer(t, catalogue, leadtest.Whatever, "read 1 calls 3 in 1s")
			leadtest.Pass(c.fresh - leadtest.ReadTime - time.Microsecond)
			leadtest.WantAnswer(t, catalogue, leadtest.Whatever, "read 1 cached in 0s")
			synctest.Wait()
			p.WantReads(t, 1, 0)
			leadtest.Pass(2 * time.Microsecond)
			leadtest.WantAnswer(t, catalogue, leadtest.Whatever, "read 1 cached in 0s")
			synctest.Wait()
			p.WantReads(t, 2, 0)
		})
	}
}

func TestCatalogueTellsOfSnapshots(t *testing.T) {
	t.Parallel()
	var told []string
	var log bytes.Buffer
	opts := leadtest.Options()
	opts.OnPublish = func(_ context.Context, s *catalogue.Snapshot) { told = append(told, s.All()[0].ID) }
	opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	inBubble(t, opts, func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		leadtest.WantAnswer(t, c, leadtest.Whatever, "read 1 calls 3 in 1s")
		p.Set(func(p *leadtest.Platform) { p.Crash = true })
		leadtest.WantAnswer(t, c, leadtest.NoCache, "error panic in 1s")
		p.Set(func(p *leadtest.Platform) { p.Crash = false })
		leadtest.WantAnswer(t, c, leadtest.NoCache, "read 3 calls 3 in 1s")
	})
	if fmt.Sprint(told) != "[1 3]" {
		t.Errorf("OnRefresh was called with %v", told)
	}
	if text := log.String(); strings.Count(text, "\n") != 3 || !strings.Contains(text, "AllLeads") || strings.Contains(text, "Levi") {
		t.Errorf("log:\n%s", text)
	}
}

func TestCatalogueClose(t *testing.T) {
	t.Parallel()
	inBubble(t, leadtest.Options(), func(t *testing.T, c *catalogue.Catalogue, p *leadtest.Platform) {
		const closed = "error upstream: unavailable: catalogue is closed"
		var callers sync.WaitGroup
		callers.Go(func() { leadtest.WantAnswer(t, c, leadtest.Whatever, closed+" calls 1 in 500ms") })
		leadtest.Pass(leadtest.ReadTime / 4)
		callers.Go(func() { leadtest.WantAnswer(t, c, leadtest.NoCache, closed+" in 250ms") }) // waits for the next refresh
		leadtest.Pass(leadtest.ReadTime / 4)
		c.Close()
		callers.Wait()
		p.WantReads(t, 1, 1)
		leadtest.WantAnswer(t, c, leadtest.Whatever, closed+" cached in 0s")
		c.Close()
	})
}

// Callers of all kinds join and leave while snapshots are replaced. The test is meant
// for the race detector.
func TestCatalogueUnderLoad(t *testing.T) {
	t.Parallel()
	opts := leadtest.Options()
	opts.TTL, opts.StaleWhileRevalidate = 3*leadtest.ReadTime, 2*leadtest.ReadTime
	inBubble(t, opts, func(t *testing.T, c *catalogue.Catalogue, _ *leadtest.Platform) {
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				for j := range 50 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i*j)%3000)*time.Millisecond)
					want := []lead.Freshness{leadtest.Whatever, leadtest.MaxAge(2 * time.Second), leadtest.NoCache}[(i+j)%3]
					s, _, err := c.Snapshot(ctx, want)
					cancel()
					if err == nil && s.Select(&lead.Filter{Search: "x"}, lead.Order{Field: lead.OrderStatus}).Total() != 0 {
						t.Error("matched")
					}
					<-time.After(time.Duration(1+(i+j)%700) * time.Millisecond)
				}
			})
		}
		callers.Wait()
	})
}
