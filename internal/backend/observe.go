package backend

import (
	"context"
	"net/http"

	"leadgraph/internal/admission"
	"leadgraph/internal/telemetry"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/upstream"
	"leadgraph/upstream/guard"
)

// observe counts lookups and refreshes. The age and size of a catalogue are
// measured only if there is one catalogue for all callers.
func (o *Options) observe(lookups *lookup.Options, snapshots *catalogue.Options) {
	lookups.OnBatch = func(tenants int, took lookup.Report) { o.Telemetry.Batch(tenants, took.CacheHits, took.Plan) }
	snapshots.OnRefresh = o.Telemetry.Refreshed
	if o.Caller != nil {
		return
	}
	feed := snapshots.OnPublish
	snapshots.OnPublish = func(ctx context.Context, s *catalogue.Snapshot) {
		feed(ctx, s)
		o.Telemetry.Published(s.AsOf(), s.Len(), s.Unreadable())
	}
}

// observeClient counts and traces requests to the platform.
func observeClient(client *upstream.Options, to *telemetry.Telemetry) {
	client.Observe = func(ctx context.Context, a guard.Attempt) { to.Attempt(ctx, telemetry.Attempt(a)) }
	client.ObserveUnreadable = func(_ context.Context, reasons map[string]int) { to.Unreadable(reasons) }
	client.ObserveConflicts = func(_ context.Context, rows int) { to.Conflicts(rows) }
	client.ObserveDisorder = func(context.Context) { to.Disordered() }
	client.Wrap = func(next http.RoundTripper) http.RoundTripper { return to.Wrap(admission.Wrap(next)) }
}

// clientState returns the state of the client for its metrics.
func (p *Platform) clientState() telemetry.Upstream {
	s, pages := p.client.State(), p.client.Facts()
	gates := map[string]telemetry.Gate{}
	for kind, gate := range s.Gates {
		gates[kind] = telemetry.Gate(gate)
	}
	return telemetry.Upstream{
		Gates:   gates,
		Breaker: s.Breaker, Limit: s.Limit, InFlight: s.InFlight, Queued: s.Queued, TokenExpires: s.TokenExpires,
		PageLeads: pages.Filled, PageCap: pages.Cap, FirstPage: pages.FirstPage, ListEnd: pages.End,
	}
}
