package limits_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"leadgraph/graph/generated"
	"leadgraph/graph/limits"
)

func TestCheckOfAFrontEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	front := limits.Front{Schema: generated.NewExecutableSchema(generated.Config{}).Schema(), ListLength: 100}
	table := write("table.graphql", `query Table($n: Int!) { leads(first: $n, orderBy: {field: STATUS}) { nodes { ...Row } } }`)
	row := write("row.graphql", `fragment Row on Lead { id status }`)
	many := write("many.graphql", `query Many($ids: [UUID!]!) { leadsByTenantIds(tenantIds: $ids) { ...Row } }`)
	var report strings.Builder
	if err := front.Check(&report, []string{table, row, many}); err != nil {
		t.Errorf("%v:\n%s", err, report.String())
	}
	for _, want := range []string{"Table", "1000", "Many", "200"} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("no %s in:\n%s", want, report.String())
		}
	}
	tight := front
	tight.Budget.UpstreamCalls = 50
	for name, files := range map[string][]string{
		"over the budget":  {many, row},
		"unknown fragment": {table},
		"invalid":          {write("bad.graphql", `{ nope }`)},
		"over the limits":  {write("deep.graphql", "{ leads { edges { node { "+strings.Repeat("contactDetails { ", 12)+"email"+strings.Repeat(" }", 16))},
		"no document":      {write("torn.graphql", `{ leads`)},
		"no file":          {filepath.Join(dir, "none")},
	} {
		if err := tight.Check(&strings.Builder{}, files); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
