package transport

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
)

// Operation describes an operation that was answered.
type Operation struct {
	// Name and Type are empty if it was refused before it was executed.
	Name, Type string
	// Status is the HTTP status.
	Status int
	// Codes are the codes of its errors, each once.
	Codes []string
	Bytes int
	Took  time.Duration
	// Stale is true if its catalogue was older than it should be.
	Stale bool
}

// watcher follows operations from the request to the response.
type watcher struct {
	logger    *slog.Logger
	refusals  *admission.Tally // of operations that were refused for want of room
	floods    *admission.Tally // of WebSockets that were refused or closed
	beginHook func(context.Context, time.Time) context.Context
	doneHook  func(context.Context, Operation)
}

func newWatcher(o Options) watcher {
	w := watcher{
		logger: o.Logger, beginHook: o.Begin, doneHook: o.Done,
		refusals: admission.NewTally(o.Logger, "overloaded: operations refused"),
		floods:   admission.NewTally(o.Logger, "WebSockets or subscriptions refused or closed: too many connections or messages of one client"),
	}
	if w.beginHook == nil {
		w.beginHook = func(ctx context.Context, _ time.Time) context.Context { return ctx }
	}
	if w.doneHook == nil {
		w.doneHook = func(context.Context, Operation) {}
	}
	return w
}

// watch is the state of a running operation that is reported at its end.
type watch struct {
	came  time.Time
	stale atomic.Bool
}

type watchKey struct{}

// begin returns the context of a new operation.
func (w watcher) begin(ctx context.Context, came time.Time) context.Context {
	return context.WithValue(w.beginHook(ctx, came), watchKey{}, &watch{came: came})
}

// MarkStale records that the operation of a context used a stale catalogue.
func MarkStale(ctx context.Context) { ctx.Value(watchKey{}).(*watch).stale.Store(true) }

// done reports an operation that was answered and writes its line in the log.
// It is called once, in the context that begin returned. definition is nil if
// the operation was refused before it was executed. more are further attributes of the line.
func (w watcher) done(ctx context.Context, definition *ast.OperationDefinition, status int, errs gqlerror.List, size int, more ...any) {
	watched := ctx.Value(watchKey{}).(*watch)
	op := Operation{Status: status, Codes: codes(errs), Bytes: size, Took: time.Since(watched.came), Stale: watched.stale.Load()}
	if definition != nil {
		op.Name, op.Type = definition.Name, string(definition.Operation)
	}
	if slices.Equal(op.Codes, []string{errcode.Overloaded}) {
		w.refusals.Add() // under load, a line each would cost more than the refusal
		w.doneHook(ctx, op)
		return
	}
	w.logger.InfoContext(ctx, "operation", append([]any{"name", op.Name, "status", status, "codes", op.Codes,
		"bytes", size, "durationMs", float64(op.Took.Microseconds()) / 1000}, more...)...)
	w.doneHook(ctx, op)
}

// codes returns the codes of errors, each once.
func codes(errs gqlerror.List) []string {
	var list []string
	seen := map[string]bool{}
	for _, err := range errs {
		if code, ok := err.Extensions["code"].(string); ok && !seen[code] {
			seen[code] = true
			list = append(list, code)
		}
	}
	return list
}
