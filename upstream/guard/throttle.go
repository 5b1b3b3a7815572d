package guard

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
)

// throttle limits how many attempts start in a second and how many are under way at
// the same time.
type throttle struct {
	maxWait, onlineWait time.Duration                // for each limit
	rate                ratelimiter.RateLimiter[any] // nil if there is no limit
	// online holds the slots of reads with checkOnline, slots those of all other
	// reads. They are separate because checkOnline waits for Microsoft and could take
	// every slot.
	slots, online bulkhead.Bulkhead[any]
	// adaptive replaces slots if it is not nil.
	adaptive adaptivelimiter.AdaptiveLimiter[any]

	limit            int
	inFlight, queued atomic.Int32
}

func newThrottle(o Options) *throttle {
	l := &throttle{
		// Half of the time is left for the answer.
		maxWait:    o.Timeout / 2,
		onlineWait: o.OnlineTimeout / 2,
		slots:      bulkhead.New[any](uint(o.MaxConcurrent)),
		online:     bulkhead.New[any](uint(o.MaxOnline)),
		limit:      o.MaxConcurrent,
	}
	if o.RatePerSecond > 0 {
		// Bursty, because the lookups of one GraphQL operation arrive together.
		l.rate = ratelimiter.NewBursty[any](uint(o.RatePerSecond), time.Second)
	}
	if o.Adaptive {
		l.adaptive = newAdaptive(uint(o.MaxConcurrent))
	}
	return l
}

// permit is the right to make one attempt.
type permit struct {
	slots    bulkhead.Bulkhead[any]
	adaptive adaptivelimiter.Permit
}

// acquire waits for a permit, at most until the deadline of the call. The permit
// must be released.
func (l *throttle) acquire(ctx context.Context, online bool, deadline time.Time) (permit, error) {
	if l.rate != nil {
		l.queued.Add(1)
		err := l.rate.AcquirePermitWithMaxWait(ctx, atMost(l.maxWait, deadline))
		l.queued.Add(-1)
		if err != nil {
			return permit{}, err
		}
	}
	if online {
		return permit{slots: l.online}, l.online.AcquirePermitWithMaxWait(ctx, atMost(l.onlineWait, deadline))
	}
	p, ok := l.tryAcquire()
	if !ok {
		l.queued.Add(1)
		defer l.queued.Add(-1)
		var err error
		if p, err = l.acquireWithin(ctx, atMost(l.maxWait, deadline)); err != nil {
			return permit{}, err
		}
	}
	l.inFlight.Add(1)
	return p, nil
}

// atMost returns the shorter of wait and the time until the deadline, if there is
// one.
func atMost(wait time.Duration, deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return wait
	}
	return max(min(wait, time.Until(deadline)), 0)
}

func (l *throttle) tryAcquire() (p permit, ok bool) {
	if l.adaptive != nil {
		p.adaptive, ok = l.adaptive.TryAcquirePermit()
		return p, ok
	}
	return permit{slots: l.slots}, l.slots.TryAcquirePermit()
}

func (l *throttle) acquireWithin(ctx context.Context, wait time.Duration) (p permit, err error) {
	if l.adaptive != nil {
		p.adaptive, err = l.adaptive.AcquirePermitWithMaxWait(ctx, wait)
		return p, err
	}
	return permit{slots: l.slots}, l.slots.AcquirePermitWithMaxWait(ctx, wait)
}

// release returns the permit. timed is false if the attempt ended before an answer
// and so shows nothing about the platform's speed.
func (l *throttle) release(p permit, timed bool) {
	switch {
	case p.slots == l.online:
		l.online.ReleasePermit()
		return
	case p.adaptive == nil:
		p.slots.ReleasePermit()
	case timed:
		p.adaptive.Record()
	default:
		p.adaptive.Drop()
	}
	l.inFlight.Add(-1)
}

func (l *throttle) state() State {
	s := State{Limit: l.limit, InFlight: int(l.inFlight.Load()), Queued: int(l.queued.Load())}
	if l.adaptive != nil {
		s.Limit = l.adaptive.Limit()
	}
	return s
}

// limited reports whether our own limits refused the attempt.
func limited(err error) bool {
	return errors.Is(err, bulkhead.ErrFull) || errors.Is(err, ratelimiter.ErrExceeded) || errors.Is(err, adaptivelimiter.ErrExceeded)
}

// newAdaptive returns a limiter that allows fewer concurrent attempts while the
// platform gets slower under load. It must start low: it recognizes an overloaded
// platform only by comparison with an unloaded one. Without WithMaxLimitFunc the
// limit would follow the load, and a burst after a quiet period would wait
// needlessly.
func newAdaptive(limit uint) adaptivelimiter.AdaptiveLimiter[any] {
	return adaptivelimiter.NewBuilder[any]().
		WithLimits(max(1, limit/16), limit, max(1, limit/4)).
		WithMaxLimitFunc(func(int) float64 { return float64(limit) }).
		Build()
}
