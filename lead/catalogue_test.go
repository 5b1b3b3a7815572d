package lead_test

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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ttl      = 60 * time.Second
	swr      = 30 * time.Second
	sie      = 10 * time.Minute
	readTime = time.Second
)

// platform answers one lead whose id is the number of the read, after readTime.
type platform struct {
	mu         sync.Mutex
	reads      int
	running    int
	cancelled  int
	err        error
	incomplete bool
	crash      bool
}

func (p *platform) AllLeads(ctx context.Context, _ time.Time) (lead.Reading, error) {
	p.mu.Lock()
	p.reads++
	read := p.reads
	p.running++
	if p.running > 1 {
		panic("two refreshes at a time")
	}
	p.mu.Unlock()
	timer := time.NewTimer(readTime)
	defer timer.Stop()
	defer func() {
		p.mu.Lock()
		p.running--
		p.mu.Unlock()
	}()
	select {
	case <-timer.C:
	case <-ctx.Done():
		p.mu.Lock()
		p.cancelled++
		p.mu.Unlock()
		return lead.Reading{Calls: 1}, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crash {
		panic("Dana Levi")
	}
	if p.err != nil {
		return lead.Reading{Calls: 2}, p.err
	}
	return lead.Reading{Leads: []*lead.Lead{{ID: fmt.Sprint(read)}}, Complete: !p.incomplete, Calls: 3}, nil
}

func (p *platform) set(change func(p *platform)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *platform) fail(err error) { p.set(func(p *platform) { p.err = err }) }

func (p *platform) wantReads(t *testing.T, reads, cancelled int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads != reads || p.cancelled != cancelled {
		t.Errorf("%d reads, %d of them cancelled, want %d and %d", p.reads, p.cancelled, reads, cancelled)
	}
}

var errDown = &lead.SourceError{Kind: lead.FailureUnavailable, Status: 503}

func options() lead.CatalogueOptions {
	return lead.CatalogueOptions{TTL: ttl, StaleWhileRevalidate: swr, StaleIfError: sie, RefreshTimeout: 20 * time.Second}
}

// inBubble runs the test on a fake clock with a catalogue that is closed after.
func inBubble(t *testing.T, opts lead.CatalogueOptions, test func(t *testing.T, c *lead.Catalogue, p *platform)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &platform{}
		c := lead.NewCatalogue(p, opts)
		defer c.Close()
		test(t, c, p)
	})
}

// answer is what a request got, written on one line: the number of the read, the
// state and how long it took.
func answer(ctx context.Context, c *lead.Catalogue, want lead.Freshness) string {
	begun := time.Now()
	s, state, err := c.Snapshot(ctx, want)
	var text strings.Builder
	if err != nil {
		fmt.Fprintf(&text, "error %v", err)
	} else {
		fmt.Fprintf(&text, "read %s", s.All()[0].ID)
	}
	if state.Stale {
		text.WriteString(" stale")
	}
	if state.FromCache {
		text.WriteString(" cached")
	}
	if state.Calls > 0 {
		fmt.Fprintf(&text, " calls %d", state.Calls)
	}
	fmt.Fprintf(&text, " in %s", time.Since(begun))
	return text.String()
}

func wantAnswer(t *testing.T, c *lead.Catalogue, want lead.Freshness, text string) {
	t.Helper()
	if got := answer(t.Context(), c, want); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

// pass lets fake time go by, and what is under way come to rest.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func maxAge(d time.Duration) lead.Freshness { return lead.Freshness{MaxAge: &d} }

var (
	whatever = lead.Freshness{}
	noCache  = lead.Freshness{NoCache: true}
)

func TestCatalogueAges(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		pass(time.Hour)
		p.wantReads(t, 0, 0) // nobody asked

		begun := time.Now()
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		pass(ttl - readTime) // the age counts from the beginning of the read
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
		synctest.Wait()
		p.wantReads(t, 1, 0)

		pass(time.Nanosecond) // over the TTL: served, and refreshed behind
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
		pass(readTime)
		wantAnswer(t, c, whatever, "read 2 cached in 0s")
		p.wantReads(t, 2, 0)
		s, _, err := c.Snapshot(t.Context(), whatever)
		if err != nil || !s.AsOf().Equal(begun.Add(ttl+1)) {
			t.Errorf("as of %v, %v", s.AsOf(), err)
		}

		pass(ttl + swr - readTime) // the last moment of serving while refreshing
		wantAnswer(t, c, whatever, "read 2 cached in 0s")
		pass(readTime)
		pass(ttl + swr) // past it
		wantAnswer(t, c, whatever, "read 4 calls 3 in 1s")
	})
}

func TestCatalogueOneWalkHoweverManyWait(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		if err := c.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		var callers sync.WaitGroup
		var calls atomic.Int64
		for range 1000 {
			callers.Go(func() {
				s, state, err := c.Snapshot(t.Context(), whatever)
				if err != nil || s.All()[0].ID != "2" || state.Stale || state.FromCache {
					t.Errorf("got %+v, %v", state, err)
				}
				calls.Add(int64(state.Calls))
			})
		}
		callers.Wait()
		p.wantReads(t, 2, 0)
		if calls.Load() != 3 {
			t.Errorf("the callers count %d calls, the platform 3", calls.Load())
		}
	})
}

func TestCatalogueNoCache(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		wantAnswer(t, c, noCache, "read 2 calls 3 in 1s")
		wantAnswer(t, c, maxAge(0), "read 3 calls 3 in 1s")

		// A refresh that began before the request is not fresh enough; the next
		// one is, for all who came meanwhile.
		var callers sync.WaitGroup
		callers.Go(func() { wantAnswer(t, c, noCache, "read 4 calls 3 in 1s") })
		pass(readTime / 2)
		var boarded atomic.Int64
		for range 10 {
			callers.Go(func() {
				if strings.HasPrefix(answer(t.Context(), c, noCache), "read 5") {
					boarded.Add(1)
				}
			})
		}
		wantAnswer(t, c, whatever, "read 3 cached in 0s")
		callers.Wait()
		if boarded.Load() != 10 {
			t.Errorf("%d of 10 got the next read", boarded.Load())
		}
		p.wantReads(t, 5, 0)
	})
}

func TestCatalogueMaxAge(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		pass(9 * time.Second)
		wantAnswer(t, c, maxAge(10*time.Second), "read 1 cached in 0s")
		wantAnswer(t, c, maxAge(10*time.Second-1), "read 2 calls 3 in 1s")
		pass(ttl)
		// It bounds the age, it does not extend the TTL.
		wantAnswer(t, c, maxAge(time.Hour), "read 2 cached in 0s")
		pass(readTime)
		p.wantReads(t, 3, 0)

		// A refresh under way is joined if it began late enough.
		pass(20 * time.Second)
		var callers sync.WaitGroup
		callers.Go(func() { wantAnswer(t, c, noCache, "read 4 calls 3 in 1s") })
		pass(readTime / 2)
		callers.Go(func() { wantAnswer(t, c, maxAge(readTime/2), "read 4 in 500ms") })
		wantAnswer(t, c, maxAge(readTime/2-1), "read 5 calls 3 in 1.5s")
		callers.Wait()
	})
}

func TestCatalogueCallersLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		brief, cancel := context.WithCancel(t.Context())
		time.AfterFunc(readTime/2, cancel)
		var callers sync.WaitGroup
		callers.Go(func() {
			if got := answer(brief, c, whatever); got != "error context canceled in 500ms" {
				t.Error(got)
			}
		})
		synctest.Wait()
		wantAnswer(t, c, whatever, "read 1 in 1s") // the one who began it has left
		callers.Wait()
		p.wantReads(t, 1, 0)

		brief, cancel = context.WithCancel(t.Context())
		time.AfterFunc(readTime/2, cancel)
		if got := answer(brief, c, noCache); got != "error context canceled in 500ms" {
			t.Error(got)
		}
		synctest.Wait()
		p.wantReads(t, 2, 1) // nobody wants it any more

		pass(time.Hour)
		wantAnswer(t, c, whatever, "read 3 calls 3 in 1s") // leaving is no failure: no pause
	})
}

func TestCatalogueOutlastsItsCallersPatience(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		brief, cancel := context.WithTimeout(t.Context(), readTime/2)
		defer cancel()
		if got := answer(brief, c, whatever); got != "error context deadline exceeded in 500ms" {
			t.Error(got)
		}
		wantAnswer(t, c, whatever, "read 1 in 500ms") // the same reading went on
		p.wantReads(t, 1, 0)
	})
}

func TestCatalogueIsNotForThoseWhoAreDenied(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		pass(ttl + swr)
		p.fail(&lead.SourceError{Kind: lead.FailureAuth, Err: errors.New("no token")})
		wantAnswer(t, c, whatever, "read 1 stale calls 2 in 1s")
		pass(time.Minute)
		p.fail(&lead.SourceError{Kind: lead.FailureAuth, Status: 403})
		wantAnswer(t, c, whatever, "error upstream: authentication failed (status 403) calls 2 in 1s")
		wantAnswer(t, c, whatever, "error upstream: authentication failed (status 403) cached in 0s")
		p.fail(nil)
		pass(time.Minute)
		wantAnswer(t, c, whatever, "read 4 calls 3 in 1s")
	})
}

// TestCatalogueAnswersInTime: leads that may stand in are given before the time of
// the request is over.
func TestCatalogueAnswersInTime(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		ask := func(want lead.Freshness) string {
			brief, cancel := context.WithTimeout(t.Context(), readTime/2)
			defer cancel()
			return answer(brief, c, want)
		}
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		pass(ttl + swr)
		if got := ask(whatever); got != "read 1 stale in 400ms" {
			t.Error(got)
		}
		if got := ask(noCache); got != "error context deadline exceeded in 500ms" {
			t.Error(got)
		}
		pass(readTime)
		wantAnswer(t, c, whatever, "read 2 cached in 0s") // the reading went on
		pass(sie)
		if got := ask(whatever); got != "error context deadline exceeded in 500ms" {
			t.Error(got)
		}
		p.wantReads(t, 3, 0)
	})
}

func TestCatalogueBackgroundRefreshStays(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		pass(ttl)
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
		brief, cancel := context.WithTimeout(t.Context(), readTime/2)
		defer cancel()
		if got := answer(brief, c, maxAge(time.Second)); got != "error context deadline exceeded in 500ms" {
			t.Error(got)
		}
		pass(readTime)
		wantAnswer(t, c, whatever, "read 2 cached in 0s")
		p.wantReads(t, 2, 0)
	})
}

func TestCatalogueStaleIfError(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		p.fail(errDown)
		pass(ttl)
		wantAnswer(t, c, whatever, "read 1 cached in 0s")
		pass(readTime) // the background refresh has failed: now it is known to be stale
		wantAnswer(t, c, whatever, "read 1 stale cached in 0s")
		if !c.Failing() {
			t.Error("it does not say that it fails")
		}

		pass(swr)
		wantAnswer(t, c, whatever, "read 1 stale calls 2 in 1s")
		// Who refuses old data is not given any.
		wantAnswer(t, c, maxAge(time.Minute), "error upstream: unavailable (status 503) cached in 0s")
		wantAnswer(t, c, noCache, "error upstream: unavailable (status 503) calls 2 in 1s")

		pass(sie - 95*time.Second)
		wantAnswer(t, c, whatever, "read 1 stale calls 2 in 1s") // at its greatest age
		pass(time.Nanosecond)
		wantAnswer(t, c, whatever, "error upstream: unavailable (status 503) cached in 0s")

		p.fail(nil)
		wantAnswer(t, c, noCache, "read 6 calls 3 in 1s")
		wantAnswer(t, c, whatever, "read 6 cached in 0s")
		if c.Failing() {
			t.Error("it still says that it fails")
		}
	})
}

func TestCatalogueBacksOff(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		p.fail(errDown)
		const failed = "error upstream: unavailable (status 503)"
		for i, pause := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			wantAnswer(t, c, whatever, failed+" calls 2 in 1s")
			pass(pause*time.Second - 1)
			wantAnswer(t, c, whatever, failed+" cached in 0s")
			p.wantReads(t, i+1, 0)
			pass(1)
		}
		p.fail(nil)
		wantAnswer(t, c, whatever, "read 8 calls 3 in 1s")
		p.fail(errDown)
		wantAnswer(t, c, noCache, failed+" calls 2 in 1s")
		pass(ttl + swr)
		wantAnswer(t, c, whatever, "read 8 stale calls 2 in 1s") // a success starts the pauses anew
		pass(2 * time.Second)
		p.fail(nil)
		wantAnswer(t, c, whatever, "read 11 calls 3 in 1s")
	})
}

func TestCatalogueHeedsRetryAfter(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		p.fail(&lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 10 * time.Second})
		wantAnswer(t, c, whatever, "error upstream: rate limited calls 2 in 1s")
		pass(10*time.Second - 1)
		wantAnswer(t, c, whatever, "error upstream: rate limited cached in 0s")
		p.fail(&lead.SourceError{Kind: lead.FailureRateLimited, RetryAfter: 24 * time.Hour})
		pass(1)
		wantAnswer(t, c, whatever, "error upstream: rate limited calls 2 in 1s")
		p.fail(nil)
		pass(30 * time.Second)
		wantAnswer(t, c, whatever, "read 3 calls 3 in 1s")
	})
}

func TestCatalogueKindsOfFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(p *platform, opts *lead.CatalogueOptions)
		want   string
	}{
		"incomplete": {
			func(p *platform, _ *lead.CatalogueOptions) { p.incomplete = true },
			"error upstream: bad response: the end of the list of leads was not reached calls 3 in 1s",
		},
		"too slow": {
			func(_ *platform, opts *lead.CatalogueOptions) { opts.RefreshTimeout = readTime / 2 },
			"error upstream: timeout: context deadline exceeded calls 1 in 500ms",
		},
		"unclassified": {
			func(p *platform, _ *lead.CatalogueOptions) { p.err = errors.New("odd") },
			"error upstream: unavailable: odd calls 2 in 1s",
		},
		"panic": {
			func(p *platform, _ *lead.CatalogueOptions) { p.crash = true },
			"error panic with a string in 1s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, opts := &platform{}, options()
				c.change(p, &opts)
				catalogue := lead.NewCatalogue(p, opts)
				defer catalogue.Close()
				wantAnswer(t, catalogue, whatever, c.want)
				p.set(func(p *platform) { p.incomplete, p.crash, p.err = false, false, nil })
				if got := answer(t.Context(), catalogue, whatever); !strings.HasPrefix(got, "error") {
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
	}{{0, ttl * 9 / 10}, {0.5, ttl}, {0.75, ttl * 105 / 100}} {
		opts := options()
		opts.Jitter, opts.Rand = 0.1, func() float64 { return c.random }
		inBubble(t, opts, func(t *testing.T, catalogue *lead.Catalogue, p *platform) {
			wantAnswer(t, catalogue, whatever, "read 1 calls 3 in 1s")
			pass(c.fresh - readTime - time.Microsecond)
			wantAnswer(t, catalogue, whatever, "read 1 cached in 0s")
			synctest.Wait()
			p.wantReads(t, 1, 0)
			pass(2 * time.Microsecond)
			wantAnswer(t, catalogue, whatever, "read 1 cached in 0s")
			synctest.Wait()
			p.wantReads(t, 2, 0)
		})
	}
}

func TestCatalogueTellsOfSnapshots(t *testing.T) {
	t.Parallel()
	var told []string
	var log bytes.Buffer
	opts := options()
	opts.OnPublish = func(s *lead.Snapshot) { told = append(told, s.All()[0].ID) }
	opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	inBubble(t, opts, func(t *testing.T, c *lead.Catalogue, p *platform) {
		wantAnswer(t, c, whatever, "read 1 calls 3 in 1s")
		p.set(func(p *platform) { p.crash = true })
		wantAnswer(t, c, noCache, "error panic with a string in 1s")
		p.set(func(p *platform) { p.crash = false })
		wantAnswer(t, c, noCache, "read 3 calls 3 in 1s")
	})
	if fmt.Sprint(told) != "[1 3]" {
		t.Errorf("told of %v", told)
	}
	if text := log.String(); strings.Count(text, "\n") != 3 || !strings.Contains(text, "AllLeads") || strings.Contains(text, "Levi") {
		t.Errorf("log:\n%s", text)
	}
}

func TestCatalogueClose(t *testing.T) {
	t.Parallel()
	inBubble(t, options(), func(t *testing.T, c *lead.Catalogue, p *platform) {
		const closed = "error upstream: unavailable: catalogue is closed"
		var callers sync.WaitGroup
		callers.Go(func() { wantAnswer(t, c, whatever, closed+" calls 1 in 500ms") })
		pass(readTime / 4)
		callers.Go(func() { wantAnswer(t, c, noCache, closed+" in 250ms") }) // waits for the next
		pass(readTime / 4)
		c.Close()
		callers.Wait()
		p.wantReads(t, 1, 1)
		wantAnswer(t, c, whatever, closed+" cached in 0s")
		c.Close()
	})
}

// Callers of all kinds come and go while snapshots are replaced; meant for the
// race detector.
func TestCatalogueUnderLoad(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.TTL, opts.StaleWhileRevalidate = 3*readTime, 2*readTime
	inBubble(t, opts, func(t *testing.T, c *lead.Catalogue, _ *platform) {
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				for j := range 50 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i*j)%3000)*time.Millisecond)
					want := []lead.Freshness{whatever, maxAge(2 * time.Second), noCache}[(i+j)%3]
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
