package lead

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flight is one piece of work whose result several callers share. It runs in
// its own goroutine on its own bounded context: a caller may leave alone, and the
// work is cancelled when the last one has left.
type flight[V any] struct {
	cancel context.CancelFunc
	done   chan struct{}
	value  V // like err set before done is closed
	err    error

	mu    sync.Mutex
	seats int // callers that joined and have neither left nor got the result
}

// causedContext ends when its life does and has the values of the request that
// caused the work, so that a trace and a log show whom it was done for.
type causedContext struct {
	context.Context // the life
	cause           context.Context
}

// Value implements context.Context. The life comes first, because its end is
// found through values.
func (c causedContext) Value(key any) any {
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.cause.Value(key)
}

// takeOff starts the work. The caller has the first seat: it calls wait once, or
// never, which lets the work go on whoever else leaves. ctx bounds the work
// beside the timeout; of a request it has the values at most.
func takeOff[V any](ctx context.Context, timeout time.Duration, work func(context.Context) (V, error)) *flight[V] {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	f := &flight[V]{cancel: cancel, done: make(chan struct{}), seats: 1}
	go func() {
		defer close(f.done)
		defer cancel()
		f.value, f.err = guarded(func() (V, error) { return work(ctx) })
	}()
	return f
}

// join takes a seat; false if all have left, so that the result is no longer to
// be had. After true the caller calls wait once.
func (f *flight[V]) join() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seats == 0 {
		return false
	}
	f.seats++
	return true
}

// wait returns the result, or the error of ctx if that ends first.
func (f *flight[V]) wait(ctx context.Context) (V, error) {
	defer f.leave()
	return f.peek(ctx)
}

// waitOrLetFinish is wait, but a caller whose time runs out lets the work go on
// for whoever asks next; only one who cancels leaves.
func (f *flight[V]) waitOrLetFinish(ctx context.Context) (V, error) {
	value, err := f.peek(ctx)
	if f.over() || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.leave()
	}
	return value, err
}

func (f *flight[V]) peek(ctx context.Context) (V, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (f *flight[V]) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seats--; f.seats == 0 {
		f.cancel()
	}
}

// over tells whether the work has ended.
func (f *flight[V]) over() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}
