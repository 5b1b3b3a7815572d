package graph_test

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph"
	"leadgraph/graph/generated"
)

// TestSchemaIsDescribed keeps the schema readable in the playground: every
// type, field, argument and value has a description, and every custom scalar
// links to its specification.
func TestSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	described := func(what, description string) {
		if strings.TrimSpace(description) == "" {
			t.Errorf("%s has no description", what)
		}
	}
	for _, definition := range schema.Types {
		if definition.BuiltIn {
			continue
		}
		described(definition.Name, definition.Description)
		if definition.Kind == ast.Scalar && definition.Directives.ForName("specifiedBy") == nil {
			t.Errorf("scalar %s has no @specifiedBy", definition.Name)
		}
		for _, field := range definition.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			described(definition.Name+"."+field.Name, field.Description)
			for _, argument := range field.Arguments {
				described(definition.Name+"."+field.Name+"("+argument.Name+")", argument.Description)
			}
		}
		for _, value := range definition.EnumValues {
			described(definition.Name+"."+value.Name, value.Description)
		}
	}
}

func TestSchemaCanBeHidden(t *testing.T) {
	t.Parallel()
	hidden := newService(t, serviceOptions{graph: func(o *graph.Options) { o.Introspection = false }})
	if a := hidden.query(t, `{ __schema { queryType { name } } }`); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("introspection was answered: %s", a.Body)
	}
	if a := hidden.query(t, `{ leds { nodes { id } } }`); strings.Contains(a.Body, "Did you mean") {
		t.Errorf("the schema is guessed at: %s", a.Body)
	}
}
