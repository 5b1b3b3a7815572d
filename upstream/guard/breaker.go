package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

const (
	// The breaker opens when so many of the last attempts failed. That takes a
	// platform that is down 16 attempts, and one that answers some of them somewhat
	// more; one tenant that always fails does not do it unless it is asked for
	// almost alone.
	breakerFailures, breakerWindow = 16, 20
	// It stays open for about that long; replicas differ, so as not to come all at
	// once. Then some attempts are let through, and it closes if most succeed: one
	// of them may have asked for a tenant that always fails, or may have lost its
	// caller.
	breakerDelay               = 2 * time.Second
	breakerJitter              = 0.25
	probeSuccesses, probeCount = 2, 3
	// halfOpenWait is what those are told who come while others probe.
	halfOpenWait = time.Second
)

// openError refuses an attempt while the breaker is open.
type openError struct{ retryIn time.Duration }

func (e *openError) Error() string {
	return fmt.Sprintf("the platform failed too often: no attempt for another %v", e.retryIn.Round(time.Millisecond))
}

// health is what an attempt shows of the platform.
type health int8

const (
	unknown health = iota
	well
	ill
)

// breaker stops attempts while the platform fails. In good times it takes one
// lock for each.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]
	closed  atomic.Bool
	logger  *slog.Logger
}

func newBreaker(logger *slog.Logger) *breaker {
	b := &breaker{logger: logger}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureThresholdRatio(breakerFailures, breakerWindow).
		WithSuccessThresholdRatio(probeSuccesses, probeCount).
		WithDelay(breakerDelay).
		WithJitterFactor(breakerJitter).
		OnStateChanged(b.changed).
		Build()
	b.closed.Store(true)
	return b
}

// changed logs the beginning and the end of an outage loudly, and what is tried
// in between quietly: that goes on every other second.
func (b *breaker) changed(event circuitbreaker.StateChangedEvent) {
	b.closed.Store(b.circuit.IsClosed())
	ctx := context.Background()
	switch {
	case event.OldState == circuitbreaker.ClosedState:
		b.logger.LogAttrs(ctx, slog.LevelWarn, "upstream fails: circuit breaker open")
	case event.NewState == circuitbreaker.ClosedState:
		b.logger.LogAttrs(ctx, slog.LevelInfo, "upstream is back: circuit breaker closed")
	default:
		b.logger.LogAttrs(ctx, slog.LevelDebug, "circuit breaker", slog.String("state", stateName(event.NewState)))
	}
}

func stateName(s circuitbreaker.State) string {
	switch s {
	case circuitbreaker.OpenState:
		return "open"
	case circuitbreaker.HalfOpenState:
		return "half_open"
	}
	return "closed"
}

func (b *breaker) state() (name string, retryIn time.Duration) {
	return stateName(b.circuit.State()), b.circuit.RemainingDelay()
}

// refuses is an error as long as nothing may be sent. It comes before any wait.
func (b *breaker) refuses() error {
	if b.closed.Load() {
		return nil
	}
	if wait := b.circuit.RemainingDelay(); wait > 0 {
		return &openError{wait}
	}
	return nil
}

// admit lets an attempt through, as a probe if the breaker is not closed. What
// it shows must be recorded.
func (b *breaker) admit() (probe bool, err error) {
	if b.closed.Load() {
		return false, nil
	}
	if !b.circuit.TryAcquirePermit() {
		return false, &openError{max(b.circuit.RemainingDelay(), halfOpenWait)}
	}
	return !b.circuit.IsClosed(), nil
}

// record notes what an attempt showed. A probe that showed nothing counts as
// failed, because failsafe-go takes back no permit without a result. Attempts
// from before the breaker opened tell nothing of whether the platform is back.
func (b *breaker) record(probe bool, shown health) {
	switch {
	case !probe && (shown == unknown || !b.closed.Load()):
	case shown == well:
		b.circuit.RecordSuccess()
	default:
		b.circuit.RecordFailure()
	}
}

// healthOf tells what an attempt shows. Its status counts if it is 5xx; a
// refusal, even a 429, is a sign of life. Time that ran out counts, the
// caller's too, if the platform had at least half of what an attempt has.
func healthOf(ctx context.Context, call *Call, began time.Time, answer *Answer, err error) health {
	timedOut := errors.Is(err, errAttemptTimeout) || errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case err == nil && answer.Status >= 500:
		return ill
	case err == nil, errors.Is(err, errBodyTooLarge), notGzip(err):
		return well
	case timedOut && time.Since(began) < call.AttemptTimeout/2:
		return unknown
	case timedOut, ctx.Err() == nil:
		return ill
	}
	return unknown
}
