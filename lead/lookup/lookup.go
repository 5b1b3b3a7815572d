package lookup

import (
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
	// LeadsByTenant returns all leads of a tenant; none is an empty list. With
	// checkOnline the platform asks Microsoft for a tenant that it does not know,
	// which writes on the platform [GAL]. Errors are *SourceError. It is called
	// concurrently.
	LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error)
}

// SharedLookups is a memory of lookups that replicas share. It gives what it has
// and takes what it can; it never fails, and bounds how long a call takes. Tenant
// ids are in lower case.
type SharedLookups interface {
	Get(ctx context.Context, tenantIDs []string) map[string]Found
	Put(ctx context.Context, found map[string]Found)
}

// Found is all leads of one tenant at one moment. The slice is shared and must
// not be changed.
type Found struct {
	Leads []*lead.Lead
	// AsOf is when reading them began.
	AsOf time.Time
}

// Lookup is the answer to one lookup. The slice is shared and must not be
// changed.
type Lookup struct {
	Leads []*lead.Lead // empty if the tenant has none, or after an error
	AsOf  time.Time
	// Err is that of the caller's context, a *SourceError or a *PanicError.
	Err error
}

// Report tells what a request for lookups took.
type Report struct {
	// UpstreamCalls is the number of reads that this request caused. Others who
	// waited for the same reads count none.
	UpstreamCalls int
	// Rows is the number of leads that those reads gave it.
	Rows int
	// CacheHits is the number of tenants that took no waiting for a read.
	CacheHits int
	// Plan is one of the Plan constants.
	Plan string
}

// How a request came by the tenants that no cache held.
const (
	// PlanCache: there were none.
	PlanCache = "cache"
	// PlanSingleReads: each by a read of its own.
	PlanSingleReads = "single reads"
	// PlanCatalogue: all by one reading of all leads.
	PlanCatalogue = "catalogue"
	// PlanMixed: by single reads, after the reading of all leads had failed.
	PlanMixed = "mixed"
)

// Options say how old the answers to lookups may be and what they may take.
// Ages count from the moment at which reading began.
type Options struct {
	// TTL is how long the leads of a tenant are served again; 0 means
	// DefaultLookupTTL. A negative one turns the cache off; equal lookups at the
	// same time then still share one read.
	TTL time.Duration
	// NegativeTTL is the same for tenants without leads, and at most the TTL; 0
	// means DefaultNegativeTTL.
	NegativeTTL time.Duration
	// MaxBytes bounds the memory of the cache by an estimate; 0 means
	// DefaultLookupBytes.
	MaxBytes int64
	// FanOut is how many single reads of one request run at a time; 0 means
	// DefaultFanOut.
	FanOut int
	// Timeout bounds one single read; 0 means DefaultLookupTimeout.
	Timeout time.Duration
	// Shared is asked for what this process does not know; nil means nobody is.
	Shared SharedLookups
	// OnBatch is told of every request for lookups: of how many distinct tenants,
	// and what it took. Nil means nobody is. It must return soon.
	OnBatch func(tenants int, took Report)
	// Logger is told of plans that failed, without lead data; nil means none.
	Logger *slog.Logger
}

// The defaults of Options.
const (
	DefaultLookupTTL   = 30 * time.Second
	DefaultNegativeTTL = 10 * time.Second
	DefaultLookupBytes = 32 << 20
	DefaultFanOut      = 16
	// DefaultLookupTimeout is a backstop: sources bound their reads more closely.
	DefaultLookupTimeout = 30 * time.Second
)

func (o Options) withDefaults() Options {
	setDefault(&o.TTL, DefaultLookupTTL)
	setDefault(&o.NegativeTTL, DefaultNegativeTTL)
	o.NegativeTTL = min(o.NegativeTTL, o.TTL)
	setDefault(&o.MaxBytes, DefaultLookupBytes)
	setDefault(&o.FanOut, DefaultFanOut)
	setDefault(&o.Timeout, DefaultLookupTimeout)
	if o.OnBatch == nil {
		o.OnBatch = func(int, Report) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](option *T, value T) {
	var unset T
	if *option == unset {
		*option = value
	}
}

// Lookups finds the leads of tenants: in its cache, in the newest snapshot of the
// catalogue, or by reading them, alone or with all others, whichever is expected
// to cost less. It remembers answers for a short time and errors never, and reads
// a tenant once however many ask. All callers get the same answers: those who may
// not see each other's leads need Lookups of their own. It is safe for concurrent
// use.
type Lookups struct {
	source    TenantSource
	catalogue *catalogue.Catalogue // nil if there is none
	opts      Options
	meter     meter
	life      context.Context // ends with Close; reads outlive requests
	end       context.CancelFunc

	cache  *otter.Cache[string, remembered] // by tenant in lower case; nil if off
	newest atomic.Pointer[catalogue.Snapshot]

	// begun is the number of reads begun. A request that demands a read begun
	// later notes it first.
	begun   atomic.Uint64
	mu      sync.Mutex
	reading map[string]read // by tenant in lower case
	puts    sync.WaitGroup
}

// New makes lookups that read from source, or from catalogue, which may be
// nil. Let the catalogue's OnPublish call Feed. Close the lookups after use.
func New(source TenantSource, catalogue *catalogue.Catalogue, options Options) *Lookups {
	l := &Lookups{source: source, catalogue: catalogue, opts: options.withDefaults(), reading: map[string]read{}}
	l.life, l.end = context.WithCancel(context.Background())
	if l.opts.TTL > 0 {
		l.cache = otter.Must(&otter.Options[string, remembered]{
			MaximumWeight: uint64(l.opts.MaxBytes),
			Weigher:       weigh,
			// Only frees memory: whether an answer still holds is found on each use.
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, remembered]) time.Duration {
				return time.Until(e.Value.AsOf.Add(l.lifetime(e.Value.Leads)))
			}),
		})
	}
	return l
}

// Close stops the shared reads under way and returns when they have ended.
// Lookups that need one fail from then on. Those of Online end with their callers.
func (l *Lookups) Close() {
	l.mu.Lock()
	l.end()
	var last []read
	for _, r := range l.reading {
		last = append(last, r)
	}
	l.mu.Unlock()
	for _, r := range last {
		<-r.Done
	}
	l.puts.Wait()
	if l.cache != nil {
		l.cache.StopAllGoroutines()
	}
}

// Feed tells of a snapshot of all leads. Until it is older than the TTL it
// answers the tenants about which nothing newer is known.
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
	// A copy that another replica read is older than its reading took.
	l.meter.readAll(time.Since(s.AsOf()), atMost)
}

// inquiry is one call of ByTenants.
type inquiry struct {
	need   lead.Demand
	keys   []string // the distinct tenants in lower case
	found  []Lookup // of each key
	report Report
}

// ByTenants returns the leads of each tenant in the order of the ids, whatever
// the case of their letters, as fresh as wanted.
func (l *Lookups) ByTenants(ctx context.Context, tenantIDs []string, want lead.Freshness) ([]Lookup, Report) {
	q := &inquiry{need: lead.NewDemand(want, l.begun.Load()), report: Report{Plan: PlanCache}}
	var places []int
	q.keys, places = distinctTenants(tenantIDs)
	q.found = make([]Lookup, len(q.keys))
	missing := l.fromMemory(ctx, q)
	if len(missing) > 0 {
		l.fromPlatform(ctx, q, missing)
	}
	l.opts.OnBatch(len(q.keys), q.report)
	found := make([]Lookup, len(tenantIDs))
	for i, place := range places {
		found[i] = q.found[place]
	}
	return found, q.report
}

// distinctTenants returns the ids in lower case, each once, and where in them
// each of the given ids is.
func distinctTenants(tenantIDs []string) (keys []string, places []int) {
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

// Online reads the leads of a tenant and has the platform ask Microsoft if it
// knows none. That writes on the platform, so it is never answered from memory
// and shared with nobody; its result is remembered.
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
	found := Found{leads, begun}
	// The platform may have learnt of the leads no sooner than now.
	l.remember(key, remembered{Found: found, heldAt: time.Now(), number: number})
	l.share(map[string]Found{key: found})
	return Lookup{Leads: leads, AsOf: begun}, report
}
