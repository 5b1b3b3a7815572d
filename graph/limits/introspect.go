package limits

import (
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
)

// introspectionCap is where counting stops: 20 times what the standard query
// has on this schema.
const introspectionCap = 1 << 16

// introspected counts the fields in the response to __schema or, with a name,
// __type. It walks the schema without building the response.
func introspected(schema *ast.Schema, field branch, name string) int {
	c := counter{left: introspectionCap - 1} // the field itself
	if field.Name == "__schema" {
		c.ofSchema(introspection.WrapSchema(schema), field.children)
	} else {
		c.ofType(introspection.WrapTypeFromDef(schema, schema.Types[name]), field.children)
	}
	return introspectionCap - max(0, c.left)
}

// counter counts down to 0.
type counter struct{ left int }

func (c *counter) ofSchema(schema *introspection.Schema, fields []branch) {
	for _, field := range fields {
		c.left--
		switch field.Name {
		case "types":
			c.types(schema.Types(), field)
		case "queryType":
			c.ofType(schema.QueryType(), field.children)
		case "mutationType":
			c.ofType(schema.MutationType(), field.children)
		case "subscriptionType":
			c.ofType(schema.SubscriptionType(), field.children)
		case "directives":
			for _, directive := range schema.Directives() {
				c.ofDirective(directive, field.children)
			}
		}
	}
}

func (c *counter) ofDirective(directive introspection.Directive, fields []branch) {
	for _, field := range fields {
		c.left--
		if field.Name == "args" {
			c.inputs(directive.Args, field)
		}
	}
}

func (c *counter) types(types []introspection.Type, field branch) {
	for i := range types {
		c.ofType(&types[i], field.children)
	}
}

func (c *counter) inputs(values []introspection.InputValue, field branch) {
	for _, value := range values {
		for _, field := range field.children {
			c.left--
			if field.Name == "type" {
				c.ofType(value.Type, field.children)
			}
		}
	}
}

func (c *counter) ofType(of *introspection.Type, fields []branch) {
	if of == nil {
		return
	}
	for _, field := range fields {
		if c.left--; c.left <= 0 {
			return
		}
		switch field.Name {
		case "ofType":
			c.ofType(of.OfType(), field.children)
		case "interfaces":
			c.types(of.Interfaces(), field)
		case "possibleTypes":
			c.types(of.PossibleTypes(), field)
		case "inputFields":
			c.inputs(of.InputFields(), field)
		case "enumValues":
			c.left -= len(of.EnumValues(true)) * len(field.children)
		case "fields":
			for _, defined := range of.Fields(true) {
				c.ofField(defined, field.children)
			}
		}
	}
}

func (c *counter) ofField(defined introspection.Field, fields []branch) {
	for _, field := range fields {
		c.left--
		switch field.Name {
		case "args":
			c.inputs(defined.Args, field)
		case "type":
			c.ofType(defined.Type, field.children)
		}
	}
}
