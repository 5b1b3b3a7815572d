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

// errNobody is the answer to a request whose caller was not authenticated.
var errNobody = &lead.SourceError{Kind: lead.FailureAuth, Err: errors.New("there is no caller whose token could be passed on")}

// pool holds the readers of each partition, for as long as they are used. It is
// safe for concurrent use.
type pool struct {
	caller     func(context.Context) (partition, token string)
	open       func(token string, p *partition) *readers
	maxCallers int
	maxLeads   int
	// idle is when the readers of a caller who asks no more are closed.
	idle time.Duration

	closing sync.WaitGroup

	mu         sync.Mutex
	partitions map[string]*partition
	leads      int         // in all of their catalogues
	sweep      *time.Timer // nil while there is nothing to close
}

// partition is what is held for one caller. Its fields are guarded by the pool.
type partition struct {
	*readers
	key   string
	users int // requests that read right now
	last  time.Time
	leads int // in the catalogue
	// gone is set when the partition has left the pool; the last user closes it.
	gone bool
	// refusal is the error with which the platform refused the token, if it did.
	refusal error
}

func newPool(o Options, client *upstream.Client) *pool {
	p := &pool{
		caller:     o.Caller,
		maxCallers: o.MaxCallers,
		maxLeads:   o.MaxLeads,
		// After this the catalogue is of no more use than none.
		idle:       o.Caches.CatalogueTTL + o.Caches.CatalogueRevalidate,
		partitions: map[string]*partition{},
	}
	o.Caches.LookupBytes = max(o.Caches.LookupBytes/int64(o.MaxCallers), 1)
	p.open = func(token string, of *partition) *readers {
		own := client.WithToken(token)
		judged := judged{source: own, all: allLeads{own, o.Caches.CataloguePageSize}, refused: func(err error) { p.refuse(of, err) }}
		return newReaders(o, own, judged, judged, nil)
	}
	return p
}

// withReaders calls read with the readers of the caller. If the platform refuses
// the token meanwhile, to this request or to another, what was read with it
// before is not shown any more.
func withReaders[T any](ctx context.Context, p *pool, read func(*readers) (T, error)) (T, error) {
	var none T
	key, token := p.caller(ctx)
	if key == "" {
		return none, errNobody
	}
	of := p.enter(key, token)
	defer p.leave(of)
	result, err := read(of.readers)
	if authFailed(err) {
		p.refuse(of, err)
	}
	if refusal := p.refusal(of); refusal != nil {
		return none, refusal
	}
	if snapshot, ok := any(result).(*catalogue.Snapshot); ok && err == nil {
		p.weigh(of, snapshot.Len())
	}
	return result, err
}

func authFailed(err error) bool {
	failure, ok := errors.AsType[*lead.SourceError](err)
	return ok && failure.Kind == lead.FailureAuth
}

// enter returns the partition of a caller, who uses it until leave.
func (p *pool) enter(key, token string) *partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, known := p.partitions[key]
	if !known {
		of = &partition{key: key}
		of.readers = p.open(token, of)
		p.partitions[key] = of
	}
	of.users++
	p.evict()
	return of
}

func (p *pool) leave(of *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of.users--
	of.last = time.Now()
	if of.users > 0 {
		return
	}
	if of.gone {
		p.shut(of)
		return
	}
	p.evict()
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.idle, p.closeIdle)
	}
}

// evict drops the partitions that were used the longest ago until the rest is
// within the bounds, or in use. The last one stays: a catalogue that is too large
// by itself would have to be read for each request.
func (p *pool) evict() {
	for len(p.partitions) > 1 && (len(p.partitions) > p.maxCallers || p.leads > p.maxLeads) {
		var oldest *partition
		for _, of := range p.partitions {
			if of.users == 0 && (oldest == nil || of.last.Before(oldest.last)) {
				oldest = of
			}
		}
		if oldest == nil {
			return
		}
		p.drop(oldest)
	}
}

// drop takes a partition out of the pool.
func (p *pool) drop(of *partition) {
	if of.gone {
		return
	}
	of.gone = true
	delete(p.partitions, of.key)
	p.leads -= of.leads
	if of.users == 0 {
		p.shut(of)
	}
}

// shut closes the readers of a partition that nobody uses. It is a read of
// theirs that may have asked for it, and closing waits for reads.
func (p *pool) shut(of *partition) { p.closing.Go(of.close) }

// closeIdle closes the readers of callers who ask no more.
func (p *pool) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep = nil
	next := p.idle
	for _, of := range p.partitions {
		switch left := p.idle - time.Since(of.last); {
		case of.users > 0:
		case left <= 0:
			p.drop(of)
		default:
			next = min(next, left)
		}
	}
	if len(p.partitions) > 0 {
		p.sweep = time.AfterFunc(next, p.closeIdle)
	}
}

// refuse forgets all that was read with a token that the platform refuses.
func (p *pool) refuse(of *partition, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of.refusal = why
	p.drop(of)
}

func (p *pool) refusal(of *partition) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return of.refusal
}

// weigh notes how many leads the catalogue of a partition holds.
func (p *pool) weigh(of *partition, leads int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of.gone {
		return
	}
	p.leads += leads - of.leads
	of.leads = leads
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
	for _, of := range p.partitions {
		p.drop(of)
	}
	p.mu.Unlock()
	p.closing.Wait()
}

// judged watches the reads of shared flights, which end with no request, for the
// platform's refusal of the token.
type judged struct {
	source  lookup.TenantSource
	all     catalogue.Source
	refused func(error)
}

// LeadsByTenant implements lead.TenantSource.
func (j judged) LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error) {
	leads, err := j.source.LeadsByTenant(ctx, tenantID, checkOnline)
	if authFailed(err) {
		j.refused(err)
	}
	return leads, err
}

// AllLeads implements lead.Source.
func (j judged) AllLeads(ctx context.Context, notBefore time.Time) (catalogue.Reading, error) {
	reading, err := j.all.AllLeads(ctx, notBefore)
	if authFailed(err) {
		j.refused(err)
	}
	return reading, err
}
