package export

import (
	"strings"
	"unicode"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// field is a selected field, in the order in which it is rendered.
type field struct {
	alias  string
	list   bool
	object bool
	fields []field // of an object
	// first and end are the columns of the field and of those below it.
	first, end int
}

// column is a column of CSV: a field that is no object.
type column struct {
	header string // for readers
	path   string // in GraphQL, by response names
	name   string // in GraphQL, by the names of the schema
}

// layout says how the JSON of a lead becomes a record.
type layout struct {
	fields  []field
	columns []column
}

// layoutOf returns the layout of a selection on a type.
func layoutOf(op *graphql.OperationContext, schema *ast.Schema, set ast.SelectionSet, typeName string) *layout {
	l := &layout{}
	l.fields = l.collect(op, schema, set, schema.Types[typeName], column{})
	seen := map[string]int{}
	for _, c := range l.columns {
		seen[c.header]++
	}
	for i, c := range l.columns {
		if seen[c.header] > 1 { // aliases can differ where their words do not
			l.columns[i].header = c.path
		}
	}
	return l
}

func (l *layout) collect(op *graphql.OperationContext, schema *ast.Schema, set ast.SelectionSet, object *ast.Definition, above column) (fields []field) {
	for _, selected := range graphql.CollectFields(op, set, append([]string{object.Name}, object.Interfaces...)) {
		at := column{
			header: above.header + words(selected.Alias), path: above.path + selected.Alias, name: above.name + selected.Name,
		}
		f := field{alias: selected.Alias, first: len(l.columns), list: selected.Definition.Type.Elem != nil}
		if inner := schema.Types[selected.Definition.Type.Name()]; inner.Kind == ast.Object {
			f.object = true
			below := column{header: at.header + " / ", path: at.path + ".", name: at.name + "."}
			f.fields = l.collect(op, schema, selected.SelectionSet, inner, below)
		} else {
			l.columns = append(l.columns, at)
		}
		f.end = len(l.columns)
		fields = append(fields, f)
	}
	return fields
}

// names returns the names of the exported fields in the schema.
func (l *layout) names() []string {
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = c.name
	}
	return names
}

func (l *layout) headers() []string {
	headers := make([]string, len(l.columns))
	for i, c := range l.columns {
		headers[i] = c.header
	}
	return headers
}

// abbreviations are words of names that are written in capital letters.
var abbreviations = map[string]string{"id": "ID", "guid": "GUID", "ump": "UMP", "ovoc": "OVOC", "elin": "ELIN"}

// words returns a name as words: companySize is "Company size".
func words(name string) string {
	var all []string
	begin := 0
	for i, r := range name {
		if i > begin && (unicode.IsUpper(r) || r == '_') {
			all = append(all, name[begin:i])
			begin = i
		}
	}
	all = append(all, name[begin:])
	text := ""
	for _, word := range all {
		if word = strings.ToLower(strings.Trim(word, "_")); word == "" {
			continue
		}
		if short, is := abbreviations[word]; is {
			word = short
		} else if text == "" {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		if text != "" {
			text += " "
		}
		text += word
	}
	if text == "" {
		return name
	}
	return text
}
