// Package backend owns what belongs to one account on the platform: the client
// with its breaker and budget, the catalogue of all leads, the lookups, what
// replicas share, and the seal of cursors. All callers read the same leads, or,
// when callers' own tokens are passed on, each caller has a catalogue and lookups
// of its own.
package backend

import (
	"cmp"
	"context"
	"log/slog"

	"leadgraph/graph/pagination"
	"leadgraph/internal/config"
	"leadgraph/internal/share"
	"leadgraph/internal/telemetry"
	"leadgraph/lead/catalogue"
	"leadgraph/upstream"
)

// DefaultName is the name of a platform that is given none.
const DefaultName = "default"

// Options configures a platform.
type Options struct {
	// Name identifies the account to operators; empty means DefaultName.
	Name string
	// Upstream configures the client. In passthrough it holds no credentials.
	Upstream upstream.Options
	Caches   config.Caches
	// CursorKey encrypts cursors: at least 32 random bytes, the same in all
	// replicas. Nil means a key derived from the credentials or, without
	// credentials, a random key that no other process has.
	CursorKey []byte
	// CursorKeyPrevious is the key before the last change, or nil. Cursors made with
	// it are accepted for a day.
	CursorKeyPrevious []byte
	// SecretPrevious is the client secret before the last change, or "". Cursors made
	// with the key derived from it are accepted for a day.
	SecretPrevious string
	// Caller returns the partition and the token of the caller of a context, so that
	// leads are read with the callers' own tokens. If Caller is nil, leads are read
	// with the platform's credentials for everybody.
	Caller func(context.Context) (partition, token string)
	// MaxCallers is the maximum number of callers with caches of their own, and
	// MaxLeads that of leads in their catalogues together. Both only apply with
	// Caller.
	MaxCallers, MaxLeads int
	// Telemetry, if not nil, counts and traces what is read.
	Telemetry *telemetry.Telemetry
	Logger    *slog.Logger // nil means no log
}

// namespace separates what the replicas of this account share in Redis from what
// other accounts store there.
func (o *Options) namespace() string {
	return o.Upstream.BaseURL + " " + o.Upstream.Credentials.ClientID
}

// Platform reads the leads of one account on the platform. It owns everything that
// belongs to the account, so several platforms can exist side by side. It
// implements the interfaces that package graph declares and is safe for concurrent
// use.
type Platform struct {
	name    string
	options Options // for what is renewed
	client  *upstream.Client
	cursors *pagination.Seal
	common  *readers     // nil if each caller has readers of its own
	pool    *pool        // nil if all callers share the common readers
	shared  *share.Store // nil if replicas share nothing
	hints   *hints       // nil if each caller has readers of its own
}

// Open returns a platform without sending it a request. Close it after use.
func Open(o Options) (*Platform, error) {
	o.Name = cmp.Or(o.Name, DefaultName)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	keys, err := o.cursorKeys()
	if err != nil {
		return nil, err
	}
	keys.invent(o.Logger)
	if len(o.Upstream.IDKey) == 0 {
		o.Upstream.IDKey = o.idKey(keys)
	}
	if o.Telemetry != nil {
		observeClient(&o.Upstream, o.Telemetry)
	}
	client, err := upstream.NewClient(o.Upstream)
	if err != nil {
		return nil, err
	}
	p := &Platform{name: o.Name, client: client, cursors: o.seal(keys), options: o}
	if o.Telemetry != nil {
		o.Telemetry.Watch(telemetry.Sources{Callers: p.Callers, Changes: p.changes, Upstream: p.clientState, Shared: p.sharedState})
	}
	if o.Caller != nil {
		p.pool = newPool(o, client)
		return p, nil
	}
	if o.Caches.RedisURL != "" {
		p.shared, err = share.Open(share.Options{
			URL:       string(o.Caches.RedisURL),
			Key:       o.Caches.RedisKey.Key(),
			Bound:     o.Caches.RedisTimeout,
			Namespace: o.namespace(),
			MaxLeads:  o.Upstream.MaxLeads,
			Logger:    o.Logger,
		})
		if err != nil {
			client.Close()
			return nil, err
		}
		client.ShareGates(p.shared)
	}
	p.hints = &hints{store: p.shared, client: client}
	all := hinted{allLeads{client, o.Caches.CataloguePageSize, func() *catalogue.Snapshot { return p.common.Current(context.Background()) }}, p.hints}
	p.common = newReaders(o, client, client, all, p.shared)
	if o.Caches.Changes == config.ChangesAlways {
		p.common.feed.Listen() // until Close
	}
	return p, nil
}

// Close cancels reads in the background and returns when they have ended. All
// requests must have ended before.
func (p *Platform) Close() {
	if p.pool != nil {
		p.pool.close()
	}
	if p.common != nil {
		p.common.close()
	}
	if p.shared != nil {
		p.shared.Close()
	}
	p.client.Close()
}

// Name returns the name of the account, for example for a label of its metrics.
func (p *Platform) Name() string { return p.name }

// Cursors returns the seal of the cursors into this account's leads.
func (p *Platform) Cursors() *pagination.Seal { return p.cursors }

// Warm reads all leads, unless each caller has a catalogue of its own.
func (p *Platform) Warm(ctx context.Context) error {
	if p.common == nil {
		return nil
	}
	return p.common.Warm(ctx)
}

// TokenFails reports whether the last request for an access token failed.
func (p *Platform) TokenFails() bool { return p.client.TokenFails() }

// PlatformFails reports whether the breaker currently holds back requests, because
// the platform has failed.
func (p *Platform) PlatformFails() bool { return p.client.State().Breaker != "closed" }

// CatalogueFails reports whether the last refresh of the catalogue failed. It is
// false if each caller has a catalogue of its own.
func (p *Platform) CatalogueFails() bool { return p.common != nil && p.common.Failing() }

// SharedIsLost reports whether the store that replicas share cannot be reached.
func (p *Platform) SharedIsLost() bool { return p.shared != nil && p.shared.Lost() }

// SharedRefuses reports whether the store that replicas share can be reached and
// refuses all or some of what is asked.
func (p *Platform) SharedRefuses() bool {
	return p.shared != nil && p.shared.Condition() == share.Refusing
}

// sharedState returns the state of the store that replicas share, for metrics.
func (p *Platform) sharedState() telemetry.Shared {
	if p.shared == nil {
		return telemetry.Shared{}
	}
	return telemetry.Shared{Condition: p.shared.Condition(), Rejected: p.shared.Rejected()}
}

// Callers returns the number of callers with caches of their own. It is 0 if all
// callers share the same caches.
func (p *Platform) Callers() int {
	if p.pool == nil {
		return 0
	}
	return p.pool.size()
}
