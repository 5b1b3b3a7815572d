package lead

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// PanicError is a panic in shared work, turned into an error so that it fails
// those who wait for the work and not the process.
type PanicError struct {
	// Value is what panic was called with; it may hold anything, so it is not in
	// the error's text.
	Value any
	Stack []byte
}

// Error names the type of the value only.
func (e *PanicError) Error() string { return fmt.Sprintf("panic with a %T", e.Value) }

// LogValue adds the stack in the log.
func (e *PanicError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("message", e.Error()), slog.String("stack", string(e.Stack)))
}

// guarded runs work and turns a panic into a *PanicError.
func guarded[V any](work func() (V, error)) (value V, err error) {
	defer func() {
		switch recovered := recover().(type) {
		case nil:
		case *PanicError: // from another goroutine, with the stack that matters
			err = recovered
		default:
			err = &PanicError{Value: recovered, Stack: debug.Stack()}
		}
	}()
	return work()
}

// inParallel runs the parts at the same time and returns when all have. If one
// of them panics, so does inParallel in the caller's goroutine, where it can be
// recovered.
func inParallel(parts ...func()) {
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() {
			_, errs[i] = guarded(func() (struct{}, error) { part(); return struct{}{}, nil })
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			panic(err)
		}
	}
}
