package main

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

func someData() data {
	var d data
	for i := range leads {
		d.cursors = append(d.cursors, fmt.Sprint("cursor", i))
		d.tenants = append(d.tenants, fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	}
	return d
}

// A change of the schema must not be noticed only by the next benchmark.
func TestDocumentsFitTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range workloads() {
		for _, e := range w.graphql(someData()) {
			var body struct{ Query string }
			if err := json.Unmarshal([]byte(e.body), &body); err != nil {
				t.Fatal(err)
			}
			if _, errs := gqlparser.LoadQueryWithRules(schema, body.Query, rules.NewDefaultRules()); errs != nil {
				t.Errorf("%s: %v", w.name, errs)
			}
		}
	}
}

func TestServersOfAWorkloadAreAskedForAsMuch(t *testing.T) {
	t.Parallel()
	for _, w := range workloads() {
		if (w.rest != nil) != slices.Contains(w.servers, passThrough) {
			t.Errorf("%s: REST requests without the proxy, or the proxy without them", w.name)
		}
		if w.rest == nil {
			continue
		}
		ours, plain := w.graphql(someData()), w.rest(someData())
		if len(ours) != len(plain) || ours[0].rows != plain[0].rows {
			t.Errorf("%s: %d requests for %d rows through leadgraph, %d for %d through the proxy", w.name, len(ours), ours[0].rows, len(plain), plain[0].rows)
		}
	}
}
