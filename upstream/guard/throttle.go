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

// throttle holds attempts back: so many in a second, so many at a time.
type throttle struct {
	maxWait, onlineWait time.Duration                // for each limit
	rate                ratelimiter.RateLimiter[any] // nil if there is no limit
	// slots are those of all reads but the ones with checkOnline. Those wait for
	// Microsoft and would leave the others none.
	slots, online bulkhead.Bulkhead[any]
	// adaptive is in the place of slots, or nil.
	adaptive adaptivelimiter.AdaptiveLimiter[any]

	limit            int
	inFlight, queued atomic.Int32
}

func newThrottle(o Options) *throttle {
	l := &throttle{
		// A call that gets its turn should have half its time left for the answer.
		maxWait:    o.Timeout / 2,
		onlineWait: o.OnlineTimeout / 2,
		slots:      bulkhead.New[any](uint(o.MaxConcurrent)),
		online:     bulkhead.New[any](uint(o.MaxOnline)),
		limit:      o.MaxConcurrent,
	}
	if o.RatePerSecond > 0 {
		// Bursty, because the keys of one GraphQL operation arrive together.
		l.rate = ratelimiter.NewBursty[any](uint(o.RatePerSecond), time.Second)
	}
	if o.Adaptive {
		l.adaptive = newAdaptive(uint(o.MaxConcurrent))
	}
	return l
}

// permit is what an attempt holds.
type permit struct {
	slots    bulkhead.Bulkhead[any]
	adaptive adaptivelimiter.Permit
}

// acquire waits for the permit of an attempt, which must be released. It waits no
// longer than until the deadline of the call.
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
	p, ok := l.try()
	if !ok {
		l.queued.Add(1)
		defer l.queued.Add(-1)
		var err error
		if p, err = l.wait(ctx, atMost(l.maxWait, deadline)); err != nil {
			return permit{}, err
		}
	}
	l.inFlight.Add(1)
	return p, nil
}

// atMost bounds a wait by a deadline, if there is one.
func atMost(wait time.Duration, deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return wait
	}
	return max(min(wait, time.Until(deadline)), 0)
}

func (l *throttle) try() (p permit, ok bool) {
	if l.adaptive != nil {
		p.adaptive, ok = l.adaptive.TryAcquirePermit()
		return p, ok
	}
	return permit{slots: l.slots}, l.slots.TryAcquirePermit()
}

func (l *throttle) wait(ctx context.Context, most time.Duration) (p permit, err error) {
	if l.adaptive != nil {
		p.adaptive, err = l.adaptive.AcquirePermitWithMaxWait(ctx, most)
		return p, err
	}
	return permit{slots: l.slots}, l.slots.AcquirePermitWithMaxWait(ctx, most)
}

// release gives the permit back. An attempt that says nothing of the platform's
// speed, because it ended before an answer, is not timed.
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

// limited tells whether it was we who held the attempt back.
func limited(err error) bool {
	return errors.Is(err, bulkhead.ErrFull) || errors.Is(err, ratelimiter.ErrExceeded) || errors.Is(err, adaptivelimiter.ErrExceeded)
}

// newAdaptive makes a limiter that asks less at a time of a platform that gets
// slower the more it is asked. It must begin with little: a limiter that has never
// seen the platform at ease cannot tell that it is not. Without the function for
// the most it would follow the load, and a burst after a quiet time would wait
// for nothing.
func newAdaptive(most uint) adaptivelimiter.AdaptiveLimiter[any] {
	return adaptivelimiter.NewBuilder[any]().
		WithLimits(max(1, most/16), most, max(1, most/4)).
		WithMaxLimitFunc(func(int) float64 { return float64(most) }).
		Build()
}
