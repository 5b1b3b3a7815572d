// Package flight runs work whose result several callers share: one read of the
// platform answers everybody who needs it. It also turns panics in such work
// into errors, because a panic in a goroutine of its own would end the process.
package flight

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Flight is one piece of work whose result several callers share. The work runs
// in its own goroutine, with a context that does not end with any single request.
// A caller may leave without affecting the others. When the last caller has left,
// the work is cancelled. A Flight is safe for concurrent use.
type Flight[V any] struct {
	cancel context.CancelFunc
	done   chan struct{}
	value  V // set before done is closed, like err
	err    error

	waiting atomic.Int32 // callers that wait for the end

	mu    sync.Mutex
	seats int // callers that have joined and have neither left nor got the result
}

// causedContext ends when its life does. It has the values of the request that
// caused the work, so that traces and logs show the request it was done for.
type causedContext struct {
	context.Context // the life
	cause           context.Context
	urgent          func() bool // reports whether somebody waits for the work
}

type (
	causeKey     struct{}
	urgentKey    struct{}
	unhurriedKey struct{}
)

// Unhurried returns a context whose owner waits for shared work without making it urgent;
// see Pace.
func Unhurried(ctx context.Context) context.Context {
	return context.WithValue(ctx, unhurriedKey{}, true)
}

// CauseDeadline returns the deadline of the request that caused the work with this
// context. The work may go on after it, but that request gets nothing then. It reports
// false if ctx is not that of shared work, or if the request has no deadline.
func CauseDeadline(ctx context.Context) (time.Time, bool) {
	cause, ok := ctx.Value(causeKey{}).(context.Context)
	if !ok {
		return time.Time{}, false
	}
	return cause.Deadline()
}

// Value implements context.Context. It asks the life first, because package
// context finds the parent to be cancelled with through a value.
func (c causedContext) Value(key any) any {
	switch key {
	case causeKey{}:
		return c.cause
	case urgentKey{}:
		return c.urgent
	}
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.cause.Value(key)
}

// Start starts the work. Its context ends with life or after the timeout. The
// cause is the context of the request that needs the work first: the work sees
// its values but does not end with it. Start takes the first seat for its caller,
// who calls Wait or WaitOrLetFinish at most once. If the caller never does, the
// seat stays taken and the work goes on even if all others leave.
func Start[V any](life, cause context.Context, timeout time.Duration, work func(context.Context) (V, error)) *Flight[V] {
	f := &Flight[V]{done: make(chan struct{}), seats: 1}
	ctx, cancel := context.WithTimeout(causedContext{life, cause, f.urgent}, timeout)
	f.cancel = cancel
	go func() {
		defer close(f.done)
		defer cancel()
		f.value, f.err = Guard(func() (V, error) { return work(ctx) })
	}()
	return f
}

// Join takes a seat and reports whether it could. It cannot when all callers have
// left, because the work has then ended or been cancelled. A caller that has
// joined calls Wait or WaitOrLetFinish once.
func (f *Flight[V]) Join() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seats == 0 {
		return false
	}
	f.seats++
	return true
}

// Wait returns the result and gives up the seat. If ctx ends first, it returns
// the error of ctx.
func (f *Flight[V]) Wait(ctx context.Context) (V, error) {
	defer f.leave()
	return f.result(ctx)
}

// WaitOrLetFinish is like Wait, but if the deadline of ctx passes, the seat stays
// taken: the work goes on for later callers. A caller whose ctx is cancelled
// leaves.
func (f *Flight[V]) WaitOrLetFinish(ctx context.Context) (V, error) {
	value, err := f.result(ctx)
	if f.Ended() || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.leave()
	}
	return value, err
}

// Done returns a channel that is closed when the work has ended.
func (f *Flight[V]) Done() <-chan struct{} { return f.done }

// Outlast waits until the work has ended, for a caller who has no seat. If ctx ends
// first, it returns the error of ctx.
func (f *Flight[V]) Outlast(ctx context.Context) error {
	if ctx.Value(unhurriedKey{}) == nil {
		f.waiting.Add(1)
		defer f.waiting.Add(-1)
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *Flight[V]) urgent() bool { return f.waiting.Load() > 0 }

// Ended reports whether the work has ended.
func (f *Flight[V]) Ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func (f *Flight[V]) result(ctx context.Context) (V, error) {
	if err := f.Outlast(ctx); err != nil {
		var none V
		return none, err
	}
	return f.value, f.err
}

func (f *Flight[V]) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seats--; f.seats == 0 {
		f.cancel()
	}
}
