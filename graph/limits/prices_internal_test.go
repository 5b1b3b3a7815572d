package limits

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
)

func TestEveryRootFieldHasAPrice(t *testing.T) {
	t.Parallel()
	for _, field := range unpriced(generated.NewExecutableSchema(generated.Config{}).Schema()) {
		t.Errorf("the root field %s has no price: write one in graph/limits/prices.go and add it to prices; until then each use of the field costs the whole budget", field)
	}
}

// unpriced returns the root fields of a schema that have no price.
func unpriced(schema *ast.Schema) (fields []string) {
	for kind, root := range map[ast.Operation]*ast.Definition{
		ast.Query: schema.Query, ast.Mutation: schema.Mutation, ast.Subscription: schema.Subscription,
	} {
		if root == nil {
			continue
		}
		for _, field := range root.Fields {
			if prices[kind][field.Name] == nil {
				fields = append(fields, root.Name+"."+field.Name)
			}
		}
	}
	return fields
}

// TestRootFieldWithoutPriceCostsTheBudget uses root types with other names, and
// a mutation whose name is that of a query with a price.
func TestRootFieldWithoutPriceCostsTheBudget(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		schema { query: Reads mutation: Writes subscription: Events }
		type Reads { lead(tenantId: String): Int unknown: Reads }
		type Writes { lead(tenantId: String): Int }
		type Events { lead(tenantId: String): Int }`})
	if got := len(unpriced(schema)); got != 3 {
		t.Errorf("%d root fields without a price, want 3", got)
	}
	for document, want := range map[string]struct {
		budget Budget
		cost   Cost
		limit  string
	}{
		`{lead(tenantId: "a")}`:            {cost: Cost{UpstreamCalls: DefaultLookupCalls, Rows: leadsPerTenant, Fields: 1}},
		`{__typename}`:                     {cost: Cost{Fields: 1}},
		`mutation{__typename}`:             {cost: Cost{Fields: 1}},
		`{unknown{__typename}}`:            {cost: Cost{DefaultBudgetCalls, DefaultBudgetRows, DefaultBudgetFields}},
		`mutation{lead(tenantId: "a")}`:    {cost: Cost{DefaultBudgetCalls, DefaultBudgetRows, DefaultBudgetFields}},
		`subscription{lead}`:               {cost: Cost{DefaultBudgetCalls, DefaultBudgetRows, DefaultBudgetFields}},
		`{unknown{lead} __typename}`:       {budget: Budget{7, 8, 9}, cost: Cost{7, 8, 10}, limit: "answerFields"},
		`{a: unknown{lead} unknown{lead}}`: {budget: Budget{7, 8, 9}, cost: Cost{14, 16, 18}, limit: "upstreamCalls"},
	} {
		doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		cost := Estimate(schema, doc.Operations[0], doc.Fragments, nil, Rates{}, want.budget)
		limit := ""
		if violation := cost.Exceeds(want.budget); violation != nil {
			limit = violation.Limit
		}
		if cost != want.cost || limit != want.limit {
			t.Errorf("%s: %+v, over %q, want %+v", document, cost, limit, want)
		}
	}
}
