package graph

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/sync/semaphore"

	"leadgraph/graph/limits"
	"leadgraph/graph/loader"
	"leadgraph/graph/scalar"
	"leadgraph/graph/transport"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
)

// operation is what the resolvers of one operation share: its loader, its view
// of the catalogue and the count of what it cost.
type operation struct {
	options   Options
	inFlight  *semaphore.Weighted // see rowsInFlight
	caller    string              // whom its cursors are good for
	requestID string
	seesPII   bool
	leads     *loader.Leads
	freshness lead.Freshness
	// whole is the operation that this one is a deferred part of, or nil: the
	// parts share its view of the catalogue, and it bears their cost.
	whole *operation
	// snapshot is taken once, so that all fields of an operation tell of the same
	// moment and a forced refresh happens once.
	snapshot func() (*catalogue.Snapshot, error)

	mu    sync.Mutex
	spent actual
	stale bool
}

// cost is what an operation took, in extensions.cost. The two numbers that most
// clients want stand beside the whole account.
type cost struct {
	Requested     requested `json:"requested"`
	Actual        actual    `json:"actual"`
	UpstreamCalls int       `json:"upstreamCalls"`
	Rows          int       `json:"rows"`
}

// requested is what an operation could take at most, estimated before it ran.
type requested struct {
	UpstreamCalls int `json:"upstreamCalls"`
	Rows          int `json:"rows"`
	Fields        int `json:"fields"`
}

// actual is what it took.
type actual struct {
	UpstreamCalls int      `json:"upstreamCalls"`
	Rows          int      `json:"rows"`
	CacheHits     int      `json:"cacheHits"`
	Plan          []string `json:"plan"`
}

type operationKey struct{}

// operationOf returns the operation that ctx belongs to.
func operationOf(ctx context.Context) *operation { return ctx.Value(operationKey{}).(*operation) }

// withOperation begins an operation.
func withOperation(ctx context.Context, schema *ast.Schema, options Options, inFlight *semaphore.Weighted) context.Context {
	request := graphql.GetOperationContext(ctx)
	op := &operation{
		options:   options,
		inFlight:  inFlight,
		caller:    options.Caller(ctx),
		seesPII:   options.SeesPII(ctx),
		requestID: options.RequestID(ctx),
		freshness: freshness(request.Headers.Values("Cache-Control")),
	}
	op.leads = loader.New(ctx, op, tenantKeys(schema, request))
	if whole, isPart := ctx.Value(operationKey{}).(*operation); isPart {
		op.whole = whole
		op.snapshot = func() (*catalogue.Snapshot, error) {
			snapshot, err := whole.snapshot()
			op.staleAs(whole)
			return snapshot, err
		}
		return context.WithValue(ctx, operationKey{}, op)
	}
	op.snapshot = sync.OnceValues(func() (*catalogue.Snapshot, error) {
		snapshot, state, err := options.Catalogue.Snapshot(ctx, op.freshness)
		report := lookup.Report{UpstreamCalls: state.Calls, Plan: lookup.PlanCatalogue}
		if state.FromCache {
			report.CacheHits = 1
		}
		if state.Calls > 0 && err == nil {
			report.Rows = snapshot.Len()
		}
		op.spend(report)
		op.mu.Lock()
		defer op.mu.Unlock()
		if state.Stale {
			op.stale = true
			transport.MarkStale(ctx)
		}
		return snapshot, err
	})
	return context.WithValue(ctx, operationKey{}, op)
}

// staleAs has a part tell that the catalogue of the whole, which it used, is older
// than it should be: nothing else tells who has the whole's first answer already.
func (op *operation) staleAs(whole *operation) {
	whole.mu.Lock()
	stale := whole.stale
	whole.mu.Unlock()
	op.mu.Lock()
	defer op.mu.Unlock()
	op.stale = op.stale || stale
}

// ByTenants implements loader.Reader.
func (op *operation) ByTenants(ctx context.Context, tenantIDs []string) []lookup.Lookup {
	found, report := op.options.Lookups.ByTenants(ctx, tenantIDs, op.freshness)
	op.spend(report)
	return found
}

// Online implements loader.Reader.
func (op *operation) Online(ctx context.Context, tenantID string) lookup.Lookup {
	found, report := op.options.Lookups.Online(ctx, tenantID)
	op.spend(report)
	return found
}

func (op *operation) spend(report lookup.Report) {
	if op.whole != nil {
		op.whole.spend(report)
		return
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	op.spent.UpstreamCalls += report.UpstreamCalls
	op.spent.Rows += report.Rows
	op.spent.CacheHits += report.CacheHits
	if report.Plan != "" && !slices.Contains(op.spent.Plan, report.Plan) {
		op.spent.Plan = append(op.spent.Plan, report.Plan)
	}
}

// extend tells the client what the operation cost, if the settings allow it,
// and that the catalogue is older than it should be.
func (op *operation) extend(request *graphql.OperationContext, response *graphql.Response) {
	op.mu.Lock()
	defer op.mu.Unlock()
	// Each failed lookup keeps its error: without one, null says that the tenant
	// has no lead.
	withheld := op.withheld(request)
	response.Errors = append(response.Errors, withheld[:min(len(withheld), maxErrors)]...)
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	if op.stale {
		response.Extensions["stale"] = true
	}
	if op.options.ExposeCost && op.whole == nil {
		whole := cost{Actual: op.spent, UpstreamCalls: op.spent.UpstreamCalls, Rows: op.spent.Rows}
		if most, known := request.Stats.GetExtension(requestedCost).(limits.Cost); known {
			whole.Requested = requested(most)
		}
		response.Extensions["cost"] = whole
	}
}

// freshness reads what a client's Cache-Control header demands. What it does
// not know it ignores, as RFC 9111 asks.
func freshness(header []string) lead.Freshness {
	var want lead.Freshness
	for directive := range strings.SplitSeq(strings.Join(header, ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-cache", "no-store":
			want.NoCache = true
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				age := time.Duration(seconds) * time.Second
				want.MaxAge = &age
			}
		}
	}
	return want
}

// tenantKeys counts the distinct tenants that an operation looks up. Root
// fields and their arguments are known before anything runs, so the batch of
// lookups needs no timer to know that it is complete.
func tenantKeys(schema *ast.Schema, op *graphql.OperationContext) int {
	keys := map[loader.Key]struct{}{}
	add := func(tenant any, checkOnline bool) {
		if id, err := scalar.UnmarshalUUID(tenant); err == nil {
			keys[loader.Key{TenantID: id, CheckOnline: checkOnline}] = struct{}{}
		}
	}
	for _, field := range rootFields(schema, op) {
		arguments := field.ArgumentMap(op.Variables)
		switch field.Name {
		case "lead":
			checkOnline, _ := arguments["checkOnline"].(bool)
			add(arguments["tenantId"], checkOnline)
		case "leadsByTenantIds":
			ids, isList := arguments["tenantIds"].([]any)
			if !isList { // a single value stands for a list of one
				ids = []any{arguments["tenantIds"]}
			}
			for _, id := range ids {
				add(id, false)
			}
		}
	}
	return len(keys)
}
