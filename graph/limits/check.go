package limits

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"
)

// Check measures a document and returns the first limit that it exceeds, or
// nil. If the document does not parse, only the limits of the text apply; the
// parser reports the error later. The work is linear in the length of any
// document and at most that of reading l.Bytes.
func Check(document string, l Document) *Violation {
	if violation := l.exceeded(measureText(document, l)); violation != nil {
		return violation
	}
	if doc, err := parser.ParseQuery(&ast.Source{Input: document}); err == nil {
		return CheckDocument(doc, l)
	}
	return nil
}

// CheckDocument is like Check for a document that was already parsed within the
// limits of the text. It does not check those again.
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
		return &Violation{Limit: "cycles", Found: 1, unit: "fragment that contains itself"}
	}
	var roots []ast.SelectionSet
	for _, operation := range doc.Operations {
		total := definitions.set(operation.SelectionSet)
		found.RootFields = max(found.RootFields, total.roots)
		roots = append(roots, operation.SelectionSet)
	}
	// Unused fragments are invalid, but validation still walks them.
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
		return violation // before fragments are expanded one by one
	}
	for _, root := range roots {
		found.Repeats = max(found.Repeats, repeats(definitions.fragments, root))
	}
	return l.exceeded(found)
}

// CheckVariables measures the values of variables as decoded from JSON, before
// they are coerced to their types.
func CheckVariables(variables map[string]any, l Document) *Violation {
	var found Document
	for _, value := range variables {
		found.input(value, 0)
	}
	return l.exceeded(found)
}

// input adds a decoded JSON value that is nested in that many others.
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

// measureText counts tokens as the parser does. It does not read a text that is
// too long, and stops at the first malformed token.
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

// add returns the sum of two counts, or math.MaxInt if it overflows.
func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}
