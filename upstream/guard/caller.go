package guard

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// several is how many callers must fail one after the other before their failures count
// as those of the platform.
const several = 3

// caller is what the Guard of one caller knows besides its own gates and breaker.
type caller struct {
	name   string
	all    *Guard // with the gates and the breaker of all callers
	failed *failed
}

// failed is what the callers of a platform know of each other's failures.
type failed struct {
	calls   voices
	limited byKind[voices] // that were refused with 429

	mu sync.Mutex
	// probed is when callers last probed the breaker of all, without success so far.
	probed map[string]time.Time
}

// voices are the callers that failed last, each once.
type voices struct {
	some atomic.Bool
	mu   sync.Mutex
	last [several - 1]string
}

// add notes a failure of a caller. It reports whether enough others failed just before.
func (v *voices) add(name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if slices.Contains(v.last[:], name) {
		return false
	}
	enough := v.last[0] != ""
	copy(v.last[:], v.last[1:])
	v.last[len(v.last)-1] = name
	v.some.Store(true)
	return enough
}

// clear forgets them. Without any it takes no lock.
func (v *voices) clear() {
	if v.some.Load() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.last = [several - 1]string{}
		v.some.Store(false)
	}
}

// Callers makes guards for the callers of one platform who each have a token of their
// own. It is safe for concurrent use.
type Callers struct {
	all    *Guard
	failed failed
}

// Callers returns the Callers whose calls share the limits of g.
func (g *Guard) Callers() *Callers {
	return &Callers{all: g, failed: failed{probed: map[string]time.Time{}}}
}

// Guard returns a Guard for the calls of the named caller. It has gates, a breaker and a
// retry budget of its own, so that a token that the platform limits or fails for neither
// stops the calls with other tokens nor uses up their retries. If several callers fail one
// after the other, they stop all of them.
func (c *Callers) Guard(name string) *Guard {
	own, logger := *c.all, c.all.logger.With(slog.String("scope", "one caller"))
	own.gates, own.breaker, own.budget = newGates(logger), newBreaker(logger), newRetryBudget()
	own.caller = &caller{name, c.all, &c.failed}
	return &own
}

// refuses returns an error while nothing may be sent.
func (g *Guard) refuses() error {
	if err := g.breaker.refuses(); err != nil || g.caller == nil {
		return err
	}
	return g.caller.all.refuses()
}

// probes says of which breakers an attempt is a probe.
type probes struct{ own, all bool }

// admit lets an attempt through the breakers, or returns an error. Its result must be
// recorded.
func (g *Guard) admit() (p probes, err error) {
	if p.own, err = g.breaker.admit(); err != nil || g.caller == nil {
		return p, err
	}
	if p.all, err = g.caller.admit(); err != nil {
		g.breaker.record(p.own, unknown)
	}
	return p, err
}

// admit is that of the breaker of all. A caller whose probe has failed leaves the next ones
// to others: its calls may be the only ones that fail.
func (c *caller) admit() (probe bool, err error) {
	breaker := c.all.breaker
	if breaker.closed.Load() {
		return false, nil
	}
	c.failed.mu.Lock()
	defer c.failed.mu.Unlock()
	maps.DeleteFunc(c.failed.probed, func(_ string, last time.Time) bool { return time.Since(last) >= breakerDelay })
	if _, barred := c.failed.probed[c.name]; barred {
		return false, &openError{halfOpenWait}
	}
	if probe, err = breaker.admit(); probe {
		c.failed.probed[c.name] = time.Now()
	}
	return probe, err
}

// record notes what an attempt showed.
func (g *Guard) record(p probes, shown health) {
	g.breaker.record(p.own, shown)
	c := g.caller
	if c == nil {
		return
	}
	if p.all && shown == well {
		c.failed.mu.Lock()
		delete(c.failed.probed, c.name)
		c.failed.mu.Unlock()
	}
	if p.all || shown != ill || c.failed.calls.add(c.name) {
		c.all.breaker.record(p.all, shown)
	}
}

// passes are the rights to send one call through the gates.
type passes struct{ own, all pass }

// await waits until the gates may let a call through. The gate of all counts the calls that
// are refused, also by a caller's own.
func (g *Guard) await(ctx context.Context, call *Call) error {
	err := g.gates.of(call.Kind).await(ctx, call.Deadline)
	all := g.gates
	if g.caller != nil {
		if err == nil {
			return g.caller.all.await(ctx, call)
		}
		all = g.caller.all.gates
	}
	if _, closed := errors.AsType[*gateError](err); closed {
		all.of(call.Kind).refusals.Add(1)
	}
	return err
}

// enter lets a call through the gates, or reports that it may not be sent now. Its result
// must be recorded.
func (g *Guard) enter(kind string) (p passes, ok bool) {
	own := g.gates.of(kind)
	if p.own, ok = own.enter(); !ok || g.caller == nil {
		return p, ok
	}
	if p.all, ok = g.caller.all.gates.of(kind).enter(); !ok {
		own.record(p.own, nil)
	}
	return p, ok
}

// passed notes the answer to a call that was let through the gates; nil if there was none.
func (g *Guard) passed(kind string, p passes, answer *Answer) {
	g.gates.of(kind).record(p.own, answer)
	c := g.caller
	switch {
	case c == nil:
		return
	case answer == nil:
	case answer.Status != http.StatusTooManyRequests:
		c.failed.limited.of(kind).clear()
	case !c.failed.limited.of(kind).add(c.name):
		answer = nil // the limit may be this caller's alone
	}
	c.all.gates.of(kind).record(p.all, answer)
}

// closed returns how long a call has to wait at least for the gates.
func (g *Guard) closed(kind string) time.Duration {
	wait, _ := g.gates.of(kind).closed()
	if g.caller == nil {
		return wait
	}
	return max(wait, g.caller.all.closed(kind))
}
