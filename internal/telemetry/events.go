package telemetry

import (
	"context"
	"errors"
	"time"
)

// Operation is what is known of an operation once it was answered.
type Operation struct {
	// Name and Type are empty if it was refused before it was executed.
	Name, Type string
	// Status is that of HTTP.
	Status int
	// Codes are those of its errors, each once.
	Codes []string
	Bytes int
	Took  time.Duration
	// Stale is true if its catalogue was older than it should be.
	Stale bool
}

// Begin is called when a request for an operation has come. Its context is that
// of the operation, with which Done is called.
func (t *Telemetry) Begin(ctx context.Context, came time.Time) context.Context {
	t.inFlight.Inc()
	if t.spans == nil {
		return ctx
	}
	return t.spans.begin(ctx, came, t.options.RequestID(ctx))
}

// Done is called when an operation was answered.
func (t *Telemetry) Done(ctx context.Context, op Operation) {
	t.inFlight.Dec()
	label, code := t.names.label(op.Name), gravest(op.Codes)
	t.operations.WithLabelValues(label, code).Inc()
	for _, code := range op.Codes {
		t.errors.WithLabelValues(listed(closedCodes, code)).Inc()
	}
	t.duration.WithLabelValues(label).Observe(op.Took.Seconds())
	if op.Stale {
		t.stale.Inc()
	}
	if t.spans != nil {
		t.spans.end(ctx, op, label, code)
	}
}

// Refused counts a request that did not become an operation.
func (t *Telemetry) Refused(code string) {
	t.refused.WithLabelValues(listed(closedCodes, code)).Inc()
}

// Attempt is one request to the platform and how it ended.
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

// Batch counts the lookups of distinct tenants that were asked for together, of
// which some took no waiting for a read.
func (t *Telemetry) Batch(tenants, hits int, plan string) {
	t.batches.Observe(float64(tenants))
	t.planned.WithLabelValues(listed(plans, plan)).Inc()
	t.lookups.WithLabelValues("hit").Add(float64(hits))
	t.lookups.WithLabelValues("miss").Add(float64(tenants - hits))
}

// Refreshed counts a reading of all leads, which took so many requests to the
// platform; none if another replica had read them.
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

// Published notes the catalogue that is served from now on.
func (t *Telemetry) Published(asOf time.Time, leads int) {
	t.scraped.published.Store(&published{asOf, leads})
}
