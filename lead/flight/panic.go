package flight

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"leadgraph/lead"
)

// PanicError is a panic in shared work, turned into an error. It fails the
// callers that wait for the work instead of the process.
type PanicError struct {
	// Value is the argument of panic. It may hold personal data, so it is not in
	// the error's text.
	Value any
	Stack []byte
}

// Error does not describe the value; Stack shows where the panic was.
func (e *PanicError) Error() string { return "panic" }

// LogValue adds the stack to a log line.
func (e *PanicError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("message", e.Error()), slog.String("stack", string(e.Stack)))
}

// Guard runs work and turns a panic into a *PanicError.
func Guard[V any](work func() (V, error)) (value V, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = &PanicError{Value: recovered, Stack: debug.Stack()}
		}
	}()
	return work()
}

// AsFailure returns the error of a read in the form that callers expect. A
// *lead.SourceError or *PanicError is returned as it is. Any other error becomes a
// *lead.SourceError: a timeout if a deadline has passed, otherwise unavailable.
func AsFailure(err error) error {
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
