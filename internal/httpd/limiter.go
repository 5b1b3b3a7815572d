package httpd

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// LimiterOptions configure a Limiter. All but Queue are required.
type LimiterOptions struct {
	// InFlight is the maximum number of slots; see Follow. One caller gets at most
	// three quarters of them, so that other callers find a free slot however long
	// that caller's operations take. With 0 there is no bound and nothing is counted.
	InFlight int
	// Queue is how many requests may wait for a slot. With 0 a request that finds no
	// free slot is refused.
	Queue int
	// Wait is how long a request may wait for a slot.
	Wait time.Duration
}

// Limiter shares a bounded number of slots fairly among any number of callers. A
// free slot goes to the waiting caller who holds the fewest slots. Among equals it
// goes to the one whose last turn was the longest ago. A Limiter is safe for
// concurrent use.
type Limiter struct {
	options LimiterOptions

	mu      sync.Mutex
	slots   int // at present; at most InFlight
	running int
	waiting int
	callers map[string]*caller // with at least one request that runs or waits
	turns   []*caller          // with at least one request that waits; longest without a turn first
}

// caller is one caller's share.
type caller struct {
	running int
	queue   []chan struct{} // each is closed when its request gets a slot
}

// NewLimiter returns a Limiter whose slots are all free.
func NewLimiter(o LimiterOptions) *Limiter {
	return &Limiter{options: o, slots: o.InFlight, callers: map[string]*caller{}}
}

// LimiterState is the number of requests that hold a slot and that wait for one.
type LimiterState struct{ Running, Waiting int }

// State returns the current state.
func (l *Limiter) State() LimiterState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LimiterState{l.running, l.waiting}
}

// Slots returns how many slots there are at present.
func (l *Limiter) Slots() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slots
}

// Acquire takes a slot for the named caller and waits for one if necessary. The
// returned release gives the slot back and must be called once. It is nil if the
// request gets no slot: at once if the queue is full, or later when the maximum
// wait or ctx ends. The client should then retry after retryAfter.
func (l *Limiter) Acquire(ctx context.Context, name string) (release func(), retryAfter time.Duration) {
	if l.options.InFlight == 0 {
		return func() {}, 0
	}
	release = func() { l.release(name) }
	admitted, taken := l.enter(name)
	if admitted == nil {
		if taken {
			return release, 0
		}
		return nil, later()
	}
	bound := time.NewTimer(l.options.Wait)
	defer bound.Stop()
	select {
	case <-admitted:
		return release, 0
	case <-bound.C:
	case <-ctx.Done():
	}
	if l.leave(name, admitted) {
		return nil, later()
	}
	return release, 0 // the slot was assigned in the meantime
}

// later returns a random delay, so that clients that were refused together do not
// return together.
func later() time.Duration { return time.Second + rand.N(time.Second) }

// enter takes a slot or, if none is available, a place in the queue. A caller may
// hold at most as many places as stay free: a single caller gets half of the queue,
// two get a third each, and a latecomer still finds a place.
func (l *Limiter) enter(name string) (admitted chan struct{}, taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[name]
	if c == nil {
		c = &caller{}
	}
	// If a slot is free, all waiting callers hold as many slots as they may.
	if taken = l.running < l.slots && c.running < l.mostEach(); taken {
		l.running++
		c.running++
		l.callers[name] = c
		return nil, true
	}
	if len(c.queue) >= l.options.Queue-l.waiting {
		return nil, false
	}
	admitted = make(chan struct{})
	if len(c.queue) == 0 {
		l.turns = append(l.turns, c)
	}
	c.queue = append(c.queue, admitted)
	l.waiting++
	l.callers[name] = c
	return admitted, false
}

// release returns a slot and gives it to the next waiting caller.
func (l *Limiter) release(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.callers[name].running--
	l.forgetIdle(name)
	l.admit()
}

// admit gives the free slots to waiting callers.
func (l *Limiter) admit() {
	for l.running < l.slots {
		next := l.next()
		if next == nil {
			return
		}
		close(next.queue[0])
		next.running++
		l.running++
		l.dequeue(next, 0)
		if len(next.queue) > 0 { // it moves to the end of the turns
			l.turns = append(slices.DeleteFunc(l.turns, func(c *caller) bool { return c == next }), next)
		}
	}
}

// mostEach returns the maximum number of slots of one caller.
func (l *Limiter) mostEach() int { return l.slots - l.slots/4 }

// next returns the caller who gets the next free slot, or nil.
func (l *Limiter) next() *caller {
	var next *caller
	for _, c := range l.turns {
		if c.running < l.mostEach() && (next == nil || c.running < next.running) {
			next = c
		}
	}
	return next
}

// leave gives up a place in the queue. It returns false if the place has become a
// slot.
func (l *Limiter) leave(name string, admitted chan struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-admitted:
		return false
	default:
	}
	c := l.callers[name]
	l.dequeue(c, slices.Index(c.queue, admitted))
	l.forgetIdle(name)
	return true
}

func (l *Limiter) dequeue(c *caller, place int) {
	c.queue = slices.Delete(c.queue, place, place+1)
	l.waiting--
	if len(c.queue) == 0 {
		l.turns = slices.DeleteFunc(l.turns, func(other *caller) bool { return other == c })
	}
}

// forgetIdle removes a caller that has no request in the limiter.
func (l *Limiter) forgetIdle(name string) {
	if c := l.callers[name]; c.running == 0 && len(c.queue) == 0 {
		delete(l.callers, name)
	}
}
