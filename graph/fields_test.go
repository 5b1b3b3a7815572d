package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
)

// TestEverySelectionReadsWhatItShows selects each field of a lead alone. It
// compares the page of the platform, of which only that part is read, with the
// page of the catalogue, which holds every field.
func TestEverySelectionReadsWhatItShows(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	selections := []string{"civicAddresses { locations { id } }", "... on Node { ... on Lead { comments } }"}
	for _, field := range schema.Types["Lead"].Fields {
		if !strings.HasPrefix(field.Name, "__") && field.Name != "asOf" { // the two pages are read one after the other
			selections = append(selections, field.Name+leaves(schema, field.Type))
		}
	}
	for _, selection := range selections {
		for _, shape := range []string{"nodes { id %s }", "edges { node { id %s } }"} {
			page := data[struct{ Leads any }](t, s.query(t, `{ leads(first: 200) { `+fmt.Sprintf(shape, selection)+` } }`))
			whole := data[struct{ Leads any }](t, s.query(t, `{ leads(last: 200) { `+fmt.Sprintf(shape, selection)+` } }`))
			if got, want := fmt.Sprint(page), fmt.Sprint(whole); got != want {
				t.Errorf("%s:\n%s\n%s", selection, got, want)
			}
		}
	}
}

// leaves selects all scalars of a type and of the lists in it, but no
// locations.
func leaves(schema *ast.Schema, of *ast.Type) string {
	definition := schema.Types[of.Name()]
	if definition.Kind != ast.Object {
		return ""
	}
	var text strings.Builder
	for _, field := range definition.Fields {
		if field.Name != "locations" && !strings.HasPrefix(field.Name, "__") {
			text.WriteString(" " + field.Name + leaves(schema, field.Type))
		}
	}
	return " {" + text.String() + " }"
}
