package backend

import (
	"context"

	"leadgraph/internal/telemetry"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/upstream"
	"leadgraph/upstream/guard"
)

// watch has lookups and readings of all leads counted. Of the catalogues of single
// callers none is the one whose age and size tell something.
func (o Options) watch(lookups *lookup.Options, kept *catalogue.Options) {
	lookups.OnBatch = func(tenants int, took lookup.Report) { o.Seen.Batch(tenants, took.CacheHits, took.Plan) }
	kept.OnRefresh = o.Seen.Refreshed
	if o.Caller != nil {
		return
	}
	feed := kept.OnPublish
	kept.OnPublish = func(s *catalogue.Snapshot) {
		feed(s)
		o.Seen.Published(s.AsOf(), s.Len())
	}
}

// watchClient has requests to the platform counted and traced.
func watchClient(platform *upstream.Options, seen *telemetry.Telemetry) {
	platform.Observe = func(ctx context.Context, a guard.Attempt) { seen.Attempt(ctx, telemetry.Attempt(a)) }
	platform.Wrap = seen.Wrap
}

// upstream is how the client stands with the platform.
func (b *Backend) upstream() telemetry.Upstream {
	s := b.client.State()
	return telemetry.Upstream{Breaker: s.Breaker, Limit: s.Limit, InFlight: s.InFlight, Queued: s.Queued, TokenExpires: s.TokenExpires}
}
