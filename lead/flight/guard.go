package flight

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"leadgraph/lead"
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

// Guard runs work and turns a panic into a *PanicError.
func Guard[V any](work func() (V, error)) (value V, err error) {
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

// Parallel runs the parts at the same time and returns when all have. If one
// of them panics, so does Parallel in the caller's goroutine, where it can be
// recovered.
func Parallel(parts ...func()) {
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() {
			_, errs[i] = Guard(func() (struct{}, error) { part(); return struct{}{}, nil })
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			panic(err)
		}
	}
}

// Failure makes errors that the source let through uniform.
func Failure(err error) error {
	if _, ok := errors.AsType[*lead.SourceError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*PanicError](err); ok {
		return err
	}
	kind := lead.FailureUnavailable
	if errors.Is(err, context.DeadlineExceeded) {
		kind = lead.FailureTimeout
	}
	return &lead.SourceError{Kind: kind, Err: err}
}
