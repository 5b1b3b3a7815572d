package limits_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"pgregory.net/rapid"

	"leadgraph/graph/limits"
)

// naive expands fragments wherever they are spread, however often.
type naive struct {
	fragments map[string]*ast.FragmentDefinition
}

func (n naive) cyclic(set ast.SelectionSet, inside string) bool {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			if n.cyclic(selected.SelectionSet, inside) {
				return true
			}
		case *ast.InlineFragment:
			if n.cyclic(selected.SelectionSet, inside) {
				return true
			}
		case *ast.FragmentSpread:
			if strings.Contains(inside, selected.Name) || n.cyclic(n.fragments[selected.Name].SelectionSet, inside+selected.Name) {
				return true
			}
		}
	}
	return false
}

// paths returns the response path of each field, and an empty path for each
// spread and inline fragment.
func (n naive) paths(set ast.SelectionSet, under string) (all []string) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			path := under + "/" + selected.Alias
			all = append(append(all, path), n.paths(selected.SelectionSet, path)...)
		case *ast.InlineFragment:
			all = append(append(all, ""), n.paths(selected.SelectionSet, under)...)
		case *ast.FragmentSpread:
			all = append(append(all, ""), n.paths(n.fragments[selected.Name].SelectionSet, under)...)
		}
	}
	return all
}

// TestCheckCountsAsExpandingWould compares the verdict of each limit with that
// of the naive expansion.
func TestCheckCountsAsExpandingWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		document := drawDocument(t)
		doc, err := parser.ParseQuery(&ast.Source{Input: document})
		if err != nil {
			t.Fatal(document, err)
		}
		reference := naive{map[string]*ast.FragmentDefinition{}}
		for _, fragment := range doc.Fragments {
			reference.fragments[fragment.Name] = fragment
		}
		cyclic := reference.cyclic(doc.Operations[0].SelectionSet, "")
		for _, fragment := range doc.Fragments {
			cyclic = cyclic || reference.cyclic(fragment.SelectionSet, fragment.Name)
		}
		if cyclic {
			if v := limits.Check(document, limits.Document{}); limitOf(v) != "cycles" {
				t.Fatalf("%s: %v, want cycles", document, v)
			}
			return
		}
		var fields, depth, roots int
		for _, path := range reference.paths(doc.Operations[0].SelectionSet, "") {
			fields++
			depth = max(depth, strings.Count(path, "/"))
			if strings.Count(path, "/") == 1 {
				roots++
			}
		}
		wantBound(t, document, "fields", fields, func(l *limits.Document) *int { return &l.Fields })
		wantBound(t, document, "depth", depth, func(l *limits.Document) *int { return &l.Depth })
		wantBound(t, document, "rootFields", roots, func(l *limits.Document) *int { return &l.RootFields })
	})
}

// wantBound checks that the document is allowed with the limit found and
// refused below it.
func wantBound(t *rapid.T, document, name string, found int, limit func(*limits.Document) *int) {
	generous := func() limits.Document {
		const most = 1 << 40
		return limits.Document{RootFields: most, Depth: most, Fields: most, Repeats: most, Visits: most, Tokens: most, Aliases: most, Spreads: most, InlineDepth: most}
	}
	l := generous()
	*limit(&l) = found
	if v := limits.Check(document, l); v != nil {
		t.Fatalf("%s: %v", document, v)
	}
	if found == 1 {
		return // zero would mean the default
	}
	*limit(&l) = found - 1
	v := limits.Check(document, l)
	if limitOf(v) != name || v.Found != found || v.Max != found-1 {
		t.Fatalf("%s: %v, want %s to be %d", document, v, name, found)
	}
}

// drawDocument draws one operation that spreads every fragment. Fragments
// spread later ones and rarely earlier ones.
func drawDocument(t *rapid.T) string {
	fragments := rapid.IntRange(0, 5).Draw(t, "fragments")
	var b strings.Builder
	b.WriteString("{z ")
	for i := range fragments {
		fmt.Fprintf(&b, "...F%d ", i)
	}
	b.WriteString("}")
	for i := range fragments {
		fmt.Fprintf(&b, "fragment F%d on T", i)
		drawSet(t, &b, i+1, fragments, 3)
	}
	return b.String()
}

func drawSet(t *rapid.T, b *strings.Builder, next, fragments, depth int) {
	b.WriteString("{")
	for range rapid.IntRange(1, 3).Draw(t, "selections") {
		kind := rapid.IntRange(0, 19).Draw(t, "kind")
		switch {
		case kind == 0 && fragments > 0:
			fmt.Fprintf(b, "...F%d ", rapid.IntRange(0, fragments-1).Draw(t, "any"))
		case kind < 6 && next < fragments:
			fmt.Fprintf(b, "...F%d ", rapid.IntRange(next, fragments-1).Draw(t, "later"))
		case kind < 9 && depth > 0:
			b.WriteString("...")
			drawSet(t, b, next, fragments, depth-1)
		case kind < 13 && depth > 0:
			b.WriteString(rapid.SampledFrom([]string{"a", "b", "a:b"}).Draw(t, "parent"))
			drawSet(t, b, next, fragments, depth-1)
		default:
			b.WriteString(rapid.SampledFrom([]string{"a ", "b ", "c:a "}).Draw(t, "leaf"))
		}
	}
	b.WriteString("}")
}

// TestRepeats checks that fields are counted by their place in the response,
// and each fragment once per place.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{
		"{a b a:c}":                            2,
		"{a{b b} a{b}}":                        3,
		"{a{x:b} b{x:b} c:a{x:b}}":             1,
		"{a ...{a ...{a}}}":                    3,
		"{...F ...F} fragment F on T{a a}":     2,
		"{a{...F} a{...F}} fragment F on T{b}": 2,
		"{...F a} fragment F on T{a ...G} fragment G on T{a b}": 3,
	} {
		l := limits.Document{Repeats: want}
		if v := limits.Check(document, l); v != nil {
			t.Errorf("%s: %v", document, v)
		}
		if l.Repeats--; l.Repeats == 0 {
			continue
		}
		if v := limits.Check(document, l); limitOf(v) != "repeats" || v.Found != want {
			t.Errorf("%s: %v, want %d", document, v, want)
		}
	}
}

// FuzzCheck checks that no document makes Check panic, and that the documents
// it allows are within the limits of the text.
func FuzzCheck(f *testing.F) {
	for _, a := range attacks() {
		if len(a.document) < 4000 {
			f.Add(a.document)
		}
	}
	exec := newExecutor()
	f.Fuzz(func(t *testing.T, document string) {
		violation, errs := prepare(exec, attack{document: document})
		if violation == nil && len(document) > limits.DefaultBytes || len(errs) > maxErrors {
			t.Errorf("passed with %d bytes and %d errors", len(document), len(errs))
		}
	})
}
