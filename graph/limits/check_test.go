package limits_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
)

// maxErrors is the maximum number of errors in a response.
const maxErrors = 10

func newExecutor() *executor.Executor {
	exec := executor.New(generated.NewExecutableSchema(generated.Config{}))
	exec.SetParserTokenLimit(limits.DefaultTokens)
	exec.SetDefaultRulesFn(limits.Rules(maxErrors, true))
	return exec
}

// check runs the checks that come before parsing.
func check(a attack) *limits.Violation {
	if violation := limits.CheckVariables(a.variables, limits.Document{}); violation != nil {
		return violation
	}
	return limits.Check(a.document, limits.Document{})
}

// prepare checks, parses, validates and coerces as for a request.
func prepare(exec *executor.Executor, a attack) (*limits.Violation, gqlerror.List) {
	if violation := check(a); violation != nil {
		return violation, nil
	}
	ctx := graphql.StartOperationTrace(context.Background())
	_, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: a.document, Variables: a.variables})
	return nil, errs
}

//nolint:paralleltest // other tests' allocations would count
func TestAttacksAreRefusedOrCheap(t *testing.T) {
	const most = 8 << 20 // half of what one request may allocate
	exec := newExecutor()
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			violation, errs := prepare(exec, a)
			runtime.ReadMemStats(&after)
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > most {
				t.Errorf("took %d bytes, want at most %d", allocated, most)
			}
			if limit := limitOf(violation); limit != a.limit {
				t.Errorf("refused by %q, want %q (%v)", limit, a.limit, violation)
			}
			if len(errs) > maxErrors {
				t.Errorf("%d errors", len(errs))
			}
		})
	}
}

func limitOf(violation *limits.Violation) string {
	if violation == nil {
		return ""
	}
	return violation.Limit
}

// BenchmarkAttacks reports the CPU time of each attack in all threads, so that
// it includes garbage collection.
func BenchmarkAttacks(b *testing.B) {
	exec := newExecutor()
	for _, a := range attacks() {
		b.Run(a.name, func(b *testing.B) {
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				_, _ = prepare(exec, a)
			}
			b.ReportMetric(float64((processorTime(b)-start).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestFrontEndsFit keeps the defaults above what the front-ends send.
func TestFrontEndsFit(t *testing.T) {
	t.Parallel()
	documents := map[string]string{
		"20 aliased lookups": "{" + numbered("a%d: lead(tenantId: \""+tenant+"\") { ...Lead } ", 20) + "}" + leadFragment,
		"page of components": pageOfComponents,
		"dashboard":          dashboard,
		"introspection":      introspection.NewQuery(introspection.QueryOptions{OneOf: true}),
	}
	for _, pattern := range []string{"../testdata/*.graphql", "../../web/playground/examples/*.graphql"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal("no documents", pattern, err)
		}
		for _, file := range files {
			document, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			documents[file] = string(document)
		}
	}
	exec := newExecutor()
	for name, document := range documents {
		violation, errs := prepare(exec, attack{document: document})
		// Missing variables are found only after validation.
		if violation != nil || len(errs) > 0 && errs[0].Path == nil {
			t.Errorf("%s: %v %v", name, violation, errs)
		}
	}
}

// leadFragment selects every field of a lead, as the pages of front-ends do in
// parts.
const leadFragment = `
fragment Lead on Lead {
  __typename id tenantId tenantOrigin operatorId status statusText isDirectLead isNotActive umpCustomerGuid channelId
  ovocChannelId comments consentedOn lastModifiedOn consentedCountries
  contactDetails { __typename fullName email phoneNumber companyName companySize companySizeRange { __typename min max } }
  contacts { __typename fullName email phoneNumber companyName companySize companySizeRange { __typename min max } contacts }
  civicAddresses(country: "DE") {
    __typename id country houseNumber houseNumberSuffix preDirectional streetName streetSuffix postDirectional stateOrProvince
    countyOrDistrict cityOrTown cityOrTownAlias postalOrZipCode description companyName companyId defaultLocationId
    validationStatus validationStatusText tenantId partnerId formatted
    locations { __typename id civicAddressId description additionalInfo isDefault elin }
  }
}`

// pageOfComponents is a page as Relay generates it: a fragment for each
// component, each with the id that its store needs.
var pageOfComponents = `
query Page($first: Int!, $after: Cursor) { ...Table_query ...Head_query }
fragment Head_query on Query { leadStats { total ...Chart_stats } }
fragment Chart_stats on LeadStats { byStatus { status count } byCountry { country count } }
fragment Table_query on Query {
  leads(first: $first, after: $after) {
    edges { cursor node { ...Row_lead id __typename } }
    pageInfo { endCursor hasNextPage }
  }
}
fragment Row_lead on Lead { id ` + numbered("...Cell%d_lead ", 20) + `}` +
	numbered(" fragment Cell%d_lead on Lead { id __typename contactDetails { companyName companySizeRange { min max } } ...Badge_lead }", 20) + `
fragment Badge_lead on Lead { id status isDirectLead @include(if: true) }`

// dashboard has five counts and three tables.
var dashboard = "{" + numbered("s%d: leadStats(filter: {not: {channelId: [\"1\"]}}) { total byStatus { status count } byCountry { country count } asOf } ", 5) +
	numbered("t%d: leads(first: 100, orderBy: {field: CONSENTED_ON}) { totalCount nodes { ...Lead } pageInfo { hasNextPage endCursor } } ", 3) +
	"}" + leadFragment
