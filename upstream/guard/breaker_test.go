package guard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a platform that answers after a time; how is asked for each
// attempt. Status 0 is a broken connection.
type patient struct {
	attempts atomic.Int32

	mu     sync.Mutex
	answer func() (status int, after time.Duration)
}

func (p *patient) attempt(req *http.Request, call *Call, _ bool) (*Answer, error) {
	p.attempts.Add(1)
	p.mu.Lock()
	status, after := p.answer()
	p.mu.Unlock()
	ctx := req.Context()
	ctx, cancel := context.WithTimeout(ctx, call.AttemptTimeout)
	defer cancel()
	select {
	case <-time.After(after):
	case <-ctx.Done():
		if req.Context().Err() == nil {
			return nil, errAttemptTimeout
		}
		return nil, ctx.Err()
	}
	if status == 0 {
		return nil, errors.New("connection broken")
	}
	return &Answer{Status: status, Header: http.Header{}}, nil
}

func (p *patient) set(status int, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func() (int, time.Duration) { return status, after }
}

// testOptions are like those of a client with its defaults.
func testOptions() Options {
	return Options{
		Timeout: 10 * time.Second, OnlineTimeout: 10 * time.Second, MaxConcurrent: 64, MaxOnline: 4, Retries: 2,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// over returns a guard of a platform, without retries unless there are some.
func over(p *patient, adjust func(*Options)) *Guard {
	o := testOptions()
	o.Retries = 0
	if adjust != nil {
		adjust(&o)
	}
	return newGuard(p.attempt, o)
}

// ask makes one call. An answer of any status is no error.
func ask(ctx context.Context, g *Guard) error {
	call := &Call{Kind: KindLead, AttemptTimeout: 3 * time.Second, Deadline: time.Now().Add(10 * time.Second)}
	_, err := g.Send((&http.Request{Method: http.MethodGet}).WithContext(ctx), call)
	return err
}

// isOpen tells whether the breaker refused the call.
func isOpen(err error) bool {
	_, ok := errors.AsType[*openError](err)
	return ok
}

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

// While the breaker is open calls fail at once, and say when to come back.
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
				t.Errorf("come back in %v", source.RetryAfter)
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

// The request of one tenant may fail for good. Among others, that neither opens
// the breaker nor keeps it open.
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
			for g.breaker.closed.Load() {
				_ = ask(t.Context(), g)
			}
			turn := 0
			p.answer = func() (int, time.Duration) { // each third is for the broken one
				if turn++; turn%3 == 0 {
					return http.StatusInternalServerError, time.Millisecond
				}
				return http.StatusOK, time.Millisecond
			}
			closesWithin(t, g, 10*time.Second)
		}
	})
}

// Calls from before the breaker opened end while it probes. They tell nothing.
func TestBreakerAndCallsFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		g := over(p, nil)
		var before sync.WaitGroup
		p.set(http.StatusOK, time.Hour)
		for range 10 {
			before.Go(func() { _ = ask(t.Context(), g) }) // for 3 s
		}
		synctest.Wait()
		p.set(http.StatusInternalServerError, 0)
		for g.breaker.closed.Load() {
			_ = ask(t.Context(), g)
		}
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

// closesWithin calls ten times a second and expects the breaker to close.
func closesWithin(t *testing.T, g *Guard, limit time.Duration) {
	t.Helper()
	var calls sync.WaitGroup
	defer calls.Wait()
	start := time.Now()
	for !g.breaker.circuit.IsClosed() {
		if time.Since(start) > limit {
			t.Errorf("not closed after %v", limit)
			return
		}
		calls.Go(func() { _ = ask(t.Context(), g) })
		<-time.After(100 * time.Millisecond)
	}
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
					// Some calls of the outage end after it.
					for time.Since(start) < 20*time.Second+time.Duration(outage)*500*time.Millisecond {
						calls.Go(func() { _ = ask(t.Context(), g) })
						<-time.After(200 * time.Millisecond)
					}
					if g.breaker.closed.Load() {
						t.Fatal("it is closed in the outage")
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

// Callers that leave, or panic, take no probe with them.
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
				for g.breaker.closed.Load() {
					_ = ask(t.Context(), g)
				}
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

// Half open, the breaker lets no more through than it needs.
func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		p.set(http.StatusInternalServerError, 0)
		g := over(p, nil)
		for g.breaker.closed.Load() {
			_ = ask(t.Context(), g)
		}
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

// A caller's own deadline shows something of the platform only if it left some
// time.
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
