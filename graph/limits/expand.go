package limits

import "github.com/vektah/gqlparser/v2/ast"

// size is the size of a selection set with every fragment expanded.
type size struct {
	roots  int // fields at its own level
	depth  int // nesting depth of fields
	fields int // all selections
	// The same below __schema and __type.
	schemaDepth, schemaFields int
}

func (s *size) add(other size) {
	s.roots = add(s.roots, other.roots)
	s.depth = max(s.depth, other.depth)
	s.fields = add(s.fields, other.fields)
	s.schemaDepth = max(s.schemaDepth, other.schemaDepth)
	s.schemaFields = add(s.schemaFields, other.schemaFields)
}

// expansion measures selection sets. It walks each fragment once, however often
// it is spread.
type expansion struct {
	fragments map[string]*ast.FragmentDefinition
	sizes     map[string]*size // by fragment; nil while it is being measured
	cyclic    bool             // a fragment contains itself
}

func newExpansion(fragments ast.FragmentDefinitionList) *expansion {
	return &expansion{byName(fragments), make(map[string]*size, len(fragments)), false}
}

// byName indexes fragments as validation does: the first fragment of a name
// counts.
func byName(list ast.FragmentDefinitionList) map[string]*ast.FragmentDefinition {
	fragments := make(map[string]*ast.FragmentDefinition, len(list))
	for _, fragment := range list {
		if fragments[fragment.Name] == nil {
			fragments[fragment.Name] = fragment
		}
	}
	return fragments
}

func (e *expansion) set(set ast.SelectionSet) (total size) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			total.add(e.field(selected))
		case *ast.InlineFragment:
			total.add(e.set(selected.SelectionSet))
			total.fields = add(total.fields, 1)
		case *ast.FragmentSpread:
			total.add(e.fragment(selected.Name))
			total.fields = add(total.fields, 1)
		}
	}
	return total
}

func (e *expansion) field(field *ast.Field) size {
	total := e.set(field.SelectionSet)
	total.roots = 1
	if field.Name == "__schema" || field.Name == "__type" {
		return size{
			roots:       1,
			schemaDepth: max(total.depth, total.schemaDepth) + 1, schemaFields: add(add(total.fields, total.schemaFields), 1),
		}
	}
	total.depth++
	total.fields = add(total.fields, 1)
	return total
}

func (e *expansion) fragment(name string) size {
	known, met := e.sizes[name]
	definition := e.fragments[name]
	switch {
	case definition == nil: // validation reports the unknown fragment
		return size{}
	case met && known == nil:
		e.cyclic = true
		return size{}
	case met:
		return *known
	}
	e.sizes[name] = nil
	total := e.set(definition.SelectionSet)
	e.sizes[name] = &total
	return total
}

// place holds the selections that merge into one field of the response.
type place struct {
	field    *ast.Field // the first of them
	fields   int        // number of merged fields
	children []ast.SelectionSet
}

// merge expands the fragments in selection sets, each once as execution does.
// It returns the fields by response name in document order, and the number of
// deferred fragments. It assumes that type conditions and directives exclude
// nothing.
func merge(fragments map[string]*ast.FragmentDefinition, sets []ast.SelectionSet) (places []place, deferred int) {
	index := map[string]int{}
	spread := map[string]bool{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selected := range set {
			switch selected := selected.(type) {
			case *ast.Field:
				at, known := index[selected.Alias]
				if !known {
					at = len(places)
					index[selected.Alias] = at
					places = append(places, place{field: selected})
				}
				places[at].fields++
				if len(selected.SelectionSet) > 0 {
					places[at].children = append(places[at].children, selected.SelectionSet)
				}
			case *ast.InlineFragment:
				deferred += deferrals(selected.Directives)
				collect(selected.SelectionSet)
			case *ast.FragmentSpread:
				deferred += deferrals(selected.Directives)
				if fragment := fragments[selected.Name]; fragment != nil && !spread[selected.Name] {
					spread[selected.Name] = true
					collect(fragment.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		collect(set)
	}
	return places, deferred
}

func deferrals(directives ast.DirectiveList) int {
	if directives.ForName("defer") != nil {
		return 1
	}
	return 0
}

// repeats returns the greatest number of fields that merge into one. Its work
// is proportional to the selections with all fragments expanded.
func repeats(fragments map[string]*ast.FragmentDefinition, sets ...ast.SelectionSet) int {
	most := 0
	places, _ := merge(fragments, sets)
	for _, place := range places {
		most = max(most, place.fields)
		if len(place.children) > 0 {
			most = max(most, repeats(fragments, place.children...))
		}
	}
	return most
}
