package federation

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// spec is the version of Federation whose directives are used: the first one with
// @requiresScopes.
const spec = "https://specs.apollo.dev/federation/v2.5"

// What federation.graphqls adds to the schema.
var (
	ownTypes  = []string{"_Any", "_Entity", "_Service"}
	ownFields = []string{"_entities", "_service"}
)

// Scopes are the scopes that a caller needs to read leads and, besides, personal data.
// They are empty if callers are not judged by scopes.
type Scopes struct{ Read, Personal string }

// Without returns a copy of the schema without what only gateways ask for.
func Without(schema *ast.Schema) *ast.Schema {
	query := *schema.Query
	query.Fields = slices.DeleteFunc(slices.Clone(query.Fields), func(f *ast.FieldDefinition) bool { return slices.Contains(ownFields, f.Name) })
	copied := *schema
	copied.Query = &query
	copied.Types, copied.PossibleTypes = maps.Clone(schema.Types), maps.Clone(schema.PossibleTypes)
	copied.Types[query.Name], copied.PossibleTypes[query.Name] = &query, []*ast.Definition{&query}
	for _, name := range ownTypes {
		delete(copied.Types, name)
		delete(copied.PossibleTypes, name)
	}
	copied.Implements = make(map[string][]*ast.Definition, len(schema.Implements))
	for name, abstract := range schema.Implements {
		copied.Implements[name] = slices.DeleteFunc(slices.Clone(abstract), func(d *ast.Definition) bool { return slices.Contains(ownTypes, d.Name) })
	}
	return &copied
}

// SDL returns the text of the schema with the directives of Federation.
func SDL(schema *ast.Schema, scopes Scopes) string {
	public := *Without(schema)
	public.SchemaDirectives = ast.DirectiveList{link()}
	public.Directives = maps.Clone(public.Directives)
	delete(public.Directives, "pii") // @tag says it
	public.Types = maps.Clone(public.Types)
	for name, definition := range public.Types {
		public.Types[name] = annotated(&public, definition, scopes)
	}
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatSchema(&public)
	return text.String()
}

// annotated returns a copy of a definition with the directives of Federation.
func annotated(schema *ast.Schema, definition *ast.Definition, scopes Scopes) *ast.Definition {
	copied := *definition
	copied.Directives = slices.Clone(definition.Directives)
	copied.Fields = make(ast.FieldList, len(definition.Fields))
	root := definition == schema.Query || definition == schema.Subscription
	for i, field := range definition.Fields {
		f := *field
		f.Directives = slices.DeleteFunc(slices.Clone(field.Directives), func(d *ast.Directive) bool { return d.Name == "pii" })
		switch {
		case len(f.Directives) != len(field.Directives):
			f.Directives = append(f.Directives, directive("tag", argument("name", text("pii"))))
			f.Directives = append(f.Directives, requires(scopes.Read, scopes.Personal)...)
		case root:
			f.Directives = append(f.Directives, requires(scopes.Read)...)
		}
		if root && (f.Name == "node" || f.Name == "nodes") { // of which subgraph?
			f.Directives = append(f.Directives, directive("inaccessible"))
		}
		copied.Fields[i] = &f
	}
	switch definition.Name {
	case Lead, Tenant:
		copied.Directives = append(copied.Directives, directive("key", argument("fields", text("id"))))
		copied.Directives = append(copied.Directives, requires(scopes.Read)...)
	case "PageInfo":
		copied.Directives = append(copied.Directives, directive("shareable"))
	}
	return &copied
}

// requires returns the directive that demands all of the scopes, or nothing if one is
// empty.
func requires(scopes ...string) ast.DirectiveList {
	if slices.Contains(scopes, "") {
		return nil
	}
	return ast.DirectiveList{directive("requiresScopes", argument("scopes", list(list(texts(scopes)...))))}
}

func link() *ast.Directive {
	imports := []string{"@inaccessible", "@key", "@requiresScopes", "@shareable", "@tag"}
	return directive("link", argument("url", text(spec)), argument("import", list(texts(imports)...)))
}

func directive(name string, arguments ...*ast.Argument) *ast.Directive {
	return &ast.Directive{Name: name, Arguments: arguments}
}

func argument(name string, value *ast.Value) *ast.Argument {
	return &ast.Argument{Name: name, Value: value}
}

func text(raw string) *ast.Value { return &ast.Value{Kind: ast.StringValue, Raw: raw} }

func texts(raw []string) []*ast.Value {
	values := make([]*ast.Value, len(raw))
	for i := range raw {
		values[i] = text(raw[i])
	}
	return values
}

func list(values ...*ast.Value) *ast.Value {
	of := &ast.Value{Kind: ast.ListValue}
	for _, value := range values {
		of.Children = append(of.Children, &ast.ChildValue{Value: value})
	}
	return of
}
