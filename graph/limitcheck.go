package graph

import (
	"context"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/time/rate"

	"leadgraph/graph/documents"
	"leadgraph/graph/limits"
	"leadgraph/graph/transport"
	"leadgraph/internal/errcode"
)

// maxErrors is the maximum number of errors about a document. More do not help
// anybody, and a document can have one for each of its tokens.
const maxErrors = 10

// limitCheck refuses expensive requests early: documents and variables before
// validation, and operations over the budget before the platform is called.
type limitCheck struct {
	schema *ast.Schema
	// passed holds the documents that are within the limits and valid.
	passed documents.Cache
	limits limits.Document
	rates  limits.Rates
	budget limits.Budget
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = limitCheck{}

// ExtensionName implements graphql.HandlerExtension.
func (limitCheck) ExtensionName() string { return "LimitCheck" }

// Validate implements graphql.HandlerExtension.
func (limitCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements graphql.OperationParameterMutator. It replaces
// the text of the document by a copy that the caches may keep.
func (c limitCheck) MutateOperationParameters(_ context.Context, request *graphql.RawParams) *gqlerror.Error {
	if violation := limits.CheckVariables(request.Variables, c.limits); violation != nil {
		return tooComplex(violation)
	}
	var known bool
	if request.Query, known = c.passed.Own(request.Query); known {
		return nil
	}
	if violation := limits.Check(request.Query, c.limits); violation != nil {
		return tooComplex(violation)
	}
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (c limitCheck) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	cost := limits.Estimate(c.schema, op.Operation, op.Doc.Fragments, op.Variables, c.rates, c.budget)
	if violation := cost.Exceeds(c.budget); violation != nil {
		return tooComplex(violation)
	}
	op.Stats.SetExtension(requestedCost, cost)
	return nil
}

// requestedCost is the key of an operation's estimated cost in its statistics.
const requestedCost = "RequestedCost"

func tooComplex(violation *limits.Violation) *gqlerror.Error {
	return &gqlerror.Error{
		Message: violation.Error() + ".",
		Extensions: map[string]any{
			"code": errcode.TooComplex, "limit": violation.Limit, "max": violation.Max, "found": violation.Found,
		},
	}
}

// Online says who may use checkOnline, which makes the platform write, and how often.
// The zero value allows it to nobody.
type Online struct {
	Allowed bool
	// May reports whether the caller of a context may make the platform write. Nil
	// means that every caller may.
	May func(context.Context) bool
	// PerOperation and PerSecond are the maximum numbers of such lookups, the latter
	// for all callers together. Both are required if Allowed is set.
	PerOperation, PerSecond int
}

// onlineCheck refuses operations with checkOnline before the platform is called,
// unless all of Online permits them.
type onlineCheck struct {
	schema *ast.Schema
	rules  Online
	rate   *rate.Limiter
	now    func() time.Time
}

func newOnlineCheck(schema *ast.Schema, rules Online, now func() time.Time) onlineCheck {
	perSecond := rate.NewLimiter(rate.Limit(rules.PerSecond), max(rules.PerSecond, rules.PerOperation))
	return onlineCheck{schema, rules, perSecond, now}
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = onlineCheck{}

// ExtensionName implements graphql.HandlerExtension.
func (onlineCheck) ExtensionName() string { return "OnlineCheck" }

// Validate implements graphql.HandlerExtension.
func (onlineCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (c onlineCheck) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	tenants, at := c.lookups(op)
	switch {
	case len(tenants) == 0:
		return nil
	case !c.rules.Allowed:
		return refuseOnline(errcode.Forbidden, "this server does not allow it.", at)
	case c.rules.May != nil && !c.rules.May(ctx):
		return refuseOnline(errcode.Forbidden, "makes the platform write; your token lacks the scope for that.", at)
	case transport.Safe(ctx):
		return refuseOnline(errcode.BadUserInput, "makes the platform write; use POST.", at)
	}
	if violation := limits.CheckOnline(len(tenants), c.rules.PerOperation); violation != nil {
		return tooComplex(violation)
	}
	now := c.now()
	reserved := c.rate.ReserveN(now, len(tenants))
	wait := reserved.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reserved.CancelAt(now)
	refused := refuseOnline(errcode.UpstreamRateLimited, "too many lookups of this kind; try again later.", at)
	refused.Extensions["retryAfterMs"] = max(wait.Milliseconds(), 1)
	return refused
}

// lookups returns the tenants that an operation looks up with checkOnline, and where
// it says so first.
func (c onlineCheck) lookups(op *graphql.OperationContext) (tenants map[string]bool, at *ast.Position) {
	for _, field := range rootFields(c.schema, op) {
		arguments := field.ArgumentMap(op.Variables)
		if online, _ := arguments["checkOnline"].(bool); !online {
			continue
		}
		if tenants == nil {
			tenants, at = map[string]bool{}, field.Position
		}
		tenant, _ := arguments["tenantId"].(string)
		tenants[strings.ToLower(tenant)] = true
	}
	return tenants, at
}

func refuseOnline(code, message string, at *ast.Position) *gqlerror.Error {
	err := errcode.BadInput("checkOnline", message, at)
	err.Extensions["code"] = code
	return err
}

// planned returns the most that an operation may cost.
func planned(op *graphql.OperationContext) limits.Cost {
	most, _ := op.Stats.GetExtension(requestedCost).(limits.Cost)
	return most
}

// weigh returns the weight of an operation's planned cost.
func weigh(op *graphql.OperationContext) int { return planned(op).Weight() }
