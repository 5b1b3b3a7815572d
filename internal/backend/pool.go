package backend

import (
	"context"
	"errors"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/upstream"
)

// errNobody answers a request whose caller was not authenticated.
var errNobody = &lead.SourceError{Kind: lead.FailureAuth, Err: errors.New("the caller has no token to pass on")}

// pool holds the readers of each partition while they are in use. It is safe for
// concurrent use.
type pool struct {
	caller     func(context.Context) (partition, token string)
	open       func(token string, p *partition) *readers
	maxCallers int
	maxLeads   int
	// idle is how long the readers of a caller without requests stay open.
	idle time.Duration

	closing sync.WaitGroup
	tokens  tokens

	mu         sync.Mutex
	partitions map[string]*partition
	leads      int         // in the catalogues of all partitions
	listening  int         // partitions with listeners
	sweep      *time.Timer // calls closeIdle; nil while there is nothing to close
}

// partition holds the readers of one caller. The mutex of the pool protects its
// fields.
type partition struct {
	*readers
	key   string
	users int       // requests that are reading, and listeners
	last  time.Time // when the last request ended
	leads int       // in the catalogue
	// gone is true if the partition has left the pool. Its last user closes it.
	gone bool
	// refusal is the error with which the platform refused the token, or nil.
	refusal error
}

func newPool(o Options, client *upstream.Client) *pool {
	p := &pool{
		caller:     o.Caller,
		maxCallers: o.MaxCallers,
		maxLeads:   o.MaxLeads,
		// A catalogue older than this is read again anyway.
		idle:       o.Caches.CatalogueTTL + o.Caches.CatalogueRevalidate,
		partitions: map[string]*partition{},
	}
	o.Caches.LookupBytes = max(o.Caches.LookupBytes/int64(o.MaxCallers), 1)
	o.Caches.ChangesMemory = max(o.Caches.ChangesMemory/int64(o.MaxCallers), 1)
	p.open = func(token string, entry *partition) *readers {
		own := client.ForCaller(entry.key, token)
		var r *readers
		sources := tokenWatch{
			tenants: own, all: allLeads{own, o.Caches.CataloguePageSize, func() *catalogue.Snapshot { return r.Current(context.Background()) }},
			answered: func(err error) { p.answered(entry, err) },
		}
		r = newReaders(o, own, sources, sources, nil)
		return r
	}
	return p
}

// withReaders calls read with the readers of the caller. If the platform refuses the
// token meanwhile, for this request or another, withReaders returns that refusal
// instead of what was read with the token before.
func withReaders[T any](ctx context.Context, p *pool, read func(*readers) (T, error)) (T, error) {
	var none T
	key, token := p.caller(ctx)
	if key == "" {
		return none, errNobody
	}
	if refusal := p.tokens.refusal(key); refusal != nil {
		return none, refusal
	}
	entry := p.enter(key, token)
	defer p.leave(entry)
	result, err := read(entry.readers)
	if authFailed(err) {
		p.refuse(entry, err)
	}
	if refusal := p.refusal(entry); refusal != nil {
		return none, refusal
	}
	if snapshot, ok := any(result).(*catalogue.Snapshot); ok && err == nil && snapshot != nil {
		p.weigh(entry, snapshot.Len())
	}
	return result, err
}

// authFailed reports whether the platform refused the token.
func authFailed(err error) bool {
	failure, ok := errors.AsType[*lead.SourceError](err)
	return ok && failure.Kind == lead.FailureAuth
}

// enter returns the partition of a caller, to be used until leave.
func (p *pool) enter(key, token string) *partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry, known := p.partitions[key]
	if !known {
		entry = &partition{key: key}
		entry.readers = p.open(token, entry)
		p.partitions[key] = entry
	}
	entry.users++
	p.evict()
	return entry
}

func (p *pool) leave(entry *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry.users--
	entry.last = time.Now()
	if entry.users > 0 {
		return
	}
	if entry.gone {
		p.shut(entry)
		return
	}
	p.evict()
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.idle, p.closeIdle)
	}
}

// evict drops the least recently used partitions until the rest is within the
// limits or in use. It always keeps one: otherwise a catalogue that alone exceeds
// the limit would be read for every request.
func (p *pool) evict() {
	for len(p.partitions) > 1 && (len(p.partitions) > p.maxCallers || p.leads > p.maxLeads) {
		var oldest *partition
		for _, entry := range p.partitions {
			if entry.users == 0 && (oldest == nil || entry.last.Before(oldest.last)) {
				oldest = entry
			}
		}
		if oldest == nil {
			return
		}
		p.drop(oldest)
	}
}

// drop removes a partition from the pool.
func (p *pool) drop(entry *partition) {
	if entry.gone {
		return
	}
	entry.gone = true
	delete(p.partitions, entry.key)
	p.leads -= entry.leads
	if entry.users == 0 {
		p.shut(entry)
	}
}

// shut closes the readers of a partition that nobody uses. It does so in the
// background, because close waits for reads, and shut may be called by one of them.
func (p *pool) shut(entry *partition) { p.closing.Go(entry.close) }

// closeIdle closes the readers of callers that have sent no request for a while.
func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep = nil
	next := p.idle
	for _, entry := range p.partitions {
		switch left := p.idle - time.Since(entry.last); {
		case entry.users > 0:
		case left <= 0:
			p.drop(entry)
		default:
			next = min(next, left)
		}
	}
	if len(p.partitions) > 0 {
		p.sweep = time.AfterFunc(next, p.closeIdle)
	}
}

// refuse drops all that was read with a token, because the platform refuses it.
func (p *pool) refuse(entry *partition, why error) {
	p.tokens.refuse(entry.key, why)
	p.mu.Lock()
	defer p.mu.Unlock()
	entry.refusal = why
	p.drop(entry)
}

func (p *pool) refusal(entry *partition) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return entry.refusal
}

// weigh notes the number of leads in the catalogue of a partition.
func (p *pool) weigh(entry *partition, leads int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry.gone {
		return
	}
	p.leads += leads - entry.leads
	entry.leads = leads
	p.evict()
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.partitions)
}

// close closes all readers and returns when their reads have ended.
func (p *pool) close() {
	p.mu.Lock()
	if p.sweep != nil {
		p.sweep.Stop()
	}
	for _, entry := range p.partitions {
		p.drop(entry)
	}
	p.mu.Unlock()
	p.closing.Wait()
}

// answered notes what an answer of the platform says about the token.
func (p *pool) answered(entry *partition, err error) {
	switch {
	case authFailed(err):
		p.refuse(entry, err)
	case err == nil:
		p.tokens.accept(entry.key)
	}
}

// tokenWatch watches shared reads for what they say about the token. Shared reads
// may outlive the requests that wait for them, so withReaders may miss it.
type tokenWatch struct {
	tenants  lookup.TenantSource
	all      catalogue.Source
	answered func(error)
}

// LeadsByTenant implements lookup.TenantSource.
func (w tokenWatch) LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error) {
	leads, err := w.tenants.LeadsByTenant(ctx, tenantID, checkOnline)
	w.answered(err)
	return leads, err
}

// AllLeads implements catalogue.Source.
func (w tokenWatch) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	reading, err := w.all.AllLeads(ctx, notBefore)
	w.answered(err)
	return reading, err
}
