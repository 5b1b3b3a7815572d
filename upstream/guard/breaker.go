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
	// The breaker opens when breakerFailures of the last breakerWindow attempts
	// failed. If the platform is down this takes 16 attempts; if it answers a few of
	// them, it takes a few more. One tenant whose requests always fail does not open
	// the breaker, unless nearly all requests are for this tenant.
	breakerFailures, breakerWindow = 16, 20
	// The breaker stays open for breakerDelay, with a random difference so that
	// replicas do not all return together. It then lets probeCount attempts through
	// and closes if probeSuccesses of them succeed. It does not require all: one of
	// them may be for a tenant whose requests always fail, or its caller may leave.
	breakerDelay               = 2 * time.Second
	breakerJitter              = 0.25
	probeSuccesses, probeCount = 2, 3
	// halfOpenWait is the Retry-After of calls that arrive while others probe.
	halfOpenWait = time.Second
)

// openError is the error of an attempt that the breaker refuses.
type openError struct{ retryIn time.Duration }

func (e *openError) Error() string {
	return fmt.Sprintf("the platform failed too often: no further attempt for %v", e.retryIn.Round(time.Millisecond))
}

// health is what an attempt shows about the platform.
type health int8

const (
	unknown health = iota
	well
	ill
)

// breaker stops attempts while the platform fails. While it is closed, an attempt
// takes its lock only once.
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

// changed logs the beginning of an outage as a warning and its end as information.
// The probes in between are logged at debug level, because they occur every two
// seconds.
func (b *breaker) changed(event circuitbreaker.StateChangedEvent) {
	b.closed.Store(b.circuit.IsClosed())
	ctx := context.Background()
	switch {
	case event.OldState == circuitbreaker.ClosedState:
		b.logger.LogAttrs(ctx, slog.LevelWarn, "upstream is failing: circuit breaker open")
	case event.NewState == circuitbreaker.ClosedState:
		b.logger.LogAttrs(ctx, slog.LevelInfo, "upstream has recovered: circuit breaker closed")
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

// refuses returns an error while nothing may be sent. It is called before an attempt
// waits for a permit.
func (b *breaker) refuses() error {
	if b.closed.Load() {
		return nil
	}
	if wait := b.circuit.RemainingDelay(); wait > 0 {
		return &openError{wait}
	}
	return nil
}

// admit lets an attempt through, or returns an error. The attempt is a probe if the
// breaker is not closed. Its result must be recorded.
func (b *breaker) admit() (probe bool, err error) {
	if b.closed.Load() {
		return false, nil
	}
	if !b.circuit.TryAcquirePermit() {
		return false, &openError{max(b.circuit.RemainingDelay(), halfOpenWait)}
	}
	return !b.circuit.IsClosed(), nil
}

// record notes what an attempt showed. A probe that showed nothing counts as failed,
// because failsafe-go cannot take back a permit without a result. An attempt that
// began before the breaker opened is ignored: it does not show whether the platform
// has recovered.
func (b *breaker) record(probe bool, shown health) {
	switch {
	case !probe && (shown == unknown || !b.closed.Load()):
	case shown == well:
		b.circuit.RecordSuccess()
	default:
		b.circuit.RecordFailure()
	}
}

// healthOf returns what an attempt shows. A 5xx, a time-out status, a redirect and an
// answer that is not what the endpoint returns, such as a maintenance page, are failures.
// Any other status, even a 429, shows that the platform works. A time-out is a failure if
// the platform had at least half of the time of an attempt. This includes the caller's own
// deadline.
func healthOf(ctx context.Context, call *Call, began time.Time, answer *Answer, err error) health {
	timedOut := errors.Is(err, errAttemptTimeout) || errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case err == nil && fails(call, answer), notGzip(err):
		return ill
	case err == nil, errors.Is(err, errBodyTooLarge):
		return well
	case timedOut && time.Since(began) < call.AttemptTimeout/2:
		return unknown
	case timedOut, ctx.Err() == nil:
		return ill
	}
	return unknown
}

func fails(call *Call, answer *Answer) bool {
	switch status := answer.Status; {
	case status >= 500, TimedOut(status):
		return true
	case status >= 300:
		return status < 400
	}
	return call.Unusable != nil && call.Unusable(answer)
}
