package guard

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBreakerCounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		after  time.Duration
		opens  bool
	}{
		"500": {status: 500, opens: true}, "502": {status: 502, opens: true}, "503": {status: 503, opens: true},
		"connection": {opens: true}, "time-out": {status: 200, after: time.Hour, opens: true},
		"200": {status: 200}, "400": {status: 400}, "401": {status: 401}, "403": {status: 403}, "404": {status: 404}, "429": {status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &patient{}
				g := over(p, nil)
				p.set(http.StatusOK, 0)
				for range 100 {
					if err := ask(t.Context(), g); err != nil {
						t.Fatal(err)
					}
				}
				p.set(test.status, test.after)
				opened := 0
				for n := range 20 {
					if err := ask(t.Context(), g); isOpen(err) {
						opened = n
						break
					}
				}
				if test.opens != (opened > 0) {
					t.Errorf("opened after %d failures", opened)
				}
			})
		})
	}
}

// While the breaker is open, calls fail immediately and say when to retry.
func TestBreakerOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		p.set(http.StatusServiceUnavailable, 0)
		g := over(p, func(o *Options) { o.Retries = 2 })
		var err error
		for !isOpen(err) {
			err = ask(t.Context(), g)
		}
		start, attempts := time.Now(), p.attempts.Load()
		for range 100 {
			err := ask(t.Context(), g)
			source := Failure(err)
			if least, most := time.Second, breakerDelay*5/4; source.RetryAfter < least || source.RetryAfter > most {
				t.Errorf("retry in %v", source.RetryAfter)
			}
		}
		if time.Since(start) != 0 || p.attempts.Load() != attempts {
			t.Errorf("waited %v, made %d attempts", time.Since(start), p.attempts.Load()-attempts)
		}
		if name, retryIn := g.breaker.state(); name != "open" || retryIn <= 0 {
			t.Errorf("the breaker is %s for %v", name, retryIn)
		}
	})
}

// If the requests of one tenant always fail, among requests of others, this neither
// opens the breaker nor keeps it open.
func TestBreakerAndOneBrokenTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		g := over(p, nil)
		random := rand.New(rand.NewPCG(1, 2))
		mixed := func() (int, time.Duration) {
			if random.IntN(10) < 3 {
				return http.StatusInternalServerError, time.Millisecond
			}
			return http.StatusOK, time.Millisecond
		}
		p.answer = mixed
		for n := range 10_000 {
			if err := ask(t.Context(), g); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		for range 10 {
			p.set(http.StatusInternalServerError, 0)
			trip(t, g)
			turn := 0
			p.answer = func() (int, time.Duration) { // every third call is for the broken tenant
				if turn++; turn%3 == 0 {
					return http.StatusInternalServerError, time.Millisecond
				}
				return http.StatusOK, time.Millisecond
			}
			closesWithin(t, g, 10*time.Second)
		}
	})
}

// Calls that began before the breaker opened may end while it probes. Their results
// do not count.
func TestBreakerAndCallsFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		g := over(p, nil)
		var before sync.WaitGroup
		p.set(http.StatusOK, time.Hour)
		for range 10 {
			before.Go(func() { _ = ask(t.Context(), g) }) // takes 3 s
		}
		synctest.Wait()
		p.set(http.StatusInternalServerError, 0)
		trip(t, g)
		<-time.After(2600 * time.Millisecond)
		p.set(http.StatusOK, 500*time.Millisecond)
		for probe := range probeSuccesses {
			if err := ask(t.Context(), g); err != nil {
				t.Errorf("probe %d: %v", probe, err)
			}
		}
		before.Wait()
		if name, _ := g.breaker.state(); name != "closed" {
			t.Errorf("the breaker is %s", name)
		}
	})
}

func TestBreakerCloses(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"it failed at once": 0, "it was too slow": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for outage := range 7 {
					p := &patient{}
					var log bytes.Buffer
					g := over(p, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
					p.set(http.StatusInternalServerError, after)
					var calls sync.WaitGroup
					start := time.Now()
					// Some calls that begin in the outage end after it.
					for time.Since(start) < 20*time.Second+time.Duration(outage)*500*time.Millisecond {
						calls.Go(func() { _ = ask(t.Context(), g) })
						<-time.After(200 * time.Millisecond)
					}
					if g.breaker.closed.Load() {
						t.Fatal("the breaker is closed in the outage")
					}
					if made := p.attempts.Load(); made > breakerFailures+15+20*probeCount { // 15 were under way
						t.Errorf("%d attempts in the outage", made)
					}
					p.set(http.StatusOK, 20*time.Millisecond)
					closesWithin(t, g, 10*time.Second)
					calls.Wait()
					if !g.breaker.circuit.IsClosed() {
						t.Error("calls from before opened it again")
					}
					if lines := strings.Count(log.String(), "\n"); lines != 2 {
						t.Errorf("the log has %d lines:\n%s", lines, log.String())
					}
				}
			})
		})
	}
}

// A caller that leaves or panics does not use up a probe.
func TestBreakerAndProbesThatTellNothing(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]func(ctx context.Context, g *Guard){
		"left": func(ctx context.Context, g *Guard) {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			_ = ask(ctx, g)
		},
		"panic": func(ctx context.Context, g *Guard) {
			defer func() { _ = recover() }()
			broken := *g
			broken.send = func(*http.Request, *Call, bool) (*Answer, error) { panic("oops") }
			_ = ask(ctx, &broken)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &patient{}
				p.set(http.StatusInternalServerError, 0)
				g := over(p, nil)
				trip(t, g)
				p.set(http.StatusOK, time.Second)
				for range 20 {
					<-time.After(breakerDelay)
					lost(t.Context(), g)
				}
				closesWithin(t, g, 10*time.Second)
				if s := g.throttle.state(); s.InFlight != 0 || s.Queued != 0 {
					t.Errorf("state is %+v", s)
				}
			})
		})
	}
}

// A half-open breaker lets only as many calls through as it needs.
func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		p.set(http.StatusInternalServerError, 0)
		g := over(p, nil)
		trip(t, g)
		p.set(http.StatusOK, time.Second)
		<-time.After(2 * breakerDelay)
		attempts := p.attempts.Load()
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if err := ask(t.Context(), g); err != nil && Failure(err).RetryAfter != halfOpenWait {
					t.Errorf("error is %v", err)
				}
			})
		}
		synctest.Wait()
		if name, _ := g.breaker.state(); name != "half_open" || p.attempts.Load()-attempts != probeCount {
			t.Errorf("%s: %d probes", name, p.attempts.Load()-attempts)
		}
		calls.Wait()
		if name, _ := g.breaker.state(); name != "closed" {
			t.Errorf("the breaker is %s", name)
		}
	})
}

// A missed deadline of the caller counts against the platform only if it left the
// platform enough time.
func TestBreakerAndCallersDeadlines(t *testing.T) {
	t.Parallel()
	for patience, opens := range map[time.Duration]bool{100 * time.Millisecond: false, 2 * time.Second: true} {
		t.Run(fmt.Sprint(patience), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &patient{}
				p.set(http.StatusOK, time.Hour)
				g := over(p, nil)
				for range 40 {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					_ = ask(ctx, g)
					cancel()
				}
				if opened := !g.breaker.closed.Load(); opened != opens {
					t.Errorf("opened: %v", opened)
				}
			})
		})
	}
}
