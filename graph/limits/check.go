package limits

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"
)

// Check measures a document and returns the first limit that it exceeds, or nil.
// A document that does not parse exceeds none of those that need parsing: the
// parser's own error will tell. The work is linear in the document, whatever the
// document, and is at most that of reading l.Bytes.
func Check(document string, l Document) *Violation {
	if violation := l.exceeded(measureText(document, l)); violation != nil {
		return violation
	}
	if doc, err := parser.ParseQuery(&ast.Source{Input: document}); err == nil {
		return CheckDocument(doc, l)
	}
	return nil
}

// CheckDocument is Check for a document that was parsed within the limits of the
// text, which it does not repeat.
func CheckDocument(doc *ast.QueryDocument, l Document) *Violation {
	written := tallyAll(doc)
	found := written.sum()
	if violation := l.exceeded(found); violation != nil {
		return violation // before anything is walked more than once
	}
	definitions := newExpansion(doc.Fragments)
	for _, fragment := range doc.Fragments {
		definitions.fragment(fragment.Name)
	}
	if definitions.cyclic {
		return &Violation{Limit: "cycles", Found: 1, unit: "fragment inside itself"}
	}
	var roots []ast.SelectionSet
	for _, operation := range doc.Operations {
		total := definitions.set(operation.SelectionSet)
		found.RootFields = max(found.RootFields, total.roots)
		roots = append(roots, operation.SelectionSet)
	}
	// Fragments that nothing spreads are at fault, which is found by walking them.
	for i, fragment := range doc.Fragments {
		if !written.spread[fragment.Name] || written.fragments[i] != written.byName[fragment.Name] {
			roots = append(roots, fragment.SelectionSet)
		}
	}
	for _, root := range roots {
		total := definitions.set(root)
		found.Depth = max(found.Depth, total.depth)
		found.Fields = add(found.Fields, total.fields)
		found.IntrospectionDepth = max(found.IntrospectionDepth, total.schemaDepth)
		found.IntrospectionFields = add(found.IntrospectionFields, total.schemaFields)
	}
	found.Visits = written.visits()
	if violation := l.exceeded(found); violation != nil {
		return violation // before fragments are put in one by one
	}
	for _, root := range roots {
		found.Repeats = max(found.Repeats, repeats(definitions.fragments, root))
	}
	return l.exceeded(found)
}

// CheckVariables measures the values of variables as they were decoded from
// JSON, before they are coerced to their types.
func CheckVariables(variables map[string]any, l Document) *Violation {
	var found Document
	for _, value := range variables {
		found.input(value, 0)
	}
	return l.exceeded(found)
}

// input adds a decoded JSON value that is inside that many others.
func (found *Document) input(value any, depth int) {
	found.ValueDepth = max(found.ValueDepth, depth)
	switch value := value.(type) {
	case string:
		found.StringLength = max(found.StringLength, len(value))
	case []any:
		found.Values += len(value)
		for _, item := range value {
			found.input(item, depth+1)
		}
	case map[string]any:
		found.Values += len(value)
		for name, item := range value {
			found.NameLength = max(found.NameLength, len(name))
			found.input(item, depth+1)
		}
	}
}

// measureText counts tokens as the parser does. A text that is longer than
// allowed is not read, and reading ends with the first malformed token.
func measureText(document string, l Document) Document {
	found := Document{Bytes: len(document)}
	if l.exceeded(found) != nil {
		return found
	}
	lexed := lexer.New(&ast.Source{Input: document})
	for {
		token, err := lexed.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return found
		}
		found.Tokens++
		switch token.Kind {
		case lexer.Name:
			found.NameLength = max(found.NameLength, len(token.Value))
		case lexer.String, lexer.BlockString:
			found.StringLength = max(found.StringLength, len(token.Value))
		}
	}
}

// add is the sum of two counts, at most the greatest number.
func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}
