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
	// The wait before a retry is random. Its upper bound starts at firstBackoff and
	// doubles up to maxBackoff.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// minAttemptTime is the time that a retry must have left after its wait.
	minAttemptTime = 100 * time.Millisecond
)

// Options configures a Guard.
type Options struct {
	// Timeout and OnlineTimeout are the usual time limits of calls. A call waits for
	// its turn for at most half of them, so that the other half is left for the
	// answer.
	Timeout, OnlineTimeout time.Duration
	// MaxConcurrent is the largest number of concurrent attempts, not counting those
	// of KindOnline. MaxOnline is the largest number of those.
	MaxConcurrent, MaxOnline int
	// Adaptive adjusts the number of concurrent attempts to the platform's speed, up
	// to MaxConcurrent.
	Adaptive bool
	// RatePerSecond is the largest number of attempts started in one second. 0 means
	// no limit.
	RatePerSecond int
	// Retries is how often a failed read is retried.
	Retries int
	// Observe is called for each attempt that is refused and not sent. It may be nil.
	Observe func(context.Context, Attempt)
	// Logger gets the beginning and the end of outages.
	Logger *slog.Logger
}

// Guard sends calls within limits. It is safe for concurrent use.
//
// It does not use failsafehttp, which releases permits when the header arrives,
// does not wait between attempts, does not close an answer before it retries, and
// retries any method.
type Guard struct {
	send     func(req *http.Request, call *Call, retry bool) (*Answer, error)
	throttle *throttle
	gates    *gates
	breaker  *breaker
	caller   *caller // nil if all calls are of one caller
	budget   *retryBudget
	retries  int
	retrier  failsafe.Executor[attempted]
	observe  func(context.Context, Attempt) // or nil
	logger   *slog.Logger
}

// attempted is the result of an attempt, and whether another one follows.
type attempted struct {
	answer *Answer
	err    error
	again  bool
	wait   time.Duration // before the next attempt
}

// New returns a Guard that makes its attempts through wire.
func New(wire *Wire, o Options) *Guard { return newGuard(wire.attempt, o) }

func newGuard(send func(*http.Request, *Call, bool) (*Answer, error), o Options) *Guard {
	return &Guard{
		send:     send,
		throttle: newThrottle(o),
		gates:    newGates(o.Logger),
		breaker:  newBreaker(o.Logger),
		budget:   newRetryBudget(),
		retries:  o.Retries,
		retrier: failsafe.With(retrypolicy.NewBuilder[attempted]().
			HandleIf(func(last attempted, _ error) bool { return last.again }).
			WithMaxRetries(-1). // judge counts the attempts
			WithDelayFunc(func(exec failsafe.ExecutionAttempt[attempted]) time.Duration { return exec.LastResult().wait }).
			Build()),
		observe: o.Observe,
		logger:  o.Logger,
	}
}

// ShareGates makes the replicas of the client stop together when the platform limits the
// rate of calls. Call it before the first Send.
func (g *Guard) ShareGates(with SharedGates) { g.gates.shared.Store(&with) }

// State describes a Guard at one moment.
type State struct {
	// Breaker is "closed" while calls are sent normally. It is "open" while all calls
	// fail immediately, which lasts for RetryIn. It is "half_open" while a few calls
	// test whether the platform has recovered.
	Breaker string
	RetryIn time.Duration
	// Limit is how many attempts may be under way now, InFlight how many are, and
	// Queued how many calls are waiting for one to end. Reads with checkOnline do not
	// count: they have a limit of their own.
	Limit, InFlight, Queued int
	// Gates are the gates of all callers, by the kind of calls.
	Gates map[string]GateState
}

// GateState describes a gate at one moment.
type GateState struct {
	// Limits says that no calls, or only a few, are sent because the platform limits
	// their rate.
	Limits bool
	// Refused is the number of calls that could not wait, also for the gates of single
	// callers.
	Refused uint64
}

// State returns the present state.
func (g *Guard) State() State {
	s := g.throttle.state()
	s.Breaker, s.RetryIn = g.breaker.state()
	s.Gates = g.gates.state()
	return s
}

// Send implements Sender.
func (g *Guard) Send(req *http.Request, call *Call) (*Answer, error) {
	answer, err := g.retried(req, call)
	if answer != nil && answer.Status == http.StatusTooManyRequests {
		answer.RetryIn = g.closed(call.Kind)
	}
	return answer, err
}

// retried makes attempts until one succeeds or no other may follow.
func (g *Guard) retried(req *http.Request, call *Call) (*Answer, error) {
	answer, err := g.attempt(req, call, false)
	if !transient(answer, err) || g.retries < 1 || req.Method != http.MethodGet || call.Once {
		return answer, err
	}
	// The executor costs more than everything else here, so it is used only once the
	// first attempt has failed. Its own first attempt is that one.
	ctx, cancel := call.within(req.Context())
	defer cancel()
	made := 0
	last, ended := g.retrier.WithContext(ctx).Get(func() (attempted, error) {
		if made++; made > 1 {
			answer, err = g.attempt(req.WithContext(ctx), call, true)
		}
		return g.judge(ctx, call, made, answer, err), nil
	})
	if ended != nil { // while waiting
		return nil, ended
	}
	return last.answer, last.err
}

// judge decides whether another attempt follows. It charges the retry budget before
// the wait, so that a call without a retry left fails without waiting.
func (g *Guard) judge(ctx context.Context, call *Call, made int, answer *Answer, err error) attempted {
	last := attempted{answer: answer, err: err}
	if made > g.retries || !transient(answer, err) || ctx.Err() != nil {
		return last
	}
	last.wait = rand.N(min(firstBackoff<<min(made-1, 10), maxBackoff))
	switch {
	case answer == nil:
	case answer.Status == http.StatusTooManyRequests:
		last.wait = g.closed(call.Kind)
	default:
		if asked := RetryAfter(answer.Header); asked > 0 {
			last.wait = asked + rand.N(firstBackoff) // spread, so that calls do not all return together
		}
	}
	// The platform's refusal says more than a time-out would.
	if deadline, ok := ctx.Deadline(); ok && last.wait+minAttemptTime > time.Until(deadline) {
		return last
	}
	last.again = g.budget.take(time.Now())
	return last
}

// attempt makes one attempt, if the limits and the breaker allow it. It holds its
// permits until the last byte of the answer has arrived, even if nobody has a core to read
// it yet, and releases them even if the consumer of the answer panics.
func (g *Guard) attempt(req *http.Request, call *Call, retry bool) (answer *Answer, err error) {
	ctx, start := req.Context(), time.Now()
	if err = g.refuses(); err != nil {
		return nil, g.refused(ctx, call, start, retry, err)
	}
	held, through, err := g.turn(ctx, call)
	if err != nil {
		return nil, g.refused(ctx, call, start, retry, err)
	}
	shown, released := unknown, false
	release := func(timed bool) {
		if !released {
			released = true
			g.throttle.release(held, timed)
		}
	}
	defer func() { release(shown == well || errors.Is(err, errAttemptTimeout)) }()
	call.arrived = func() { release(true) }
	// Before the permit is released: the next call must find the gate closed.
	defer func() { g.passed(call.Kind, through, answer) }()
	if call.Kind != KindOnline { // with checkOnline, the failure may be Microsoft's
		probe, err := g.admit()
		if err != nil {
			return nil, g.refused(ctx, call, start, retry, err)
		}
		defer func() { g.record(probe, shown) }()
	}
	if !retry {
		g.budget.called(start)
	}
	began := time.Now()
	answer, err = g.send(req, call, retry)
	shown = healthOf(ctx, call, began, answer, err)
	return answer, err
}

// turn waits for the gates and for a permit. While a call waits for a permit, a gate may
// close, so they are passed last.
func (g *Guard) turn(ctx context.Context, call *Call) (permit, passes, error) {
	for {
		if err := g.await(ctx, call); err != nil {
			return permit{}, passes{}, err
		}
		held, err := g.throttle.acquire(ctx, call.Kind == KindOnline, call.Deadline)
		if err != nil {
			return permit{}, passes{}, err
		}
		if through, ok := g.enter(call.Kind); ok {
			return held, through, nil
		}
		g.throttle.release(held, false)
	}
}

// refused reports an attempt that is not sent, and returns err.
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
		var gate *gateError
		return !limited(err) && !errors.Is(err, errBodyTooLarge) && !notGzip(err) && !errors.As(err, &open) && !errors.As(err, &gate) && !errors.As(err, &untrusted)
	}
	switch answer.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return TimedOut(answer.Status)
}

// TimedOut reports whether a status says that the platform, or a proxy in front of it,
// did not get the request in time. The same request may succeed next time.
func TimedOut(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooEarly
}
