package limits

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"leadgraph/graph/pagination"
	"leadgraph/internal/plaintext"
)

// Front checks the documents of a front-end before they are shipped.
type Front struct {
	Schema   *ast.Schema
	Document Document
	Rates    Rates
	Budget   Budget
	// ListLength is the number of values assumed for list variables.
	ListLength int
}

// errFront is returned if any operation fails the check; the report has the
// details.
var errFront = errors.New("some operations would be refused or exceed the budget")

// Check reads the files, which together hold the operations and fragments of a
// front-end, and writes the maximum cost of each operation. It returns an error
// if an operation is invalid, exceeds a limit or exceeds the budget.
func (f Front) Check(w io.Writer, files []string) error {
	var all ast.QueryDocument
	sources := map[*ast.OperationDefinition]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		doc, err := parser.ParseQuery(&ast.Source{Name: file, Input: string(plaintext.Decode(text))})
		if err != nil {
			return err
		}
		for _, operation := range doc.Operations {
			sources[operation] = file
		}
		all.Operations = append(all.Operations, doc.Operations...)
		all.Fragments = append(all.Fragments, doc.Fragments...)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "FILE\tOPERATION\tCALLS\tROWS\tFIELDS\t")
	failed := false
	for _, operation := range all.Operations {
		cost, err := f.price(operation, all.Fragments)
		verdict := "ok"
		if err != nil {
			verdict, failed = err.Error(), true
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\n", sources[operation], cmp.Or(operation.Name, "-"), cost.UpstreamCalls, cost.Rows, cost.Fields, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed {
		return errFront
	}
	return nil
}

func (f Front) price(operation *ast.OperationDefinition, fragments ast.FragmentDefinitionList) (Cost, error) {
	doc := &ast.QueryDocument{Operations: ast.OperationList{operation}}
	reached(operation.SelectionSet, byName(fragments), map[string]bool{}, &doc.Fragments)
	if violation := CheckDocument(doc, f.Document); violation != nil {
		return Cost{}, violation
	}
	if errs := validator.ValidateWithRules(f.Schema, doc, Defaults()); len(errs) > 0 {
		return Cost{}, errs[0]
	}
	cost := Estimate(f.Schema, operation, doc.Fragments, f.assumed(operation), f.Rates, f.Budget)
	if violation := cost.Exceeds(f.Budget); violation != nil {
		return cost, violation
	}
	return cost, nil
}

// reached collects the fragments that a selection set uses.
func reached(set ast.SelectionSet, known map[string]*ast.FragmentDefinition, seen map[string]bool, found *ast.FragmentDefinitionList) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			reached(selected.SelectionSet, known, seen, found)
		case *ast.InlineFragment:
			reached(selected.SelectionSet, known, seen, found)
		case *ast.FragmentSpread:
			fragment := known[selected.Name]
			if fragment == nil || seen[selected.Name] {
				continue
			}
			seen[selected.Name] = true
			*found = append(*found, fragment)
			reached(fragment.SelectionSet, known, seen, found)
		}
	}
}

// assumed gives each variable its most expensive value: numbers are the largest
// page, lists have ListLength distinct values.
func (f Front) assumed(operation *ast.OperationDefinition) map[string]any {
	values := map[string]any{}
	for _, variable := range operation.VariableDefinitions {
		switch {
		case variable.Type.Elem != nil:
			list := make([]any, f.ListLength)
			for i := range list {
				list[i] = fmt.Sprintf("%s-%d", variable.Variable, i)
			}
			values[variable.Variable] = list
		case variable.Type.NamedType == "Int":
			values[variable.Variable] = int64(cmp.Or(f.Rates.MaxPage, pagination.DefaultMax))
		default:
			values[variable.Variable] = variable.Variable
		}
	}
	return values
}
