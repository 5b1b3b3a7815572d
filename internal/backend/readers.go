package backend

import (
	"context"
	"time"

	"leadgraph/internal/share"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/changes"
	"leadgraph/lead/flight"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
	"leadgraph/upstream"
)

// readers are the client, lookups, catalogue, its log of changes and the memory of recent reads that the
// callers of one partition read leads with.
type readers struct {
	*upstream.Client
	*lookup.Lookups
	*catalogue.Catalogue
	memory *recent.Memory
	feed   *changes.Feed
}

// newReaders returns the readers of one partition. The store may be nil.
func newReaders(o Options, client *upstream.Client, tenants lookup.TenantSource, all catalogue.Source, store *share.Store) *readers {
	lookups := lookup.Options{
		TTL:         orOff(o.Caches.LookupTTL),
		NegativeTTL: orOff(o.Caches.LookupNegativeTTL),
		MaxBytes:    o.Caches.LookupBytes,
		FanOut:      o.Caches.FanOut,
		Logger:      o.Logger,

		NoCacheInterval: orOff(o.Caches.NoCacheInterval),
		StaleIfError:    o.Caches.StaleAge(),
		Denied:          client.Denied,
	}
	r := &readers{Client: client, memory: recent.New()}
	all = &confirmed{next: all, latest: func(ctx context.Context) *catalogue.Snapshot { return r.Current(ctx) }, log: o.Logger}
	if store != nil {
		all, lookups.Shared = store.Source(all, o.Caches.CatalogueTTL), store.Lookups(o.Caches.LookupTTL)
	}
	lookups.OnRead = func(tenantID string, found lookup.Found) { r.memory.Tenant(tenantID, found.Leads, found.AsOf) }
	snapshots := catalogue.Options{
		TTL:                  o.Caches.CatalogueTTL,
		StaleWhileRevalidate: o.Caches.CatalogueRevalidate,
		StaleIfError:         o.Caches.CatalogueIfError,
		ResortAge:            o.Caches.StaleAge(),
		Denied:               client.Denied,
		RefreshTimeout:       o.Caches.CatalogueTimeout,
		NoCacheInterval:      orOff(o.Caches.NoCacheInterval),
		Jitter:               0.1,
		OnPublish: func(ctx context.Context, s *catalogue.Snapshot) {
			r.memory.Publish(s)
			r.Feed(s)
			r.feed.Publish(ctx, s)
		},
		Logger: o.Logger,
	}
	if o.Telemetry != nil {
		o.observe(&lookups, &snapshots)
	}
	r.Catalogue = catalogue.New(all, snapshots)
	r.Lookups = lookup.New(tenants, r.Catalogue, lookups)
	kept := changes.Options{Retention: o.Caches.ChangesRetention, MaxBytes: o.Caches.ChangesMemory}
	r.feed = changes.NewFeed(r.Catalogue, kept, o.Caches.ChangesInterval, o.Logger)
	return r
}

// close cancels shared reads and returns when they have ended. It leaves the client
// open, because all readers of a platform share it.
func (r *readers) close() {
	r.feed.Close()
	r.Lookups.Close()
	r.Catalogue.Close()
}

// orOff converts a time to live for package lookup, where 0 means the default and a
// negative value turns the cache off.
func orOff(ttl time.Duration) time.Duration {
	if ttl == 0 {
		return -1
	}
	return ttl
}

// allLeads makes the client a source of the catalogue.
type allLeads struct {
	client   *upstream.Client
	pageSize int
	latest   func() *catalogue.Snapshot // the leads that were read before; nil if there are none
}

// AllLeads implements catalogue.Source. It reads the platform, so its leads are
// always new enough.
func (a allLeads) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	walk, err := a.client.AllLeadsAgain(ctx, a.pageSize, upstream.Again{Known: a.latest().Finder(), Rest: flight.NewPace(ctx).Rest})
	return catalogue.Reading{
		Leads: walk.Leads, Unreadable: walk.Unreadable, Complete: walk.Complete,
		Changed: walk.Changed, Pages: walk.Pages, Calls: walk.Calls,
	}, err
}
