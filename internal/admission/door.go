package admission

import (
	"container/list"
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// newcomerTurn is how often an operation that begins goes before those that go
// on: once in sixteen times. Operations that have begun hold memory, and take about
// five tokens each, so the house would fill up if they did not come first. But a slow
// platform whose answers arrive together must not hold up everybody else.
const newcomerTurn = 16

// Options configures a Door.
type Options struct {
	// InFlight is the most that operations in the house may weigh together; see
	// Slot.Reserve. One caller gets at most three quarters of it. 0 means no bounds:
	// nothing waits, nothing is refused and nothing is counted.
	InFlight int
	// Queue is how many operations may wait. With 0 an operation that would have to
	// wait is refused. Those that wait for others of the same caller to end count
	// apart: for each caller a quarter as many.
	Queue int
	// Wait is how long callers are ready to wait.
	Wait time.Duration
	// Tokens is how many operations may compute at a time. 0 means one more than
	// there are cores.
	Tokens int
}

// Door lets operations into the server. An operation needs a token while it
// computes, but not while it waits for the platform or its client. Operations
// that wait for a token hold nothing else. A Door is safe for concurrent use.
type Door struct {
	options Options
	tokens  int64
	free    atomic.Int64
	parked  atomic.Int64 // operations that wait for a token, of both kinds

	mu      sync.Mutex
	goingOn list.List // *waiter: operations that have begun, longest wait first
	callers map[string]*caller
	turns   turns // callers of operations that wait to begin
	waiting int   // operations that wait to begin
	turn    int
	clock   time.Duration // the used time of the caller whose turn was last
	line    line          // of those that wait to begin or for the house
	pressed atomic.Bool   // operations wait, so a rate is measured
	inHouse house
}

// waiter is an operation that waits for a token.
type waiter struct {
	ready chan struct{} // closed when it has the token
	place *list.Element // in the queue of its caller
}

// New returns a Door whose tokens are all free.
func New(o Options) *Door {
	if o.Tokens == 0 {
		o.Tokens = runtime.GOMAXPROCS(0) + 1
	}
	first := rate{perSecond: firstRate * float64(o.Tokens)}
	d := &Door{options: o, tokens: int64(o.Tokens), callers: map[string]*caller{}, line: line{rate: first}}
	d.inHouse = newHouse(o.InFlight, first)
	d.free.Store(d.tokens)
	return d
}

// State is what a Door holds at present.
type State struct {
	// Running is the number of operations that compute, Waiting the number of
	// those that wait to begin or to go on, Inside what those in the house weigh.
	Running, Waiting, Inside int
}

// State returns the present state.
func (d *Door) State() State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return State{Running: int(d.tokens - d.free.Load()), Waiting: int(d.parked.Load()) + d.inHouse.queue.Len() + d.inHouse.own, Inside: d.inHouse.used}
}

// Enter takes a token for an operation of the named caller, and waits for one if
// necessary. The slot must be released. It is nil if the operation is refused:
// at once if what waits would take longer than callers wait, or later when the
// longest wait or ctx ends. The client should then retry after retryAfter.
func (d *Door) Enter(ctx context.Context, name string) (slot *Slot, retryAfter time.Duration) {
	slot = &Slot{door: d, name: name}
	if d.options.InFlight == 0 {
		return slot, 0
	}
	if d.parked.Load() > 0 || d.pressed.Load() || !d.take() {
		if slot.queued = d.park(ctx, name); !slot.queued {
			return nil, Later()
		}
	}
	slot.held, slot.since = true, time.Now()
	return slot, 0
}

// Later returns a random delay, so that clients that were refused together do not
// return together.
func Later() time.Duration { return time.Second + rand.N(time.Second) }

// take takes a token if one is free.
func (d *Door) take() bool {
	for {
		free := d.free.Load()
		if free == 0 {
			return false
		}
		if d.free.CompareAndSwap(free, free-1) {
			return true
		}
	}
}

// leave returns a token.
func (d *Door) leave() {
	d.free.Add(1)
	if d.parked.Load() > 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hand()
	}
}

// hand gives the free tokens to those who wait.
func (d *Door) hand() {
	for d.parked.Load() > 0 && d.take() {
		d.turn++
		first := d.goingOn.Front()
		if first != nil && (d.waiting == 0 || d.turn%newcomerTurn != 0) {
			d.goingOn.Remove(first)
			d.grant(first.Value.(*waiter))
			continue
		}
		d.grant(d.next())
	}
}

func (d *Door) grant(w *waiter) {
	d.parked.Add(-1)
	close(w.ready)
}

// letOthersRun is called by an operation that waited for a token. Go's scheduler runs it
// next, ahead of requests that have arrived meanwhile: while one operation hands its token
// to another, these would not even be read, nor refused. It looks at them once in 61 times
// only, unless nothing else is next on the core.
func letOthersRun() { runtime.Gosched() }

// goOn takes a token for an operation that has begun. It returns false if ctx
// ends first.
func (d *Door) goOn(ctx context.Context) bool {
	if d.parked.Load() == 0 && d.take() {
		return true
	}
	d.mu.Lock()
	w := &waiter{ready: make(chan struct{})}
	w.place = d.goingOn.PushBack(w)
	d.parked.Add(1)
	d.hand() // a token may have been returned in the meantime
	d.mu.Unlock()
	select {
	case <-w.ready:
		letOthersRun()
		return true
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-w.ready:
		return true
	default:
	}
	d.goingOn.Remove(w.place)
	d.parked.Add(-1)
	return false
}
