package limits

import "github.com/vektah/gqlparser/v2/ast"

// tally counts what is written in one definition.
type tally struct {
	found   Document
	nodes   int      // selections, directives, arguments and values
	spreads []string // names of spread fragments, in no order
}

func tallyOperation(operation *ast.OperationDefinition) *tally {
	t := &tally{}
	t.variables(operation.VariableDefinitions)
	t.directives(operation.Directives)
	t.selections(operation.SelectionSet, 0)
	return t
}

func tallyFragment(fragment *ast.FragmentDefinition) *tally {
	t := &tally{}
	t.variables(fragment.VariableDefinition)
	t.directives(fragment.Directives)
	t.selections(fragment.SelectionSet, 0)
	return t
}

func (t *tally) variables(list ast.VariableDefinitionList) {
	t.found.Variables += len(list)
	for _, variable := range list {
		if variable.DefaultValue != nil {
			t.value(variable.DefaultValue, 0)
		}
		depth := 0
		for of := variable.Type; of.Elem != nil; of = of.Elem {
			depth++
		}
		t.found.ValueDepth = max(t.found.ValueDepth, depth)
		t.directives(variable.Directives)
	}
}

// selections counts a selection set that is nested in that many inline
// fragments.
func (t *tally) selections(set ast.SelectionSet, inline int) {
	t.nodes += len(set)
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			if selected.Alias != selected.Name {
				t.found.Aliases++
			}
			t.arguments(selected.Arguments)
			t.directives(selected.Directives)
			t.selections(selected.SelectionSet, 0)
		case *ast.InlineFragment:
			t.found.Spreads++
			t.found.InlineDepth = max(t.found.InlineDepth, inline+1)
			t.directives(selected.Directives)
			t.selections(selected.SelectionSet, inline+1)
		case *ast.FragmentSpread:
			t.found.Spreads++
			t.spreads = append(t.spreads, selected.Name)
			t.directives(selected.Directives)
		}
	}
}

func (t *tally) directives(list ast.DirectiveList) {
	t.nodes += len(list)
	t.found.Directives += len(list)
	for _, directive := range list {
		t.arguments(directive.Arguments)
	}
}

func (t *tally) arguments(list ast.ArgumentList) {
	t.nodes += len(list)
	for _, argument := range list {
		t.value(argument.Value, 0)
	}
}

// value counts a value that is nested in that many others.
func (t *tally) value(value *ast.Value, depth int) {
	if value.Kind == ast.ListValue || value.Kind == ast.ObjectValue {
		depth++
	}
	t.nodes += len(value.Children)
	t.found.Values += len(value.Children)
	t.found.ValueDepth = max(t.found.ValueDepth, depth)
	for _, child := range value.Children {
		t.value(child.Value, depth)
	}
}

// tallies holds the tallies of all definitions of a document.
type tallies struct {
	operations []*tally
	fragments  []*tally
	byName     map[string]*tally // of fragments
	spread     map[string]bool   // names of fragments that are spread anywhere
}

func tallyAll(doc *ast.QueryDocument) tallies {
	all := tallies{byName: make(map[string]*tally, len(doc.Fragments)), spread: make(map[string]bool, len(doc.Fragments))}
	for _, operation := range doc.Operations {
		all.operations = append(all.operations, tallyOperation(operation))
	}
	for _, fragment := range doc.Fragments {
		t := tallyFragment(fragment)
		all.fragments = append(all.fragments, t)
		if all.byName[fragment.Name] == nil { // the first fragment of a name counts
			all.byName[fragment.Name] = t
		}
	}
	for _, list := range [][]*tally{all.operations, all.fragments} {
		for _, t := range list {
			for _, name := range t.spreads {
				all.spread[name] = true
			}
		}
	}
	return all
}

// sum adds up the tallies of all definitions.
func (all tallies) sum() Document {
	total := Document{Operations: len(all.operations), Fragments: len(all.fragments)}
	for _, list := range [][]*tally{all.operations, all.fragments} {
		for _, t := range list {
			total.Variables += t.found.Variables
			total.Spreads += t.found.Spreads
			total.Directives += t.found.Directives
			total.Aliases += t.found.Aliases
			total.Values += t.found.Values
			total.InlineDepth = max(total.InlineDepth, t.found.InlineDepth)
			total.ValueDepth = max(total.ValueDepth, t.found.ValueDepth)
		}
	}
	return total
}

// visits counts the nodes that validation visits: from each definition it walks
// to everything it reaches, entering each fragment once.
func (all tallies) visits() int {
	total := 0
	for _, list := range [][]*tally{all.operations, all.fragments} {
		for _, start := range list {
			total += start.nodes
			entered := make(map[string]bool, len(all.byName))
			next := append([]string(nil), start.spreads...)
			for len(next) > 0 {
				name := next[len(next)-1]
				next = next[:len(next)-1]
				if fragment := all.byName[name]; fragment != nil && !entered[name] {
					entered[name] = true
					total += fragment.nodes
					next = append(next, fragment.spreads...)
				}
			}
		}
	}
	return total
}
