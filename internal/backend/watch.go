package backend

import (
	"context"

	"leadgraph/internal/telemetry"
	"leadgraph/lead"
	"leadgraph/upstream"
)

// watch has lookups and readings of all leads counted. Of the catalogues of single
// callers none is the one whose age and size tell something.
func (o Options) watch(lookups *lead.LookupOptions, catalogue *lead.CatalogueOptions) {
	lookups.OnBatch = func(tenants int, took lead.Report) { o.Seen.Batch(tenants, took.CacheHits, took.Plan) }
	catalogue.OnRefresh = o.Seen.Refreshed
	if o.Caller != nil {
		return
	}
	feed := catalogue.OnPublish
	catalogue.OnPublish = func(s *lead.Snapshot) {
		feed(s)
		o.Seen.Published(s.AsOf(), s.Len())
	}
}

// watchClient has requests to the platform counted and traced.
func watchClient(platform *upstream.Options, seen *telemetry.Telemetry) {
	platform.Observe = func(ctx context.Context, a upstream.Attempt) { seen.Attempt(ctx, telemetry.Attempt(a)) }
	platform.Wrap = seen.Wrap
}

// upstream is how the client stands with the platform.
func (b *Backend) upstream() telemetry.Upstream {
	s := b.client.State()
	return telemetry.Upstream{Breaker: s.Breaker, Limit: s.Limit, InFlight: s.InFlight, Queued: s.Queued, TokenExpires: s.TokenExpires}
}
