package telemetry

import (
	"context"
	"errors"
	"time"

	"leadgraph/internal/errcode"
)

// subscription is the type of an operation whose duration says nothing of the server.
const subscription = "subscription"

// Operation describes an operation that was answered.
type Operation struct {
	// Name and Type are empty if the operation was refused before execution.
	Name, Type string
	// Status is the HTTP status.
	Status int
	// Codes lists the codes of the operation's errors, each once.
	Codes []string
	Bytes int
	Took  time.Duration
	// Stale is true if the operation was answered from a stale catalogue.
	Stale bool
}

// Begin must be called when a request for an operation arrives. It returns the
// context of the operation, which must be passed to Done.
func (t *Telemetry) Begin(ctx context.Context, came time.Time) context.Context {
	t.inFlight.Inc()
	if t.spans == nil {
		return ctx
	}
	return t.spans.begin(ctx, came, t.options.RequestID(ctx))
}

// Done must be called when an operation was answered.
func (t *Telemetry) Done(ctx context.Context, op Operation) {
	t.inFlight.Dec()
	label, code := t.names.label(op.Name), gravest(op.Codes)
	t.operations.WithLabelValues(label, code).Inc()
	for _, code := range op.Codes {
		t.errors.WithLabelValues(listed(errcode.All(), code)).Inc()
	}
	if op.Type != subscription { // it lasts as long as its client likes
		t.duration.WithLabelValues(label).Observe(op.Took.Seconds())
	}
	if op.Stale {
		t.stale.Inc()
	}
	if t.spans != nil {
		t.spans.end(ctx, op, label, code)
	}
}

// Refused counts a request that did not become an operation.
func (t *Telemetry) Refused(code string) {
	t.refused.WithLabelValues(listed(errcode.All(), code)).Inc()
}

// Attempt describes one request to the platform and its outcome.
type Attempt struct {
	Kind    string
	Outcome string
	Status  int
	Took    time.Duration
	Bytes   int64
	Retry   bool
}

// Attempt counts a request to the platform.
func (t *Telemetry) Attempt(_ context.Context, a Attempt) {
	kind := listed(kinds, a.Kind)
	t.attempts.WithLabelValues(kind, listed(outcomes, a.Outcome)).Inc()
	t.attemptDuration.WithLabelValues(kind).Observe(a.Took.Seconds())
	t.received.WithLabelValues(kind).Add(float64(a.Bytes))
	if a.Retry {
		t.retries.WithLabelValues(kind).Inc()
	}
}

// Batch counts lookups of distinct tenants that one operation requested together.
// Hits is the number of them that were answered without waiting for a read.
func (t *Telemetry) Batch(tenants, hits int, plan string) {
	t.batches.Observe(float64(tenants))
	t.planned.WithLabelValues(listed(plans, plan)).Inc()
	t.lookups.WithLabelValues("hit").Add(float64(hits))
	t.lookups.WithLabelValues("miss").Add(float64(tenants - hits))
}

// Refreshed counts a refresh of the catalogue. Calls is the number of requests to
// the platform; it is 0 if the leads came from another replica.
func (t *Telemetry) Refreshed(took time.Duration, calls int, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		t.refreshes.WithLabelValues(refreshCanceled).Inc()
		return
	case err != nil:
		t.refreshes.WithLabelValues(refreshFailed).Inc()
		return
	case calls == 0:
		t.refreshes.WithLabelValues(refreshShared).Inc()
	default:
		t.refreshes.WithLabelValues(refreshRead).Inc()
	}
	t.refresh.Observe(took.Seconds())
}

// Published records the catalogue that is served from now on, and how many rows of the
// platform could not be read for it.
func (t *Telemetry) Published(asOf time.Time, leads, unreadable int) {
	t.scraped.published.Store(&published{asOf, leads, unreadable})
}

// Conflicts counts rows that share an id with another one but differ from it.
func (t *Telemetry) Conflicts(rows int) { t.conflicts.Add(float64(rows)) }

// Disordered counts a read of all leads whose order changed meanwhile.
func (t *Telemetry) Disordered() { t.disordered.Inc() }

// Unreadable counts the rows of an answer that could not be read, by reason.
func (t *Telemetry) Unreadable(reasons map[string]int) {
	for reason, n := range reasons {
		t.unreadable.WithLabelValues(listed(unreadableReasons, reason)).Add(float64(n))
	}
}
