package httpd

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// LimiterOptions bound what runs at a time. All are required but Queue.
type LimiterOptions struct {
	// InFlight is how many slots there are at most; see Follow. A caller gets at most
	// three quarters of them, so that the others find one free however long that
	// caller's take. With 0 there is no bound, and nothing is counted.
	InFlight int
	// Queue is how many may wait for a slot; with 0 all that find none are refused.
	Queue int
	// Wait bounds how long one waits.
	Wait time.Duration
}

// Limiter gives a bounded number of slots to any number of callers, and each of
// them its share. A free slot goes to the waiting caller who holds the fewest; of
// equals, to the one whose last turn is the longest ago. It is safe for
// concurrent use.
type Limiter struct {
	options LimiterOptions

	mu      sync.Mutex
	slots   int // at present
	running int
	waiting int
	callers map[string]*caller // those with something that runs or waits
	turns   []*caller          // those with something that waits, the longest without a turn first
}

// caller is one caller's share.
type caller struct {
	running int
	queue   []chan struct{} // one is closed when it gets its slot
}

// NewLimiter makes a Limiter whose slots are all free.
func NewLimiter(o LimiterOptions) *Limiter {
	return &Limiter{options: o, slots: o.InFlight, callers: map[string]*caller{}}
}

// LimiterState is what a limiter holds at a moment.
type LimiterState struct{ InFlight, Queued int }

// State returns what runs and what waits.
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

// Acquire takes a slot for a caller, and waits for one if it must and may. The
// release gives the slot back and has to be called once. It is nil if there is
// no slot: at once when too many wait already, later when the bound of the wait
// or ctx has ended. Then the client should wait for retryAfter.
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
	return release, 0 // it came meanwhile
}

// later is spread, so that those who were refused together do not come back
// together.
func later() time.Duration { return time.Second + rand.N(time.Second) }

// enter takes a slot or, if that is not to be had, a place in the queue. A
// caller may have as many places as are left after: one alone gets half of the
// queue, two get a third each, and who comes late still finds one.
func (l *Limiter) enter(name string) (admitted chan struct{}, taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.callers[name]
	if c == nil {
		c = &caller{}
	}
	// Where slots are free, nobody waits but callers that hold all they may.
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

// release gives a slot back, and to the next.
func (l *Limiter) release(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.callers[name].running--
	l.forgetIdle(name)
	l.admit()
}

// admit gives the free slots to those who wait.
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
		if len(next.queue) > 0 { // its next turn is after all others'
			l.turns = append(slices.DeleteFunc(l.turns, func(c *caller) bool { return c == next }), next)
		}
	}
}

// mostEach is how many slots one caller gets.
func (l *Limiter) mostEach() int { return l.slots - l.slots/4 }

// next is who gets a free slot.
func (l *Limiter) next() *caller {
	var next *caller
	for _, c := range l.turns {
		if c.running < l.mostEach() && (next == nil || c.running < next.running) {
			next = c
		}
	}
	return next
}

// leave gives a place in the queue up. It is false if the place has become a
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

// forgetIdle keeps the callers as few as what they have in the limiter.
func (l *Limiter) forgetIdle(name string) {
	if c := l.callers[name]; c.running == 0 && len(c.queue) == 0 {
		delete(l.callers, name)
	}
}
