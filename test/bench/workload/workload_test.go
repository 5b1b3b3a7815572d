package workload

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func someData() Data {
	var d Data
	for i := range Leads {
		d.Cursors = append(d.Cursors, fmt.Sprint("cursor", i))
		d.Tenants = append(d.Tenants, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}
	return d
}

// TestDocumentsFitTheSchema notices a breaking change of the schema before the
// next benchmark does.
func TestDocumentsFitTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range All() {
		for _, e := range w.GraphQL(someData()) {
			var body struct{ Query string }
			if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
				t.Fatal(err)
			}
			if _, errs := gqlparser.LoadQueryWithRules(schema, body.Query, rules.NewDefaultRules()); errs != nil {
				t.Errorf("%s: %v", w.Name, errs)
			}
		}
	}
}

func TestServersOfAWorkloadAnswerTheSameRows(t *testing.T) {
	t.Parallel()
	for _, w := range All() {
		if (w.REST != nil) != slices.Contains(w.Servers, PassThrough) {
			t.Errorf("%s: REST requests without the proxy, or the proxy without them", w.Name)
		}
		if w.REST == nil {
			continue
		}
		ours, plain := w.GraphQL(someData()), w.REST(someData())
		if len(ours) != len(plain) || ours[0].Rows != plain[0].Rows {
			t.Errorf("%s: %d requests for %d rows through leadgraph, %d for %d through the proxy", w.Name, len(ours), ours[0].Rows, len(plain), plain[0].Rows)
		}
	}
}
