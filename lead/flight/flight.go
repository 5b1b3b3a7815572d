package flight

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Flight is one piece of work whose result several callers share. It runs in
// its own goroutine on its own bounded context: a caller may leave alone, and the
// work is cancelled when the last one has left.
type Flight[V any] struct {
	cancel context.CancelFunc
	Done   chan struct{}
	value  V // like err set before done is closed
	err    error

	mu    sync.Mutex
	seats int // callers that joined and have neither left nor got the result
}

// causedContext ends when its life does and has the values of the request that
// caused the work, so that traces and logs show the request it was done for.
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

// Start starts the work, which life and the timeout bound. cause is the context
// of the request that needs it first: the work sees its values, not its end. The
// caller has the first seat: it calls Wait once, or never, which lets the work go
// on whoever else leaves.
func Start[V any](life, cause context.Context, timeout time.Duration, work func(context.Context) (V, error)) *Flight[V] {
	ctx, cancel := context.WithTimeout(causedContext{life, cause}, timeout)
	f := &Flight[V]{cancel: cancel, Done: make(chan struct{}), seats: 1}
	go func() {
		defer close(f.Done)
		defer cancel()
		f.value, f.err = Guard(func() (V, error) { return work(ctx) })
	}()
	return f
}

// Join takes a seat; false if all have left, so that the result is no longer to
// be had. After true the caller calls wait once.
func (f *Flight[V]) Join() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seats == 0 {
		return false
	}
	f.seats++
	return true
}

// Wait returns the result, or the error of ctx if that ends first.
func (f *Flight[V]) Wait(ctx context.Context) (V, error) {
	defer f.leave()
	return f.peek(ctx)
}

// WaitOrLetFinish is wait, but a caller whose time runs out lets the work go on
// for whoever asks next; only one who cancels leaves.
func (f *Flight[V]) WaitOrLetFinish(ctx context.Context) (V, error) {
	value, err := f.peek(ctx)
	if f.Over() || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.leave()
	}
	return value, err
}

func (f *Flight[V]) peek(ctx context.Context) (V, error) {
	select {
	case <-f.Done:
		return f.value, f.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (f *Flight[V]) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seats--; f.seats == 0 {
		f.cancel()
	}
}

// Over tells whether the work has ended.
func (f *Flight[V]) Over() bool {
	select {
	case <-f.Done:
		return true
	default:
		return false
	}
}
