package upstream

import (
	"context"
	"crypto/tls"
	"errors"
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

// resilientTransport holds attempts to the limits, stops them while the platform
// fails, and retries those that may succeed next time. failsafehttp is not used:
// it releases permits at the header, waits not at all between tries, leaves the
// answer it replaces unclosed and retries any method.
type resilientTransport struct {
	next    http.RoundTripper
	limits  *limits
	breaker *breaker
	budget  *retryBudget
	retries int
	retry   failsafe.Executor[try]
	observe func(context.Context, Attempt) // or nil
}

// try is an attempt that was made, and what comes of it.
type try struct {
	resp *http.Response
	err  error
	// wait is how long to wait for the next attempt, if there is to be one.
	again bool
	wait  time.Duration
}

func newResilientTransport(next http.RoundTripper, o Options) *resilientTransport {
	return &resilientTransport{
		next:    next,
		limits:  newLimits(o),
		breaker: newBreaker(o.Logger),
		budget:  newRetryBudget(),
		retries: o.Retries,
		retry: failsafe.With(retrypolicy.NewBuilder[try]().
			HandleIf(func(last try, _ error) bool { return last.again }).
			WithMaxRetries(-1). // judge counts
			WithDelayFunc(func(exec failsafe.ExecutionAttempt[try]) time.Duration { return exec.LastResult().wait }).
			Build()),
		observe: o.Observe,
	}
}

// RoundTrip implements http.RoundTripper.
func (t *resilientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.attempt(req, false)
	if !transient(resp, err) || t.retries < 1 || req.Method != http.MethodGet || callFrom(req.Context()).once {
		return resp, err
	}
	// The executor costs more than all else here, so it comes in late: the first
	// attempt that it asks for has been made.
	ctx, cancel := within(req.Context())
	defer cancel()
	made := 0
	last, ended := t.retry.WithContext(ctx).Get(func() (try, error) {
		if made++; made > 1 {
			resp, err = t.attempt(req.WithContext(ctx), true) //nolint:bodyclose // in memory, see attemptTransport
		}
		return t.judge(ctx, made, resp, err), nil
	})
	if ended != nil { // while waiting
		return nil, ended
	}
	return last.resp, last.err
}

// judge decides whether there is to be another attempt. It takes that from the
// budget before the wait: who may not try again need not wait to learn it.
func (t *resilientTransport) judge(ctx context.Context, made int, resp *http.Response, err error) try {
	last := try{resp: resp, err: err}
	if made > t.retries || !transient(resp, err) || ctx.Err() != nil {
		return last
	}
	last.wait = rand.N(min(firstBackoff<<min(made-1, 10), maxBackoff))
	if resp != nil {
		// Not all in the same moment, when the platform's Retry-After is over.
		if asked := retryAfter(resp.Header); asked > 0 {
			last.wait = asked + rand.N(firstBackoff)
		}
	}
	// The platform's refusal is a better answer than a time-out.
	if deadline, ok := ctx.Deadline(); ok && last.wait+leastTime > time.Until(deadline) {
		return last
	}
	last.again = t.budget.take(time.Now())
	return last
}

// attempt holds its permits until the last byte of the answer, even if whoever
// reads it panics.
func (t *resilientTransport) attempt(req *http.Request, repeated bool) (resp *http.Response, err error) {
	ctx, start := req.Context(), time.Now()
	call := callFrom(ctx)
	if err = t.breaker.refuses(); err != nil {
		return nil, t.refused(ctx, start, repeated, err)
	}
	online := call.kind == KindOnline
	held, err := t.limits.acquire(ctx, online, call.deadline)
	if err != nil {
		return nil, t.refused(ctx, start, repeated, err)
	}
	shown := unknown
	defer func() { t.limits.release(held, shown == well || errors.Is(err, errAttemptTimeout)) }()
	if !online { // else it may be Microsoft that fails
		probe, err := t.breaker.admit()
		if err != nil {
			return nil, t.refused(ctx, start, repeated, err)
		}
		defer func() { t.breaker.record(probe, shown) }()
	}
	if !repeated {
		t.budget.called(start)
	}
	resp, err = t.next.RoundTrip(req)
	shown = healthOf(ctx, resp, err)
	return resp, err
}

// refused reports an attempt that is not sent.
func (t *resilientTransport) refused(ctx context.Context, start time.Time, repeated bool, err error) error {
	if t.observe != nil && ctx.Err() == nil {
		t.observe(ctx, Attempt{Kind: callFrom(ctx).kind, Outcome: OutcomeRefused, Took: time.Since(start), Retry: repeated})
	}
	return err
}

// transient tells whether another attempt may succeed.
func transient(resp *http.Response, err error) bool {
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		var open *openError
		return !limited(err) && !errors.Is(err, errBodyTooLarge) && !notGzip(err) && !errors.As(err, &open) && !errors.As(err, &untrusted)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
