// Package lookup finds the leads of single tenants and of batches of tenants. It
// answers from a short-lived cache or from a snapshot of the catalogue, and reads
// what is missing in the way that is expected to cost least.
package lookup

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// TenantSource reads the leads of one tenant.
type TenantSource interface {
	// LeadsByTenant returns all leads of a tenant, or an empty list if there are
	// none. With checkOnline, the platform asks Microsoft about a tenant that it
	// does not know, which writes on the platform [GAL]. Errors are *SourceError.
	// LeadsByTenant must be safe for concurrent use. Lookups set when the leads were
	// read, so nobody else may use them.
	LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error)
}

// SharedLookups is a cache of lookups that replicas share. Get returns the answers
// that it has, and Put stores what it can; neither fails. Both bound how long a
// call takes. Tenant ids are in lower case.
type SharedLookups interface {
	Get(ctx context.Context, tenantIDs []string) map[string]Found
	Put(ctx context.Context, found map[string]Found)
}

// Found is all leads of one tenant at one moment. The slice is shared; do not
// change it.
type Found struct {
	Leads []*lead.Lead
	// AsOf is when reading the leads began.
	AsOf time.Time
}

// Lookup is the answer to one lookup. The slice is shared; do not change it.
type Lookup struct {
	Leads []*lead.Lead // empty if the tenant has none, or after an error
	AsOf  time.Time
	// Stale is true if the leads are old because the platform fails.
	Stale bool
	// Err is the error of the caller's context, a *SourceError or a *PanicError.
	Err error
}

// Report describes the cost of a request for lookups.
type Report struct {
	// UpstreamCalls is the number of reads that this request caused. Other requests
	// that waited for the same reads do not count them.
	UpstreamCalls int
	// Rows is the number of leads in those reads.
	Rows int
	// CacheHits is the number of tenants that were answered without waiting for a read.
	CacheHits int
	// Plan is one of the Plan constants.
	Plan string
}

// The plans, which say how a request got the tenants that no cache had.
const (
	// PlanCache: the caches had all tenants.
	PlanCache = "cache"
	// PlanSingleReads: one read for each tenant.
	PlanSingleReads = "single reads"
	// PlanCatalogue: one read of all leads.
	PlanCatalogue = "catalogue"
	// PlanMixed: one read for each tenant, after reading all leads had failed.
	PlanMixed = "mixed"
)

// Options sets how old the answers to lookups may be, and limits their cost. Ages
// count from the moment at which reading began.
type Options struct {
	// TTL is how long the leads of a tenant are cached; 0 means DefaultLookupTTL. A
	// negative TTL turns the cache off. Concurrent lookups of a tenant share one
	// read in any case.
	TTL time.Duration
	// NegativeTTL is how long a tenant without leads is cached; 0 means
	// DefaultNegativeTTL. It is limited to the TTL.
	NegativeTTL time.Duration
	// NoCacheInterval is how old leads may be that count as fresh although a client
	// demands new ones; twice the expected duration of a read if that is longer. 0 means
	// lead.DefaultNoCacheInterval, a negative value none.
	NoCacheInterval time.Duration
	// StaleIfError is the maximum age of leads that are served because the platform
	// fails to answer a lookup; 0 means that none are.
	StaleIfError time.Duration
	// Denied reports whether the platform's last answer to any read denied access. Old
	// leads are then not served. Nil means that only the lookup itself counts.
	Denied func() bool
	// MaxBytes is the maximum size of the cache in bytes, by an estimate; 0 means
	// DefaultLookupBytes.
	MaxBytes int64
	// FanOut is the maximum number of concurrent single reads of one request; 0
	// means DefaultFanOut.
	FanOut int
	// Timeout is the maximum duration of one single read; 0 means
	// DefaultLookupTimeout.
	Timeout time.Duration
	// OnRead, if not nil, is called with the leads of a tenant that were read from the
	// platform or came from another process. It must return quickly.
	OnRead func(tenantID string, found Found)
	// Shared, if not nil, is asked for answers that this process does not have.
	Shared SharedLookups
	// OnBatch, if not nil, is called after every request for lookups with the number
	// of distinct tenants and the cost. It must return quickly.
	OnBatch func(tenants int, took Report)
	// Logger logs failed plans, without lead data; nil means no log.
	Logger *slog.Logger
}

// The defaults of Options.
const (
	DefaultLookupTTL   = 30 * time.Second
	DefaultNegativeTTL = 10 * time.Second
	DefaultLookupBytes = 32 << 20
	DefaultFanOut      = 16
	// DefaultLookupTimeout is a safety net: sources have shorter timeouts.
	DefaultLookupTimeout = 30 * time.Second
)

func (o Options) withDefaults() Options {
	o.TTL = cmp.Or(o.TTL, DefaultLookupTTL)
	o.NegativeTTL = cmp.Or(o.NegativeTTL, DefaultNegativeTTL)
	o.NegativeTTL = min(o.NegativeTTL, o.TTL)
	o.NoCacheInterval = max(cmp.Or(o.NoCacheInterval, lead.DefaultNoCacheInterval), 0)
	if o.Denied == nil {
		o.Denied = func() bool { return false }
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultLookupBytes)
	o.FanOut = cmp.Or(o.FanOut, DefaultFanOut)
	o.Timeout = cmp.Or(o.Timeout, DefaultLookupTimeout)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.OnRead == nil {
		o.OnRead = func(string, Found) {}
	}
	if o.OnBatch == nil {
		o.OnBatch = func(int, Report) {}
	}
	return o
}

// Lookups finds the leads of tenants in its cache or in the newest snapshot of the
// catalogue. It reads missing tenants one by one or reads all leads, whichever is
// expected to cost less. It caches answers for a short time, but never errors, and
// reads a tenant once however many requests wait for it. All callers get the same
// answers, so callers that may not see each other's leads need separate Lookups.
// It is safe for concurrent use.
type Lookups struct {
	source    TenantSource
	catalogue *catalogue.Catalogue // nil if there is none
	opts      Options
	meter     meter
	life      context.Context // ends with Close; reads outlive requests
	end       context.CancelFunc

	cache  *otter.Cache[string, remembered] // by tenant in lower case; nil if off
	newest atomic.Pointer[catalogue.Snapshot]

	// begun is the number of reads begun so far. A request that demands a later
	// read first notes it.
	begun   atomic.Uint64
	mu      sync.Mutex
	reading map[string]read // by tenant in lower case
	puts    sync.WaitGroup
}

// New returns lookups that read from source, or from catalogue, which may be nil.
// The catalogue's OnPublish must call Feed. Close the lookups after use.
func New(source TenantSource, catalogue *catalogue.Catalogue, options Options) *Lookups {
	l := &Lookups{source: source, catalogue: catalogue, opts: options.withDefaults(), reading: map[string]read{}}
	l.life, l.end = context.WithCancel(context.Background())
	if l.opts.TTL > 0 {
		l.cache = otter.Must(&otter.Options[string, remembered]{
			MaximumWeight: uint64(l.opts.MaxBytes),
			Weigher:       weigh,
			// This only frees memory: each use checks whether an answer is still valid.
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, remembered]) time.Duration {
				return time.Until(e.Value.AsOf.Add(l.keptFor(e.Value.Leads)))
			}),
		})
	}
	return l
}

// Close cancels running shared reads and returns when they have ended. Lookups that
// need a read fail from then on. Calls of Online end with their callers.
func (l *Lookups) Close() {
	l.mu.Lock()
	l.end()
	var last []read
	for _, r := range l.reading {
		last = append(last, r)
	}
	l.mu.Unlock()
	for _, r := range last {
		<-r.Done()
	}
	l.puts.Wait()
	if l.cache != nil {
		l.cache.StopAllGoroutines()
	}
}

// Feed hands over a snapshot of all leads. Until the snapshot is older than the
// TTL, it answers tenants about which nothing newer is known.
func (l *Lookups) Feed(s *catalogue.Snapshot) {
	for {
		known := l.newest.Load()
		if known != nil && s.AsOf().Before(known.AsOf()) {
			return
		}
		if l.newest.CompareAndSwap(known, s) {
			break
		}
	}
	l.meter.sized(s.Len())
	// Another replica may have read the snapshot: its read took at most this long.
	l.meter.readAll(time.Since(s.AsOf()), atMost)
}

// inquiry is the state of one call of ByTenants.
type inquiry struct {
	need   lead.Demand
	keys   []string // the distinct tenants in lower case
	found  []Lookup // of each key
	report Report
	fresh  map[string]Found // what was read for the other replicas
}

// ByTenants returns the leads of each tenant in the order of the ids, as fresh as
// wanted. It ignores the case of the ids.
//
// If the platform fails, or has not answered when four fifths of the request's time have
// passed, ByTenants returns the latest leads of the tenant that are not older than
// StaleIfError. A request that limits the age of its data gets the error instead, and so
// does one that the platform denies access.
func (l *Lookups) ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]Lookup, Report) {
	q := &inquiry{need: lead.NewDemand(want.Granted(l.interval()), l.begun.Load()), report: Report{Plan: PlanCache}}
	var places []int
	q.keys, places = distinctTenants(tenantIDs)
	q.found = make([]Lookup, len(q.keys))
	missing := l.fromMemory(ctx, q)
	if len(missing) > 0 {
		l.fromPlatform(ctx, q, missing)
		l.share(q.fresh)
		l.fallBack(ctx, q, missing)
	}
	l.opts.OnBatch(len(q.keys), q.report)
	if len(tenantIDs) == 1 {
		return q.found, q.report
	}
	found := make([]Lookup, len(tenantIDs))
	for i, place := range places {
		found[i] = q.found[place]
	}
	return found, q.report
}

// interval returns how old leads may be that count as fresh although a client demands
// new ones.
func (l *Lookups) interval() time.Duration {
	if l.opts.NoCacheInterval == 0 {
		return 0
	}
	return max(l.opts.NoCacheInterval, 2*l.meter.expect().one)
}

// distinctTenants returns the distinct ids in lower case, and the place of each
// given id among them.
func distinctTenants(tenantIDs []string) (keys []string, places []int) {
	if len(tenantIDs) == 1 {
		return []string{strings.ToLower(tenantIDs[0])}, nil
	}
	keys, places = make([]string, 0, len(tenantIDs)), make([]int, len(tenantIDs))
	known := make(map[string]int, len(tenantIDs))
	for i, id := range tenantIDs {
		key := strings.ToLower(id)
		place, repeated := known[key]
		if !repeated {
			place = len(keys)
			known[key] = place
			keys = append(keys, key)
		}
		places[i] = place
	}
	return keys, places
}

// Online reads the leads of a tenant. If the platform knows none, it asks Microsoft.
// Because that writes on the platform, Online never answers from a cache and never
// shares a read. Its result is cached.
func (l *Lookups) Online(ctx context.Context, tenantID string) (Lookup, Report) {
	key := strings.ToLower(tenantID)
	number, begun := l.begun.Add(1), time.Now().UTC()
	report := Report{UpstreamCalls: 1, Plan: PlanSingleReads}
	leads, err := l.ask(ctx, key, true)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Lookup{Err: err}, report
	}
	report.Rows = len(leads)
	found := dated(leads, begun)
	l.opts.OnRead(key, found)
	// The platform may have learnt of the leads only now.
	l.remember(key, remembered{Found: found, heldAt: time.Now(), number: number})
	l.share(map[string]Found{key: found})
	return Lookup{Leads: found.Leads, AsOf: begun}, report
}
