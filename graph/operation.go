package graph

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/sync/semaphore"

	"leadgraph/graph/federation"
	"leadgraph/graph/limits"
	"leadgraph/graph/live"
	"leadgraph/graph/loader"
	"leadgraph/graph/transport"
	"leadgraph/graph/truth"
	"leadgraph/internal/admission"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
)

// common is what all operations share.
type common struct {
	inFlight *semaphore.Weighted // see rowsInFlight
	streams  *live.Shared
}

// operation is the state that the resolvers of one operation share: its loader,
// its view of the catalogue and its cost so far.
type operation struct {
	*common
	schema    *ast.Schema
	options   *Options
	caller    string // the caller that its cursors are valid for
	requestID string
	seesPII   bool
	leads     *loader.Leads
	keys      map[string][]federation.Key // of the root fields that show objects, by response name
	freshness lead.Freshness
	// whole is the operation of which this one is a deferred part, or nil. The
	// parts share its view of the catalogue, and their cost is added to it.
	whole *operation
	// snapshot is taken once, so that all fields of an operation show the same
	// moment and a forced refresh happens once.
	snapshot func() (allLeads, error)
	// shown is the snapshot that all fields show, once one of them does.
	shown atomic.Pointer[catalogue.Snapshot]
	// truth decides which version of a lead the fields show. The parts share it.
	truth *truth.Operation
	// alone says that a single field shows leads, so that no other one can show
	// another version of them.
	alone bool
	// meeting is where the fields wait for each other, or nil.
	meeting *truth.Meeting

	mu    sync.Mutex
	spent actual
	stale bool
	// tenants says that a list of the leads of some tenants was looked up.
	tenants bool
	// old says that something is older than promised, and oldUpTo until when it was read,
	// by age.
	old     atomic.Bool
	oldUpTo [lead.AgeStale + 1]time.Time
	ended   error // why a subscription has ended, until its client is told
}

// cost is an operation's cost in extensions.cost. The two numbers that most
// clients want are repeated at the top level.
type cost struct {
	Requested     requested `json:"requested"`
	Actual        actual    `json:"actual"`
	UpstreamCalls int       `json:"upstreamCalls"`
	Rows          int       `json:"rows"`
}

// requested is the maximum cost, estimated before the operation ran.
type requested struct {
	UpstreamCalls int `json:"upstreamCalls"`
	Rows          int `json:"rows"`
	Fields        int `json:"fields"`
}

// actual is what the operation did cost.
type actual struct {
	UpstreamCalls int      `json:"upstreamCalls"`
	Rows          int      `json:"rows"`
	CacheHits     int      `json:"cacheHits"`
	Plan          []string `json:"plan"`
}

// allLeads is a snapshot of all leads, and whether it is as fresh as promised.
type allLeads struct {
	*catalogue.Snapshot
	age lead.Age
}

type operationKey struct{}

// operationOf returns the operation that ctx belongs to.
func operationOf(ctx context.Context) *operation { return ctx.Value(operationKey{}).(*operation) }

// withOperation returns a context with a new operation.
func withOperation(ctx context.Context, schema *ast.Schema, options *Options, shared *common) context.Context {
	request := graphql.GetOperationContext(ctx)
	op := &operation{
		schema:    schema,
		options:   options,
		common:    shared,
		caller:    options.Caller(ctx),
		seesPII:   options.SeesPII(ctx),
		requestID: options.RequestID(ctx),
		freshness: freshness(request.Headers.Values("Cache-Control")),
	}
	own := rootFields(schema, request)
	op.keys = objectKeys(request, own)
	op.leads = loader.New(ctx, op, tenantKeys(request, own, op.keys))
	op.meeting = meetingOf(own)
	if whole, isPart := ctx.Value(operationKey{}).(*operation); isPart {
		op.whole, op.truth, op.alone = whole, whole.truth, whole.alone
		op.snapshot = func() (allLeads, error) {
			all, err := whole.snapshot()
			op.staleAs(whole)
			return all, err
		}
		return context.WithValue(ctx, operationKey{}, op)
	}
	all := own
	if asked := request.Doc.Operations.ForName(request.Operation.Name); asked != nil && asked != request.Operation {
		all = graphql.CollectFields(request, asked.SelectionSet, []string{schema.Query.Name}) // with what is deferred
	}
	op.alone = showing(all) <= 1 && !showsBoth(request, all, op.keys)
	op.truth = truth.New(func() *recent.Memory { return options.Recent(ctx) }, op.alone, func() lead.Parts { return shownParts(request, all) })
	op.snapshot = sync.OnceValues(func() (allLeads, error) { return op.readAll(ctx, op.cursorsSince(request, all)) })
	return context.WithValue(ctx, operationKey{}, op)
}

// cursorsSince returns when reading the newest leads began that the fields' cursors come
// from, or zero. All fields show leads that are as new, or one operation would show two
// catalogues.
func (op *operation) cursorsSince(request *graphql.OperationContext, fields []graphql.CollectedField) (since time.Time) {
	for _, field := range fields {
		arguments := field.ArgumentMap(request.Variables)
		for _, name := range []string{"after", "before"} {
			text, _ := arguments[name].(string)
			if text == "" {
				continue
			}
			if cursor, err := op.options.Cursors.Open(text, op.caller); err == nil {
				since = later(since, cursor.AsOf)
			}
		}
	}
	return since
}

// spendOnAll adds what a snapshot cost.
func (op *operation) spendOnAll(snapshot *catalogue.Snapshot, state catalogue.State, err error) {
	report := lookup.Report{UpstreamCalls: state.Calls, Plan: lookup.PlanCatalogue}
	if state.FromCache {
		report.CacheHits = 1
	}
	if state.Calls > 0 && err == nil && snapshot != nil {
		report.Rows = snapshot.Len()
	}
	op.spend(report)
}

// markStale says that leads of the response are old because the platform fails.
func (op *operation) markStale(ctx context.Context) {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.stale = true
	transport.MarkStale(ctx)
}

// staleAs marks a deferred part as stale if the whole is. The client may
// already have the whole's first response, so the part must say it too.
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
	return op.lookUp(ctx, tenantIDs, op.freshness)
}

// lookUp returns the leads of tenants, and notes them.
func (op *operation) lookUp(ctx context.Context, tenantIDs []string, want lead.Freshness) []lookup.Lookup {
	calling, done := admission.Of(ctx).Calling(ctx)
	defer done()
	found, report := op.options.Lookups.ByTenants(calling, tenantIDs, want)
	op.spend(report)
	for i, of := range found {
		found[i].Err = crowded(calling, of.Err)
		if of.Stale {
			op.markStale(ctx)
			op.noteAge(lead.AgeStale, of.AsOf)
		}
		if of.Err == nil {
			op.truth.Tenant(tenantIDs[i], of.Leads, of.AsOf)
		}
	}
	return found
}

// Online implements loader.Reader.
func (op *operation) Online(ctx context.Context, tenantID string) lookup.Lookup {
	calling, done := admission.Of(ctx).Calling(ctx)
	defer done()
	found, report := op.options.Lookups.Online(calling, tenantID)
	found.Err = crowded(calling, found.Err)
	op.spend(report)
	if found.Err == nil { // the platform may have learnt of the leads only now
		op.truth.Tenant(tenantID, found.Leads, time.Now())
	}
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

// extend adds to a response the operation's cost, of which the estimate is given, if the
// settings allow it, and whether the catalogue was stale.
func (op *operation) extend(response *graphql.Response, most limits.Cost) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if !op.stale && !op.options.ExposeCost {
		return
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	if op.stale {
		response.Extensions["stale"] = true
	}
	if op.options.ExposeCost && op.whole == nil {
		response.Extensions["cost"] = cost{
			Requested: requested(most), Actual: op.spent, UpstreamCalls: op.spent.UpstreamCalls, Rows: op.spent.Rows,
		}
	}
}

// freshness parses a client's Cache-Control header. It ignores unknown
// directives, as RFC 9111 requires.
func freshness(header []string) lead.Freshness {
	want := lead.Freshness{Wish: true}
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

// waiting calls read, which may wait for the platform, while the field's goroutine
// has no token.
func waiting[T any](ctx context.Context, read func() (T, error)) (T, error) {
	slot := admission.Of(ctx)
	slot.Away()
	defer slot.Back(ctx)
	return read()
}

// crowded returns the error of a call to the platform. If the call ended because
// too many operations wait for the platform, the error says so. Fields can share the
// error, so it has no place in the response yet.
func crowded(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), admission.ErrCrowded) {
		return err
	}
	return admission.ErrCrowded
}
