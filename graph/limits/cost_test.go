package limits_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/introspection"

	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
	"leadgraph/lead/catalogue"
)

// estimate validates a document as for a request and estimates its operation.
func estimate(t *testing.T, document, variables string) limits.Cost {
	t.Helper()
	params := &graphql.RawParams{Query: document}
	if variables != "" {
		decoder := json.NewDecoder(strings.NewReader(variables))
		decoder.UseNumber() // as the transport does
		if err := decoder.Decode(&params.Variables); err != nil {
			t.Fatal(err)
		}
	}
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := newExecutor().CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		t.Fatal(document, errs)
	}
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	return limits.Estimate(schema, op.Operation, op.Doc.Fragments, op.Variables, limits.Rates{}, limits.Budget{})
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	const other = "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"
	one := fmt.Sprintf("lead(tenantId: %q)", tenant)
	for _, c := range []struct {
		name, document, variables string
		want                      limits.Cost
	}{
		{"type name", "{__typename a: __typename}", "", limits.Cost{Fields: 2}},
		{"lead", "{" + one + "{id status}}", "", limits.Cost{UpstreamCalls: 2, Rows: 2, Fields: 3}},
		{"one tenant twice", "{a: " + one + "{id} b: " + one + "{id}}", "", limits.Cost{UpstreamCalls: 2, Rows: 4, Fields: 4}},
		{"one tenant in capitals", fmt.Sprintf("{%s{id} b: lead(tenantId: %q){id}}", one, "F94238E5-4f2c-4e1b-8125-2d27122ca75f"), "", limits.Cost{UpstreamCalls: 2, Rows: 4, Fields: 4}},
		{"two tenants", fmt.Sprintf("{%s{id} b: lead(tenantId: %q){id}}", one, other), "", limits.Cost{UpstreamCalls: 4, Rows: 4, Fields: 4}},
		{"one field twice", "{" + one + "{id} " + one + "{status ...F}} fragment F on Lead{id}", "", limits.Cost{UpstreamCalls: 2, Rows: 2, Fields: 3}},
		{"skipped", "{" + one + "@skip(if: true){id}}", "", limits.Cost{UpstreamCalls: 2, Rows: 2, Fields: 2}},
		{"online", fmt.Sprintf("{lead(tenantId: %q, checkOnline: true){id}}", tenant), "", limits.Cost{UpstreamCalls: 5, Rows: 2, Fields: 2}},
		{"lists", "{" + one + "{civicAddresses{id locations{id}}}}", "", limits.Cost{UpstreamCalls: 2, Rows: 2, Fields: 2 + 3*(2+3)}},
		{"tenants", "query($ids: [UUID!]!){leadsByTenantIds(tenantIds: $ids){id}}", fmt.Sprintf(`{"ids":[%q,%q,%q]}`, tenant, other, tenant), limits.Cost{UpstreamCalls: 4, Rows: 6, Fields: 7}},
		{"a tenant for a list", "query($ids: [UUID!]!){leadsByTenantIds(tenantIds: $ids){id}}", fmt.Sprintf(`{"ids":%q}`, tenant), limits.Cost{UpstreamCalls: 2, Rows: 2, Fields: 3}},
		{"tenants and lead", fmt.Sprintf("{leadsByTenantIds(tenantIds: [%q]){id} %s{id}}", tenant, one), "", limits.Cost{UpstreamCalls: 2, Rows: 4, Fields: 5}},
		{"deferred", "{" + one + "{id ...F @defer ... @defer(label: \"x\"){isDirectLead}}} fragment F on Lead{status}", "", limits.Cost{UpstreamCalls: 2, Rows: 2, Fields: 4 + 2*75}},
		{"deferred in a list", "{... @defer{leads(first: 10){nodes{id ... @defer{status}}}}}", "", limits.Cost{UpstreamCalls: 2, Rows: 38, Fields: 75 + 2 + 10*(2+75)}},
		{"window", "{leads{nodes{id}}}", "", limits.Cost{UpstreamCalls: 2, Rows: 118, Fields: 52}},
		{"window of a size", "query($n: Int){leads(first: $n){edges{cursor node{id}}}}", `{"n":10}`, limits.Cost{UpstreamCalls: 2, Rows: 38, Fields: 32}},
		{"window after a cursor", `{leads(first: 10, after: "x"){pageInfo{endCursor}}}`, "", limits.Cost{UpstreamCalls: 6, Rows: 38, Fields: 3}},
		{"window before a cursor", `{leads(last: 10, before: "x"){pageInfo{endCursor}}}`, "", limits.Cost{UpstreamCalls: 6, Rows: 38, Fields: 3}},
		{"too large", "{leads(first: 2000000000){asOf}}", "", limits.Cost{UpstreamCalls: 2, Rows: 2018, Fields: 2}},
		{"negative", "{leads(first: -1){asOf}}", "", limits.Cost{UpstreamCalls: 2, Rows: 18, Fields: 2}},
		{"from the end", "{leads(last: 10){asOf}}", "", limits.Cost{UpstreamCalls: 5, Rows: 10, Fields: 2}},
		{"ordered", "{leads(first: 10, orderBy: {field: STATUS}){asOf}}", "", limits.Cost{UpstreamCalls: 5, Rows: 10, Fields: 2}},
		{"ordered by two fields", `query($o: [LeadOrder!]){leads(first: 10, orderBy: $o){asOf}}`, `{"o":[{"field":"STATUS"},{"field":"COUNTRY"}]}`, limits.Cost{UpstreamCalls: 5, Rows: 10, Fields: 2}},
		{"filtered", "{leads(first: 10, filter: {isDirectLead: true}){asOf}}", "", limits.Cost{UpstreamCalls: 7, Rows: 38, Fields: 2}},
		{"filtered by tenant", "query($f: LeadFilter){leads(filter: $f){nodes{id}}}", fmt.Sprintf(`{"f":{"tenantId":[%q,%q],"not":null}}`, tenant, other), limits.Cost{UpstreamCalls: 4, Rows: 4, Fields: 6}},
		{"filtered by tenant and by nothing", fmt.Sprintf(`{leads(first: 10, filter: {tenantId: [%q], and: [], search: ""}){asOf}}`, tenant), "", limits.Cost{UpstreamCalls: 9, Rows: 40, Fields: 2}},
		{"filtered by tenant, and lead", fmt.Sprintf("{leads(filter: {tenantId: [%q]}){asOf} %s{id}}", tenant, one), "", limits.Cost{UpstreamCalls: 4, Rows: 4, Fields: 4}},
		{"counted", "{leads(first: 10){...C}} fragment C on LeadConnection{n: totalCount}", "", limits.Cost{UpstreamCalls: 7, Rows: 38, Fields: 2}},
		{"statistics", "{leadStats{total byStatus{count}}}", "", limits.Cost{UpstreamCalls: 5, Fields: 3 + catalogue.MaxBuckets}},
		{"statistics of days", "{leadStats{consentedPer(interval: DAY){periods{from to count} rest}}}", "", limits.Cost{UpstreamCalls: 5, Fields: 4 + 3*catalogue.MaxBuckets}},
		{"catalogue once", `{leadStats{total} a: leadStats{total} node(id: "1"){id} nodes(ids: ["1", "2"]){id}}`, "", limits.Cost{UpstreamCalls: 5, Rows: 3, Fields: 9}},
		{"type", `{__type(name: "CountryCount"){name fields{name type{name ofType{name}}}}}`, "", limits.Cost{Fields: 20 * (3 + 2*(2+2+1))}},
		{"unknown type", `{__type(name: "Nothing"){name}}`, "", limits.Cost{Fields: 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := estimate(t, c.document, c.variables); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestIntrospectionIsCountedExactly compares the count with the number of
// fields in gqlgen's response.
func TestIntrospectionIsCountedExactly(t *testing.T) {
	t.Parallel()
	got := estimate(t, introspection.Query, "").Fields
	want := 20 * fieldsIn(answerTo(t, introspection.Query))
	if got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	ids := "["
	for i := range 500 {
		ids += fmt.Sprintf(`"00000000-0000-4000-8000-%012d",`, i)
	}
	ids = ids[:len(ids)-1] + "]"
	const tenants = "query($ids: [UUID!]!){leadsByTenantIds(tenantIds: $ids){...Lead}}" + leadFragment
	for _, c := range []struct{ name, document, variables, limit string }{
		{"500 tenants", tenants, `{"ids":` + ids + `}`, ""},
		{"1,000 leads", "{leads(first: 1000){totalCount nodes{...Lead}}}" + leadFragment, "", ""},
		{"20 lookups", "{" + numbered("a%d: lead(tenantId: \"00000000-0000-4000-8000-%012[1]d\"){...Lead} ", 20) + "}" + leadFragment, "", ""},
		{"dashboard", dashboard, "", ""},
		{"introspection", introspection.Query, "", ""},
		{"many online lookups", "{" + numbered("a%d: lead(tenantId: \"00000000-0000-4000-8000-%012[1]d\", checkOnline: true){id} ", 20) + "}", "", ""},
		{"large pages", "{" + numbered("a%d: leads(first: 1000){asOf} ", 6) + "}", "", "rows"},
		{"wide rows", "{leads(first: 1000){nodes{" + numbered("a%d: civicAddresses{id country companyName} ", 28) + "}}}", "", ""},
		{"wide rows twice", "{" + numbered("a%d: leads(first: 1000){nodes{...Lead}} ", 2) + "}" + leadFragment, "", "answerFields"},
		{"introspection many times", "{" + numbered("s%d: __schema{types{fields{name description args{name description} type{name kind}}}} ", 25) + "}", "", "answerFields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cost := estimate(t, c.document, c.variables)
			if violation := cost.Exceeds(limits.Budget{}); limitOf(violation) != c.limit {
				t.Errorf("%+v: %v, want %q", cost, violation, c.limit)
			}
		})
	}
}

func TestViolationNamesWhatWasFound(t *testing.T) {
	t.Parallel()
	violation := limits.Check("{a{b{c}}}", limits.Document{Depth: 2})
	if got, want := violation.Error(), "depth: 3 levels, at most 2 are allowed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	violation = limits.Cost{Rows: 7}.Exceeds(limits.Budget{Rows: 6})
	if got, want := violation.Error(), "rows: 7 rows, at most 6 are allowed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// answerTo executes an introspection query.
func answerTo(t *testing.T, document string) any {
	t.Helper()
	exec := newExecutor()
	exec.Use(extension.Introspection{})
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: document})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	next, ctx := exec.DispatchOperation(ctx, op)
	var answer any
	if err := json.Unmarshal(next(ctx).Data, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// fieldsIn counts the members of all objects.
func fieldsIn(value any) int {
	total := 0
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			total += fieldsIn(item)
		}
	case map[string]any:
		for _, member := range value {
			total += 1 + fieldsIn(member)
		}
	}
	return total
}
