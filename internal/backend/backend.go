// Package backend joins what reads leads: the client of the platform, the
// catalogue of all leads and the remembered lookups. There is one of each for
// everybody, or, where callers' own tokens are passed on, one for each caller.
package backend

import (
	"context"
	"log/slog"
	"time"

	"leadgraph/internal/config"
	"leadgraph/internal/share"
	"leadgraph/internal/telemetry"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/upstream"
)

// Options say what to read from and what to remember.
type Options struct {
	// Platform configures the client. In passthrough it holds no credentials.
	Platform upstream.Options
	Caches   config.Caches
	// Caller returns the partition and the token of the caller of a context, for
	// leads that are read with the callers' own tokens. If it is nil they are read
	// with the platform's credentials, for everybody.
	Caller func(context.Context) (partition, token string)
	// MaxCallers bounds the callers whose leads are remembered, and MaxLeads the
	// leads in their catalogues; both only with Caller.
	MaxCallers, MaxLeads int
	// Seen counts and traces what is read; nobody does if it is nil.
	Seen *telemetry.Telemetry
	Log  *slog.Logger
}

// Backend reads leads. It implements the interfaces that package graph declares
// and is safe for concurrent use.
type Backend struct {
	client *upstream.Client
	common *readers // nil if each caller has his own
	pool   *pool
	shared *share.Store // nil if there is none
	close  func()
	log    *slog.Logger
}

// readers are what the callers of one partition read leads with.
type readers struct {
	*upstream.Client
	*lookup.Lookups
	*catalogue.Catalogue
}

// close stops shared reads and returns when they have ended. The client is not
// the readers' own.
func (r *readers) close() {
	r.Lookups.Close()
	r.Catalogue.Close()
}

// Open makes a backend; it asks the platform nothing. Close it after use.
func Open(o Options) (*Backend, error) {
	if o.Seen != nil {
		watchClient(&o.Platform, o.Seen)
	}
	client, err := upstream.NewClient(o.Platform)
	if err != nil {
		return nil, err
	}
	b := &Backend{client: client, log: o.Log}
	if o.Seen != nil {
		o.Seen.Watch(telemetry.Sources{Callers: b.Callers, Upstream: b.upstream})
	}
	if o.Caller != nil {
		b.pool = newPool(o, client)
		b.close = b.pool.close
		return b, nil
	}
	if o.Caches.RedisURL != "" {
		b.shared, err = share.Open(share.Options{
			URL:       string(o.Caches.RedisURL),
			Key:       o.Caches.RedisKey.Key(),
			Bound:     o.Caches.RedisTimeout,
			Namespace: o.Platform.BaseURL + " " + o.Platform.Credentials.ClientID,
			Logger:    o.Log,
		})
		if err != nil {
			client.Close()
			return nil, err
		}
	}
	b.common = newReaders(o, client, client, allLeads{client, o.Caches.CataloguePageSize}, b.shared)
	b.close = func() {
		b.common.close()
		if b.shared != nil {
			b.shared.Close()
		}
	}
	return b, nil
}

// newReaders makes the catalogue and the lookups of one partition. shared may be
// nil.
func newReaders(o Options, client *upstream.Client, tenants lookup.TenantSource, all catalogue.Source, shared *share.Store) *readers {
	remembered := lookup.Options{
		TTL:         orOff(o.Caches.LookupTTL),
		NegativeTTL: orOff(o.Caches.LookupNegativeTTL),
		MaxBytes:    o.Caches.LookupBytes,
		FanOut:      o.Caches.FanOut,
		Logger:      o.Log,
	}
	if shared != nil {
		all, remembered.Shared = shared.Source(all, o.Caches.CatalogueTTL), shared.Lookups(o.Caches.LookupTTL)
	}
	r := &readers{Client: client}
	kept := catalogue.Options{
		TTL:                  o.Caches.CatalogueTTL,
		StaleWhileRevalidate: o.Caches.CatalogueRevalidate,
		StaleIfError:         o.Caches.CatalogueIfError,
		RefreshTimeout:       o.Caches.CatalogueTimeout,
		Jitter:               0.1,
		OnPublish:            func(s *catalogue.Snapshot) { r.Feed(s) },
		Logger:               o.Log,
	}
	if o.Seen != nil {
		o.watch(&remembered, &kept)
	}
	r.Catalogue = catalogue.New(all, kept)
	r.Lookups = lookup.New(tenants, r.Catalogue, remembered)
	return r
}

// orOff is what package lead takes for a time to live of zero: there it means
// the default, and off is negative.
func orOff(ttl time.Duration) time.Duration {
	if ttl == 0 {
		return -1
	}
	return ttl
}

// allLeads is the client as the catalogue's source.
type allLeads struct {
	client   *upstream.Client
	pageSize int
}

// AllLeads implements lead.Source. What it reads is always new enough.
func (a allLeads) AllLeads(ctx context.Context, _ time.Time) (catalogue.Reading, error) {
	walk, err := a.client.AllLeads(ctx, a.pageSize)
	return catalogue.Reading{Leads: walk.Leads, Complete: walk.Complete, Calls: walk.Calls}, err
}

// Close stops what is read in the background and returns when it has ended.
// Requests must have ended before.
func (b *Backend) Close() {
	b.close()
	b.client.Close()
}

// Warm reads all leads, unless each caller has his own. That they could not be read
// is logged.
func (b *Backend) Warm(ctx context.Context) {
	if b.common == nil {
		return
	}
	if err := b.common.Warm(ctx); err != nil && ctx.Err() == nil {
		b.log.WarnContext(ctx, "the catalogue is cold", "error", err)
	}
}

// PlatformFails tells whether the platform is not asked at the moment, because it
// has failed.
func (b *Backend) PlatformFails() bool { return b.client.State().Breaker != "closed" }

// CatalogueFails tells whether the last attempt to read all leads failed. It is
// false where each caller has his own.
func (b *Backend) CatalogueFails() bool { return b.common != nil && b.common.Failing() }

// SharedIsLost tells whether what replicas share cannot be reached.
func (b *Backend) SharedIsLost() bool { return b.shared != nil && b.shared.Lost() }

// Callers is the number of callers whose leads are remembered; 0 if they are the
// same for everybody.
func (b *Backend) Callers() int {
	if b.pool == nil {
		return 0
	}
	return b.pool.size()
}

// LeadsPage reads a page of the platform; see upstream.Client.
func (b *Backend) LeadsPage(ctx context.Context, page, size int, parts lead.Fields) ([]*lead.Lead, error) {
	if b.common != nil {
		return b.common.LeadsPage(ctx, page, size, parts)
	}
	return withReaders(ctx, b.pool, func(r *readers) ([]*lead.Lead, error) {
		return r.LeadsPage(ctx, page, size, parts)
	})
}

// EachLead reads a page of the platform lead by lead; see upstream.Client.
func (b *Backend) EachLead(ctx context.Context, page, size int, parts lead.Fields, restart func(), each func(*lead.Lead) error) error {
	if b.common != nil {
		return b.common.EachLead(ctx, page, size, parts, restart, each)
	}
	_, err := withReaders(ctx, b.pool, func(r *readers) (struct{}, error) {
		return struct{}{}, r.EachLead(ctx, page, size, parts, restart, each)
	})
	return err
}

// ByTenants looks tenants up; see lead.Lookups.
func (b *Backend) ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]lookup.Lookup, lookup.Report) {
	if b.common != nil {
		return b.common.ByTenants(ctx, tenantIDs, want)
	}
	var report lookup.Report
	found, err := withReaders(ctx, b.pool, func(r *readers) (found []lookup.Lookup, _ error) {
		found, report = r.ByTenants(ctx, tenantIDs, want)
		return found, nil
	})
	if err != nil {
		found = make([]lookup.Lookup, len(tenantIDs))
		for i := range found {
			found[i].Err = err
		}
	}
	return found, report
}

// Online looks a tenant up with the platform's help; see lead.Lookups.
func (b *Backend) Online(ctx context.Context, tenantID string) (lookup.Lookup, lookup.Report) {
	if b.common != nil {
		return b.common.Online(ctx, tenantID)
	}
	var report lookup.Report
	found, err := withReaders(ctx, b.pool, func(r *readers) (found lookup.Lookup, _ error) {
		found, report = r.Online(ctx, tenantID)
		return found, nil
	})
	if err != nil {
		found = lookup.Lookup{Err: err}
	}
	return found, report
}

// Snapshot returns all leads; see lead.Catalogue.
func (b *Backend) Snapshot(ctx context.Context, want lead.Freshness) (*catalogue.Snapshot, catalogue.State, error) {
	if b.common != nil {
		return b.common.Snapshot(ctx, want)
	}
	var state catalogue.State
	snapshot, err := withReaders(ctx, b.pool, func(r *readers) (snapshot *catalogue.Snapshot, err error) {
		snapshot, state, err = r.Snapshot(ctx, want)
		return snapshot, err
	})
	return snapshot, state, err
}
