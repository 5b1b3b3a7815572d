package guard

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// MaxGate is how long a gate stays closed at most. If the platform demands more, a
	// few calls ask it again after this time.
	MaxGate = time.Hour
	// A 429 without a wait closes the gate for firstPause, which doubles up to maxPause
	// with each further 429 until calls succeed again.
	firstPause = 500 * time.Millisecond
	maxPause   = 10 * time.Second
	// A gate opens up to gateJitter of the wait later than demanded, but at most
	// maxJitter later, so that replicas do not all return together.
	gateJitter = 0.1
	maxJitter  = 5 * time.Second
	// After the wait, gateProbes calls are sent. Each success lets one more call be under
	// way at the same time. At gateOpen the limit ends.
	gateProbes, gateOpen = 2, 16
	// sharedEvery is how often a gate asks whether another replica has closed it.
	sharedEvery = 100 * time.Millisecond
)

// SharedGates tells the replicas of this client when the platform limits the rate of
// calls, or its token endpoint demands a wait. Both methods return quickly and never fail.
type SharedGates interface {
	// CloseGate tells the other replicas to send no call of the kind for this time.
	CloseGate(kind string, wait time.Duration)
	// GateClosed returns how long no call of the kind may be sent; 0 if it may.
	GateClosed(kind string) time.Duration
}

// gateError is the error of a call that may not be sent, and cannot wait until it may.
type gateError struct{ retryIn time.Duration }

func (e *gateError) Error() string {
	return fmt.Sprintf("the platform limits the rate of calls: no further call for %v", e.retryIn.Round(time.Millisecond))
}

// gates holds the gate of each kind of calls.
type gates struct {
	byKind[gate]
	shared atomic.Pointer[SharedGates]
}

// byKind has one T for each kind of calls that the platform limits apart.
type byKind[T any] struct{ lead, leads, online T }

func (b *byKind[T]) of(kind string) *T {
	switch kind {
	case KindLead:
		return &b.lead
	case KindOnline:
		return &b.online
	}
	return &b.leads
}

func newGates(logger *slog.Logger) *gates {
	g := &gates{}
	for kind, one := range map[string]*gate{KindLead: &g.lead, KindLeads: &g.leads, KindOnline: &g.online} {
		one.kind, one.logger, one.shared, one.changed = kind, logger, &g.shared, make(chan struct{})
	}
	return g
}

// state returns the state of each gate.
func (g *gates) state() map[string]GateState {
	states := map[string]GateState{}
	for _, one := range []*gate{&g.lead, &g.leads, &g.online} {
		states[one.kind] = GateState{Limits: one.limits.Load(), Refused: one.refusals.Load()}
	}
	return states
}

// gate holds back the calls of one kind after the platform has answered 429. While it is
// open, a call takes no lock.
type gate struct {
	kind   string
	logger *slog.Logger
	shared *atomic.Pointer[SharedGates]
	// limits is true while the gate is closed or lets only a few calls through.
	limits atomic.Bool
	asked  atomic.Int64 // when the replicas were last asked, in ns since 1970
	// refusals counts the calls that could not wait.
	refusals atomic.Uint64

	mu     sync.Mutex
	until  time.Time     // no call is sent before
	pause  time.Duration // after the last 429 without a wait; 0 after a success
	most   int           // calls under way at the same time, once until has passed
	passed int           // of these
	// generation counts the times that the gate was closed. A call that was sent before
	// the last time does not show that the platform accepts calls again.
	generation pass
	changed    chan struct{} // closed and replaced when calls may pass
}

// pass is the right to send one call through a gate: the generation of a gate that limits
// calls, or 0. Its result must be recorded.
type pass uint64

// await waits until the gate may let a call through. It returns a *gateError at once if
// that is not before the deadline of the call and of ctx.
func (g *gate) await(ctx context.Context, deadline time.Time) error {
	if end, ok := ctx.Deadline(); ok && (deadline.IsZero() || end.Before(deadline)) {
		deadline = end
	}
	g.askReplicas()
	for g.limits.Load() {
		wait, changed := g.closed()
		if wait == 0 {
			return nil
		}
		if !deadline.IsZero() && time.Until(deadline) < wait+minAttemptTime {
			return &gateError{max(wait, time.Millisecond)}
		}
		if err := sleep(ctx, wait, changed); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits until the time has passed or the channel is closed.
func sleep(ctx context.Context, wait time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// closed returns how long a call has to wait at least, or 0, and a channel that is closed
// if that changes.
func (g *gate) closed() (wait time.Duration, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch wait = time.Until(g.until); {
	case !g.limits.Load():
		return 0, g.changed
	case wait > 0:
		return wait, g.changed
	case g.passed >= g.most:
		return halfOpenWait, g.changed
	}
	return 0, g.changed
}

// enter lets a call through, or reports that it may not be sent now.
func (g *gate) enter() (pass, bool) {
	if !g.limits.Load() {
		return 0, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.limits.Load():
		return 0, true
	case time.Now().Before(g.until), g.passed >= g.most:
		return 0, false
	}
	g.passed++
	return g.generation, true
}

// record notes the answer to a call that was let through; nil if there was none.
func (g *gate) record(p pass, answer *Answer) {
	limited := answer != nil && answer.Status == http.StatusTooManyRequests
	if !limited && p == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if limited {
		g.refused(p, RetryAfter(answer.Header))
		return
	}
	if p != g.generation || !g.limits.Load() {
		return
	}
	g.passed--
	if answer != nil {
		g.pause = 0
		if g.most++; g.most >= gateOpen {
			g.limits.Store(false)
			g.logger.LogAttrs(context.Background(), slog.LevelInfo, "upstream no longer limits the rate", slog.String("kind", g.kind))
		}
	}
	g.notify()
}

// refused closes the gate after a 429. Answers to calls that were sent before the gate
// was closed lengthen the wait only if they demand a longer one.
func (g *gate) refused(p pass, demanded time.Duration) {
	wait := min(demanded, MaxGate)
	if wait == 0 {
		if g.limits.Load() && p != g.generation {
			return // the answer is one of those that closed the gate
		}
		g.pause = min(max(2*g.pause, firstPause), maxPause)
		wait = g.pause
	}
	if until := time.Now().Add(wait); !g.limits.Load() || until.After(g.until) {
		g.close(wait)
		if shared := g.shared.Load(); shared != nil {
			(*shared).CloseGate(g.kind, wait)
		}
	}
}

// close closes the gate for this time and the jitter.
func (g *gate) close(wait time.Duration) {
	if !g.limits.Swap(true) {
		g.logger.LogAttrs(context.Background(), slog.LevelWarn, "upstream limits the rate: calls wait",
			slog.String("kind", g.kind), slog.Duration("wait", wait))
	}
	jitter := time.Duration(gateJitter * float64(wait))
	g.until = time.Now().Add(wait + rand.N(min(max(jitter, firstBackoff), maxJitter)))
	g.most, g.passed = gateProbes, 0
	g.generation++
	g.notify()
}

func (g *gate) notify() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// askReplicas closes the gate if another replica's is closed. It asks at most once in
// sharedEvery: one call asks, and the others do not wait for it.
func (g *gate) askReplicas() {
	shared := g.shared.Load()
	if shared == nil {
		return
	}
	now, asked := time.Now(), g.asked.Load()
	if now.Sub(time.Unix(0, asked)) < sharedEvery || !g.asked.CompareAndSwap(asked, now.UnixNano()) {
		return
	}
	wait := min((*shared).GateClosed(g.kind), MaxGate)
	g.mu.Lock()
	defer g.mu.Unlock()
	// Because of the jitter, a gate that this replica has closed opens later than shared.
	if wait > 0 && time.Now().Add(wait).After(g.until) {
		g.close(wait)
	}
}
