package guard

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// limiting is a platform that answers 429 until it is told otherwise, and notes when
// attempts began.
type limiting struct {
	mu     sync.Mutex
	header http.Header // of the 429; nil means 200
	began  []time.Time
	took   time.Duration
}

func (l *limiting) attempt(*http.Request, *Call, bool) (*Answer, error) {
	l.mu.Lock()
	l.began = append(l.began, time.Now())
	header := l.header
	l.mu.Unlock()
	<-time.After(l.took)
	if header == nil {
		return &Answer{Status: 200}, nil
	}
	return &Answer{Status: 429, Header: header}, nil
}

func (l *limiting) recover() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.header = nil
}

// after returns how many attempts began later than a moment.
func (l *limiting) after(moment time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, at := range l.began {
		if at.After(moment) {
			n++
		}
	}
	return n
}

func seconds(text string) http.Header { return http.Header{"Retry-After": {text}} }

// closedFor returns how long the gate refuses the call, or 0.
func closedFor(err error) time.Duration {
	if closed, ok := errors.AsType[*gateError](err); ok {
		return closed.retryIn
	}
	return 0
}

// A 429 stops every call of its kind until the wait has passed: the calls that wait for a
// permit, new ones and retries.
func TestGateStopsAllCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &limiting{header: seconds("5"), took: 100 * time.Millisecond}
		o := testOptions()
		o.MaxConcurrent = 8
		g := newGuard(platform.attempt, o)
		var calls sync.WaitGroup
		begun := time.Now()
		for range 200 {
			calls.Go(func() { _ = ask(t.Context(), g) })
		}
		<-time.After(time.Second)
		for range 40 { // new calls while the gate is closed
			calls.Go(func() { _ = ask(t.Context(), g) })
			<-time.After(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := platform.after(begun); n != 0 {
			t.Errorf("%d calls were sent while the gate was closed", n)
		}
		platform.recover()
		<-time.After(time.Second)
		synctest.Wait()
		if n := platform.after(begun); n == 0 {
			t.Error("no call was sent after the wait")
		}
		calls.Wait()
		for _, at := range platform.began[8:] {
			if wait := at.Sub(begun); wait < 5100*time.Millisecond {
				t.Errorf("a call was sent after %v", wait)
			}
		}
	})
}

// Whoever has less time than the wait learns at once how long to wait.
func TestGateTellsWhoCannotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &limiting{header: seconds("60")}
		g := newGuard(platform.attempt, testOptions())
		_ = ask(t.Context(), g)
		<-time.After(20 * time.Second)
		begun := time.Now()
		left := closedFor(ask(t.Context(), g))
		if left < 40*time.Second || left > 45*time.Second || time.Since(begun) != 0 {
			t.Errorf("refused for %v after %v", left, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Send(get(ctx), &Call{Kind: KindLead, AttemptTimeout: time.Second}); closedFor(err) == 0 {
			t.Errorf("with the caller's deadline: %v", err)
		}
		if failure := Failure(&gateError{time.Minute}); failure.Kind.String() != "rate limited" || failure.RetryAfter != time.Minute {
			t.Errorf("shown as %+v", failure)
		}
		if len(platform.began) != 1 {
			t.Errorf("%d calls, want 1", len(platform.began))
		}
	})
}

// After the wait a few calls find out whether the platform accepts calls again.
func TestGateOpensWithProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &limiting{header: seconds("1"), took: 50 * time.Millisecond}
		o := testOptions()
		o.Retries = 0
		g := newGuard(platform.attempt, o)
		_ = ask(t.Context(), g)
		var calls sync.WaitGroup
		begun := time.Now()
		for range 100 {
			calls.Go(func() { _ = ask(t.Context(), g) })
		}
		<-time.After(5 * time.Second)
		if n := platform.after(begun); n > gateProbes*5 {
			t.Errorf("%d calls in 5 s while the platform still refuses", n)
		}
		platform.recover()
		calls.Wait()
		if g.gates.lead.limits.Load() {
			t.Error("the gate is still limiting after the calls succeeded")
		}
		if n := len(platform.began); n != 101 {
			t.Errorf("%d calls, want each once", n)
		}
	})
}

// A probe without an answer lets another one try.
func TestGateAndProbesWithoutAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patient{}
		p.set(429, 0)
		g := over(p, nil)
		_ = ask(t.Context(), g)
		p.set(0, time.Second)
		for range 3 * gateProbes {
			if err := ask(t.Context(), g); closedFor(err) != 0 {
				t.Errorf("refused: %v", err)
			}
		}
		p.set(200, 0)
		if err := ask(t.Context(), g); err != nil {
			t.Error(err)
		}
	})
}

// Without a wait the gate closes for a time that doubles, and calls of another kind pass.
func TestGateWithoutRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &limiting{header: http.Header{}}
		o := testOptions()
		o.Retries = 0
		g := newGuard(platform.attempt, o)
		before := time.Now()
		for i, want := range []time.Duration{0, firstPause, 2 * firstPause, 4 * firstPause} {
			answer, err := g.Send(get(t.Context()), &Call{Kind: KindLead, AttemptTimeout: time.Second})
			if wait := time.Since(before); wait < want || wait > want+want/10+firstBackoff {
				t.Errorf("call %d waited %v, want %v", i, wait, want)
			}
			if next := max(2*want, firstPause); err != nil || answer.RetryIn < next || answer.RetryIn > next+next/10+firstBackoff {
				t.Errorf("call %d is told to come back in %v: %v", i, answer.RetryIn, err)
			}
			before = time.Now()
		}
		if _, err := g.Send(get(t.Context()), &Call{Kind: KindLeads, AttemptTimeout: time.Second}); err != nil || time.Since(before) != 0 {
			t.Errorf("another kind: %v after %v", err, time.Since(before))
		}
	})
}

// board is what replicas share.
type board struct {
	mu    sync.Mutex
	until map[string]time.Time
	reads int
}

func (b *board) CloseGate(kind string, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until[kind] = time.Now().Add(wait)
}

func (b *board) GateClosed(kind string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	return max(time.Until(b.until[kind]), 0)
}

// A 429 to one replica stops the others, which ask a few times a second at most.
func TestGateIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &limiting{header: seconds("30")}
		shared := &board{until: map[string]time.Time{}}
		one, other := newGuard(platform.attempt, testOptions()), newGuard(platform.attempt, testOptions())
		one.ShareGates(shared)
		other.ShareGates(shared)
		<-time.After(time.Second)
		_ = ask(t.Context(), one)
		shared.reads = 0
		for range 300 {
			if left := closedFor(ask(t.Context(), other)); left < 20*time.Second {
				t.Fatalf("the other replica is not refused, or for %v", left)
			}
			<-time.After(10 * time.Millisecond)
		}
		if len(platform.began) != 1 || shared.reads > 31 {
			t.Errorf("%d calls and %d questions, want 1 and at most 31", len(platform.began), shared.reads)
		}
		shared.CloseGate(KindLeads, 1000*time.Hour)
		if _, err := other.Send(get(t.Context()), &Call{Kind: KindLeads, Deadline: time.Now().Add(time.Second)}); closedFor(err) == 0 || closedFor(err) > MaxGate+maxJitter {
			t.Errorf("a shared wait without bound: %v", err)
		}
	})
}
