package backend

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"leadgraph/internal/share"
	"leadgraph/lead"
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
	stop   func() // ends following other replicas
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
	all = &confirmed{next: all, latest: r.latest, log: o.Logger}
	kept := changes.Options{Retention: o.Caches.ChangesRetention, MaxBytes: o.Caches.ChangesMemory}
	var shared *share.Source
	if store != nil {
		shared = store.Source(all, share.SourceOptions{
			Keep: max(o.Caches.CatalogueTTL, kept.Retention), MaxBytes: kept.MaxBytes,
			Latest: func() *catalogue.Snapshot { return r.Current(context.Background()) },
		})
		all, lookups.Shared = shared, store.Lookups(o.Caches.LookupTTL)
		kept.History, kept.CatchUp = shared, func(ctx context.Context) { r.Adopt(ctx, shared.Newer) }
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
	r.feed = changes.NewFeed(r.Catalogue, kept, o.Caches.ChangesInterval, o.Logger)
	r.stop = r.follow(store, shared)
	return r
}

// latest returns what reports whether a reading has all leads that were there before, or nil
// if nothing is known of them.
func (r *readers) latest(ctx context.Context) func([]*lead.Lead) bool {
	if base := share.Base(ctx); base != nil {
		return func(leads []*lead.Lead) bool {
			ids := idsOf(leads)
			return !slices.ContainsFunc(base, func(l *lead.Lead) bool { _, is := ids[l.ID]; return !is })
		}
	}
	if s := r.Current(ctx); s != nil {
		return s.Within
	}
	return nil
}

// followEvery is the mean interval at which a replica looks whether another one has shared
// newer leads, so that all show the same revision within a second.
const followEvery = 400 * time.Millisecond

// follow takes over what other replicas share, once there are leads, until stop is called.
// Without a store it does nothing.
func (r *readers) follow(store *share.Store, shared *share.Source) (stop func()) {
	if store == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		for {
			select {
			case <-time.After(time.Duration((0.5 + rand.Float64()) * float64(followEvery))):
			case <-ctx.Done():
				return
			}
			if r.Current(ctx) != nil && !store.Lost() && !r.Traffic(lead.Freshness{}).Running {
				r.Adopt(ctx, shared.Newer)
			}
		}
	})
	return func() {
		cancel()
		run.Wait()
	}
}

// close cancels shared reads and returns when they have ended. It leaves the client
// open, because all readers of a platform share it.
func (r *readers) close() {
	r.stop()
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
