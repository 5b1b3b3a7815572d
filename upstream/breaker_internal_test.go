package upstream

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

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	p.attempts.Add(1)
	p.mu.Lock()
	status, after := p.answer()
	p.mu.Unlock()
	ctx := req.Context()
	callFrom(ctx).began = time.Now()
	ctx, cancel := context.WithTimeout(ctx, callFrom(ctx).attemptTimeout)
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
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: req, Body: http.NoBody}, nil
}

func (p *patient) set(status int, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func() (int, time.Duration) { return status, after }
}

// guarded is a chain over a platform, without retries unless there are some.
func guarded(p http.RoundTripper, adjust func(*Options)) *resilientTransport {
	o := Options{Retries: -1}
	if adjust != nil {
		adjust(&o)
	}
	return newResilientTransport(p, o.withDefaults())
}

// ask makes one call. An answer of any status is no error.
func ask(ctx context.Context, rt http.RoundTripper) error {
	call := callSpec{kind: KindLead, attemptTimeout: 3 * time.Second, deadline: time.Now().Add(10 * time.Second)}
	resp, err := rt.RoundTrip((&http.Request{Method: http.MethodGet}).WithContext(withCall(ctx, call)))
	if err != nil {
		return err
	}
	return resp.Body.Close()
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
				rt := guarded(p, nil)
				p.set(http.StatusOK, 0)
				for range 100 {
					if err := ask(t.Context(), rt); err != nil {
						t.Fatal(err)
					}
				}
				p.set(test.status, test.after)
				opened := 0
				for n := range 20 {
					if err := ask(t.Context(), rt); isOpen(err) {
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
		rt := guarded(p, func(o *Options) { o.Retries = 2 })
		var err error
		for !isOpen(err) {
			err = ask(t.Context(), rt)
		}
		start, attempts := time.Now(), p.attempts.Load()
		for range 100 {
			err := ask(t.Context(), rt)
			source := transportFailure(err)
			if least, most := time.Second, breakerDelay*5/4; source.RetryAfter < least || source.RetryAfter > most {
				t.Errorf("come back in %v", source.RetryAfter)
			}
		}
		if time.Since(start) != 0 || p.attempts.Load() != attempts {
			t.Errorf("waited %v, made %d attempts", time.Since(start), p.attempts.Load()-attempts)
		}
		if name, retryIn := rt.breaker.state(); name != "open" || retryIn <= 0 {
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
		rt := guarded(p, nil)
		random := rand.New(rand.NewPCG(1, 2))
		mixed := func() (int, time.Duration) {
			if random.IntN(10) < 3 {
				return http.StatusInternalServerError, time.Millisecond
			}
			return http.StatusOK, time.Millisecond
		}
		p.answer = mixed
		for n := range 10_000 {
			if err := ask(t.Context(), rt); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		for range 10 {
			p.set(http.StatusInternalServerError, 0)
			for rt.breaker.closed.Load() {
				_ = ask(t.Context(), rt)
			}
			turn := 0
			p.answer = func() (int, time.Duration) { // each third is for the broken one
				if turn++; turn%3 == 0 {
					return http.StatusInternalServerError, time.Millisecond
				}
				return http.StatusOK, time.Millisecond
			}
			closesWithin(t, rt, 10*time.Second)
		}
	})
}

// Calls from before the breaker opened end while it probes. They tell nothing.
func TestBreakerAndCallsFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		rt := guarded(p, nil)
		var before sync.WaitGroup
		p.set(http.StatusOK, time.Hour)
		for range 10 {
			before.Go(func() { _ = ask(t.Context(), rt) }) // for 3 s
		}
		synctest.Wait()
		p.set(http.StatusInternalServerError, 0)
		for rt.breaker.closed.Load() {
			_ = ask(t.Context(), rt)
		}
		<-time.After(2600 * time.Millisecond)
		p.set(http.StatusOK, 500*time.Millisecond)
		for probe := range probeSuccesses {
			if err := ask(t.Context(), rt); err != nil {
				t.Errorf("probe %d: %v", probe, err)
			}
		}
		before.Wait()
		if name, _ := rt.breaker.state(); name != "closed" {
			t.Errorf("the breaker is %s", name)
		}
	})
}

// closesWithin calls ten times a second and expects the breaker to close.
func closesWithin(t *testing.T, rt *resilientTransport, limit time.Duration) {
	t.Helper()
	var calls sync.WaitGroup
	defer calls.Wait()
	start := time.Now()
	for !rt.breaker.circuit.IsClosed() {
		if time.Since(start) > limit {
			t.Errorf("not closed after %v", limit)
			return
		}
		calls.Go(func() { _ = ask(t.Context(), rt) })
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
					rt := guarded(p, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
					p.set(http.StatusInternalServerError, after)
					var calls sync.WaitGroup
					start := time.Now()
					// Some calls of the outage end after it.
					for time.Since(start) < 20*time.Second+time.Duration(outage)*500*time.Millisecond {
						calls.Go(func() { _ = ask(t.Context(), rt) })
						<-time.After(200 * time.Millisecond)
					}
					if rt.breaker.closed.Load() {
						t.Fatal("it is closed in the outage")
					}
					if made := p.attempts.Load(); made > breakerFailures+15+20*probeCount { // 15 were under way
						t.Errorf("%d attempts in the outage", made)
					}
					p.set(http.StatusOK, 20*time.Millisecond)
					closesWithin(t, rt, 10*time.Second)
					calls.Wait()
					if !rt.breaker.circuit.IsClosed() {
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
	for name, lost := range map[string]func(ctx context.Context, rt http.RoundTripper){
		"left": func(ctx context.Context, rt http.RoundTripper) {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			_ = ask(ctx, rt)
		},
		"panic": func(ctx context.Context, rt http.RoundTripper) {
			defer func() { _ = recover() }()
			_ = ask(ctx, &panicking{rt.(*resilientTransport)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &patient{}
				p.set(http.StatusInternalServerError, 0)
				rt := guarded(p, nil)
				for rt.breaker.closed.Load() {
					_ = ask(t.Context(), rt)
				}
				p.set(http.StatusOK, time.Second)
				for range 20 {
					<-time.After(breakerDelay)
					lost(t.Context(), rt)
				}
				closesWithin(t, rt, 10*time.Second)
				if s := rt.limits.state(); s.InFlight != 0 || s.Queued != 0 {
					t.Errorf("state is %+v", s)
				}
			})
		})
	}
}

// panicking lets whoever reads the answer panic.
type panicking struct{ *resilientTransport }

func (p *panicking) RoundTrip(req *http.Request) (*http.Response, error) {
	chain := *p.resilientTransport
	chain.next = brokenReader{}
	return chain.RoundTrip(req)
}

type brokenReader struct{}

func (brokenReader) RoundTrip(*http.Request) (*http.Response, error) { panic("oops") }

// Half open, the breaker lets no more through than it needs.
func TestBreakerProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		p.set(http.StatusInternalServerError, 0)
		rt := guarded(p, nil)
		for rt.breaker.closed.Load() {
			_ = ask(t.Context(), rt)
		}
		p.set(http.StatusOK, time.Second)
		<-time.After(2 * breakerDelay)
		attempts := p.attempts.Load()
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if err := ask(t.Context(), rt); err != nil && transportFailure(err).RetryAfter != halfOpenWait {
					t.Errorf("error is %v", err)
				}
			})
		}
		synctest.Wait()
		if name, _ := rt.breaker.state(); name != "half_open" || p.attempts.Load()-attempts != probeCount {
			t.Errorf("%s: %d probes", name, p.attempts.Load()-attempts)
		}
		calls.Wait()
		if name, _ := rt.breaker.state(); name != "closed" {
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
				rt := guarded(p, nil)
				for range 40 {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					_ = ask(ctx, rt)
					cancel()
				}
				if opened := !rt.breaker.closed.Load(); opened != opens {
					t.Errorf("opened: %v", opened)
				}
			})
		})
	}
}
