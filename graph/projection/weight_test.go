package projection_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/graph/projection"
	"leadgraph/internal/apptest"
)

// TestPlansWeighWhatTheyHold compares the weights of plans with the heap. It is not
// parallel because it measures the whole process.
func TestPlansWeighWhatTheyHold(t *testing.T) { //nolint:paralleltest // measures the whole process
	all := selectAll(schema(), "Lead")
	long := strings.Repeat("long", 25)
	aliases := func(selected string) string {
		var text strings.Builder
		for i := range 20 {
			fmt.Fprintf(&text, "a%d: lead(tenantId: \"f94238e5-4f2c-4e1b-8125-2d27122ca75f\") %s ", i, selected)
		}
		return text.String()
	}
	for name, query := range map[string]string{ //nolint:paralleltest // measures the whole process
		"one field":  `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { id } }`,
		"all fields": `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") ` + all + ` }`,
		"long names": `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { a` + long + `: id b` + long + `: id } }`,
		"many roots": `{ ` + aliases("{ id status comments }") + ` }`,
		// The plan must not keep what is selected in a field with arguments or beside it.
		"arguments": `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { civicAddresses(country: "DE") { ` + strings.Repeat("id ", 60) + ` } ` + strings.Repeat("id ", 60) + ` } }`,
		"fragments": `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { ...F0 ...F1 ...F2 } } fragment F0 on Lead ` + all + ` fragment F1 on Lead ` + all + ` fragment F2 on Lead ` + all,
	} {
		t.Run(name, func(t *testing.T) {
			schema := generated.NewExecutableSchema(generated.Config{Resolvers: resolvers{answers: sampleAnswers()}})
			projector, err := projection.New(schema.Schema())
			if err != nil {
				t.Fatal(err)
			}
			e := newExecutor(schema)
			e.SetQueryCache(lru.New[*ast.QueryDocument](1)) // so that only plans are kept
			e.AroundFields(projector.Middleware)
			execute(t.Context(), t, e, query, nil)
			before, heldBefore := apptest.HeapInUse(), weightOf(projector)
			const documents = 50
			for i := range documents {
				execute(t.Context(), t, e, fmt.Sprintf("query Q%d %s", i, query), nil)
			}
			held, weight := apptest.HeapInUse()-before, weightOf(projector)-heldBefore
			t.Logf("a document of %d bytes: plans hold %d, weigh %d: %.2f", len(query), held/documents, weight/documents, float64(weight)/float64(held))
			if weight < held || weight > 6*held {
				t.Errorf("plans hold %d bytes and weigh %d", held/documents, weight/documents)
			}
			runtime.KeepAlive(projector)
		})
	}
}

func weightOf(p *projection.Projector) uint64 {
	_, weight := p.Weight()
	return weight
}
