package documents

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"leadgraph/graph/generated"
	"leadgraph/internal/apptest"
)

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	cache := New()
	often := &ast.QueryDocument{}
	cache.Add(t.Context(), "often", often)
	long := strings.Repeat("x", 64<<10)
	for i := range 10 * maxDocumentBytes / len(long) {
		cache.Add(t.Context(), long+strconv.Itoa(i), &ast.QueryDocument{})
		if got, known := cache.Get(t.Context(), "often"); !known || got != often {
			t.Fatalf("a document that is used often is gone after %d others", i)
		}
	}
	if held := cache.documents.WeightedSize(); held > maxDocumentBytes {
		t.Errorf("%d bytes are kept, want at most %d", held, maxDocumentBytes)
	}
}

const everyField = "id tenantId status statusText operatorId comments consentedOn contactDetails{fullName email companyName} contacts{fullName email} " +
	"civicAddresses{id country houseNumber streetName locations{id description elin}}"

// documentKinds are documents that hold much of one kind. Each call returns another text.
func documentKinds() map[string]func(i int) string {
	repeat := func(n int, format string) string {
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, format, i)
		}
		return all.String()
	}
	fragments := repeat(15, "fragment F%d on Lead{"+everyField+"} ")
	spreads := repeat(15, "...F%d ")
	aliases := repeat(100, "a%d:id ")
	conditions := repeat(40, "...@include(if:true){a%d:id} ")
	variables := repeat(40, "$v%d:[LeadStatus!]=[ACTIVE] ")
	used := repeat(40, "a%[1]d:leads(first:0,filter:{status:$v%[1]d}){totalCount} ")
	strung := `"` + strings.Repeat("é", 200) + `"`
	return map[string]func(int) string{
		"one field": func(i int) string { return fmt.Sprintf("query Q%d{__typename}", i) },
		"fields":    func(i int) string { return fmt.Sprintf("query Q%d{leads(first:1){nodes{%s}}}", i, everyField) },
		"aliases":   func(i int) string { return fmt.Sprintf("query Q%d{leads(first:1){nodes{%s}}}", i, aliases) },
		"fragments": func(i int) string {
			return fmt.Sprintf("query Q%d{leads(first:0){nodes{%s}}} %s", i, spreads, fragments)
		},
		"directives": func(i int) string { return fmt.Sprintf("query Q%d{leads(first:1){nodes{%s}}}", i, conditions) },
		"variables":  func(i int) string { return fmt.Sprintf("query Q%d(%s){%s}", i, variables, used) },
		"lists": func(i int) string {
			return fmt.Sprintf("query Q%d{leadsByTenantIds(tenantIds:[%s]){id}}", i, strings.Repeat(`"f94238e5-4f2c-4e1b-8125-2d27122ca75f" `, 80))
		},
		"texts": func(i int) string {
			return fmt.Sprintf("query Q%d{leads(first:1,filter:{search:%s}){totalCount}}", i, strung)
		},
		"comments": func(i int) string {
			return fmt.Sprintf("query Q%d{leads(first:1){nodes{%s}}}", i, repeat(50, "#c%d\nid "))
		},
		"escapes": func(i int) string {
			return fmt.Sprintf(`query Q%d{leads(first:1,filter:{search:"%s"}){totalCount}}`, i, strings.Repeat(`\u00e9`, 100))
		},
	}
}

// TestDocumentsWeighWhatTheyHold compares the weights with the heap. It is not parallel
// because it measures the whole process.
func TestDocumentsWeighWhatTheyHold(t *testing.T) { //nolint:paralleltest // measures the whole process
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for name, text := range documentKinds() { //nolint:paralleltest // measures the whole process
		t.Run(name, func(t *testing.T) {
			const documents = 60
			cache := New()
			before := apptest.HeapInUse()
			for i := range documents {
				text := text(i)
				document, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				cache.Add(t.Context(), text, document)
			}
			held := int64(apptest.HeapInUse() - before)
			weight := int64(cache.documents.WeightedSize())
			if n := cache.documents.EstimatedSize(); n != documents {
				t.Fatalf("%d documents are kept", n)
			}
			t.Logf("held %d, weight %d: %.2f", held/documents, weight/documents, float64(weight)/float64(held))
			if weight < held*9/10 || weight > 3*held {
				t.Errorf("documents of %d bytes weigh %d and hold %d", len(text(0)), weight/documents, held/documents)
			}
			runtime.KeepAlive(cache)
		})
	}
}
