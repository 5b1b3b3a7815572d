// Package guard stands between the client and the platform: it holds attempts to
// limits, stops them while the platform fails, and retries those that may succeed
// next time. docs/decisions.md has the reasons for each number.
package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

const (
	// Waits between attempts are random, up to a most that doubles from the first
	// to the longest.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// leastTime is what must be left for an attempt to be worth a wait.
	leastTime = 100 * time.Millisecond
)

// Options configure a Guard.
type Options struct {
	// Timeout and OnlineTimeout are how long calls usually may take: one that gets
	// its turn should have half of that left for the answer.
	Timeout, OnlineTimeout time.Duration
	// MaxConcurrent bounds the attempts under way but for those of KindOnline, of
	// which there are at most MaxOnline.
	MaxConcurrent, MaxOnline int
	// Adaptive lets MaxConcurrent follow the platform's speed.
	Adaptive bool
	// RatePerSecond bounds the attempts begun in a second; 0 means no bound.
	RatePerSecond int
	// Retries is how often a failed read is tried again.
	Retries int
	// Observe is told of attempts that are not sent; nil means nobody is.
	Observe func(context.Context, Attempt)
	// Logger gets outages.
	Logger *slog.Logger
}

// Guard sends calls within limits. All calls of one platform share one. It is
// safe for concurrent use. failsafehttp is not used: it releases permits at the
// header, does not wait between tries, leaves the answer that it replaces
// unclosed and retries any method.
type Guard struct {
	send     func(req *http.Request, call *Call, retry bool) (*Answer, error)
	throttle *throttle
	breaker  *breaker
	budget   *retryBudget
	retries  int
	retry    failsafe.Executor[try]
	observe  func(context.Context, Attempt) // or nil
}

// try is an attempt that was made, and what follows from it.
type try struct {
	answer *Answer
	err    error
	// wait is how long to wait for the next attempt, if there is to be one.
	again bool
	wait  time.Duration
}

// New returns a guard whose attempts are made by wire.
func New(wire *Wire, o Options) *Guard { return newGuard(wire.attempt, o) }

func newGuard(send func(*http.Request, *Call, bool) (*Answer, error), o Options) *Guard {
	return &Guard{
		send:     send,
		throttle: newThrottle(o),
		breaker:  newBreaker(o.Logger),
		budget:   newRetryBudget(),
		retries:  o.Retries,
		retry: failsafe.With(retrypolicy.NewBuilder[try]().
			HandleIf(func(last try, _ error) bool { return last.again }).
			WithMaxRetries(-1). // judge counts
			WithDelayFunc(func(exec failsafe.ExecutionAttempt[try]) time.Duration { return exec.LastResult().wait }).
			Build()),
		observe: o.Observe,
	}
}

// State is how the calls of a guard stand at a moment.
type State struct {
	// Breaker is "closed" in good times. It is "open" when calls fail at once, for
	// RetryIn, and "half_open" while some calls try whether the platform is back.
	Breaker string
	RetryIn time.Duration
	// Limit is how many attempts may be under way at present, InFlight how many
	// are, Queued how many calls wait for that. Reads with checkOnline have a limit
	// of their own and do not count.
	Limit, InFlight, Queued int
}

// State returns how the calls stand.
func (g *Guard) State() State {
	s := g.throttle.state()
	s.Breaker, s.RetryIn = g.breaker.state()
	return s
}

// Send implements Sender.
func (g *Guard) Send(req *http.Request, call *Call) (*Answer, error) {
	answer, err := g.attempt(req, call, false)
	if !transient(answer, err) || g.retries < 1 || req.Method != http.MethodGet || call.Once {
		return answer, err
	}
	// The executor costs more than all else here, so it comes in late: the first
	// attempt that it asks for has been made.
	ctx, cancel := call.within(req.Context())
	defer cancel()
	made := 0
	last, ended := g.retry.WithContext(ctx).Get(func() (try, error) {
		if made++; made > 1 {
			answer, err = g.attempt(req.WithContext(ctx), call, true)
		}
		return g.judge(ctx, made, answer, err), nil
	})
	if ended != nil { // while waiting
		return nil, ended
	}
	return last.answer, last.err
}

// judge decides whether there is to be another attempt. It takes that from the
// budget before the wait: a call that may not try again need not wait to learn it.
func (g *Guard) judge(ctx context.Context, made int, answer *Answer, err error) try {
	last := try{answer: answer, err: err}
	if made > g.retries || !transient(answer, err) || ctx.Err() != nil {
		return last
	}
	last.wait = rand.N(min(firstBackoff<<min(made-1, 10), maxBackoff))
	if answer != nil {
		// Not all in the same moment, when the platform's Retry-After is over.
		if asked := RetryAfter(answer.Header); asked > 0 {
			last.wait = asked + rand.N(firstBackoff)
		}
	}
	// The platform's refusal is a better answer than a time-out.
	if deadline, ok := ctx.Deadline(); ok && last.wait+leastTime > time.Until(deadline) {
		return last
	}
	last.again = g.budget.take(time.Now())
	return last
}

// attempt holds its permits until the last byte of the answer, even if the
// consumer of the answer panics.
func (g *Guard) attempt(req *http.Request, call *Call, retry bool) (answer *Answer, err error) {
	ctx, start := req.Context(), time.Now()
	if err = g.breaker.refuses(); err != nil {
		return nil, g.refused(ctx, call, start, retry, err)
	}
	online := call.Kind == KindOnline
	held, err := g.throttle.acquire(ctx, online, call.Deadline)
	if err != nil {
		return nil, g.refused(ctx, call, start, retry, err)
	}
	shown := unknown
	defer func() { g.throttle.release(held, shown == well || errors.Is(err, errAttemptTimeout)) }()
	if !online { // else it may be Microsoft that fails
		probe, err := g.breaker.admit()
		if err != nil {
			return nil, g.refused(ctx, call, start, retry, err)
		}
		defer func() { g.breaker.record(probe, shown) }()
	}
	if !retry {
		g.budget.called(start)
	}
	began := time.Now()
	answer, err = g.send(req, call, retry)
	shown = healthOf(ctx, call, began, answer, err)
	return answer, err
}

// refused reports an attempt that is not sent.
func (g *Guard) refused(ctx context.Context, call *Call, start time.Time, retry bool, err error) error {
	if g.observe != nil && ctx.Err() == nil {
		g.observe(ctx, Attempt{Kind: call.Kind, Outcome: OutcomeRefused, Took: time.Since(start), Retry: retry})
	}
	return err
}

// transient reports whether another attempt may succeed.
func transient(answer *Answer, err error) bool {
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		var open *openError
		return !limited(err) && !errors.Is(err, errBodyTooLarge) && !notGzip(err) && !errors.As(err, &open) && !errors.As(err, &untrusted)
	}
	switch answer.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
