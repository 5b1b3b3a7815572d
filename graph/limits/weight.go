package limits

import (
	"math"
	"unsafe"

	"github.com/vektah/gqlparser/v2/ast"
)

// Sizes of what documents consist of, in bytes, as Go allocates them.
const (
	// aroundDocument is the size of an entry of the cache without its document: its
	// node, its place in the table and the map of declarations.
	aroundDocument = 1 << 10
	aField         = unsafe.Sizeof(ast.Field{}) + aPosition
	anInline       = unsafe.Sizeof(ast.InlineFragment{}) + aPosition
	aSpread        = unsafe.Sizeof(ast.FragmentSpread{}) + aPosition
	aDefinition    = unsafe.Sizeof(ast.FragmentDefinition{}) + aPosition
	anOperation    = unsafe.Sizeof(ast.OperationDefinition{}) + aPosition
	aVariable      = unsafe.Sizeof(ast.VariableDefinition{}) + aPosition
	aType          = unsafe.Sizeof(ast.Type{}) + aPosition
	aDirective     = unsafe.Sizeof(ast.Directive{}) + aPosition
	anArgument     = unsafe.Sizeof(ast.Argument{}) + aPosition
	aValue         = unsafe.Sizeof(ast.Value{}) + aPosition
	aChild         = unsafe.Sizeof(ast.ChildValue{}) + aPosition
	aComment       = unsafe.Sizeof(ast.Comment{}) + aPosition
	// aPosition includes the rounding of the two allocations to sizes that Go has.
	aPosition = unsafe.Sizeof(ast.Position{}) + 24
	aPointer  = unsafe.Sizeof(uintptr(0))
)

// Weight returns about how many bytes a document and its text hold in a cache, with
// declarations of variables that were taken out of it. A document holds
// a multiple of its text: by measurement up to 25 bytes for each byte.
func Weight(text string, document *ast.QueryDocument, declared map[*ast.OperationDefinition]ast.VariableDefinitionList) uint32 {
	w := weigher(aroundDocument + len(text))
	for _, operation := range document.Operations {
		w.add(anOperation)
		w.variables(operation.VariableDefinitions)
		w.directives(operation.Directives)
		w.comment(operation.Comment)
		w.selections(operation.SelectionSet)
	}
	for _, variables := range declared {
		w.variables(variables)
	}
	for _, fragment := range document.Fragments {
		w.add(aDefinition)
		w.variables(fragment.VariableDefinition)
		w.directives(fragment.Directives)
		w.comment(fragment.Comment)
		w.selections(fragment.SelectionSet)
	}
	w.comment(document.Comment)
	return uint32(min(uint64(w), math.MaxUint32))
}

// weigher counts the bytes of a document.
type weigher uint64

func (w *weigher) add(size uintptr) { *w += weigher(size) }

func (w *weigher) selections(set ast.SelectionSet) {
	w.add(uintptr(cap(set)) * 2 * aPointer) // interfaces
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			w.add(aField)
			w.arguments(selected.Arguments)
			w.directives(selected.Directives)
			w.comment(selected.Comment)
			w.selections(selected.SelectionSet)
		case *ast.InlineFragment:
			w.add(anInline)
			w.directives(selected.Directives)
			w.comment(selected.Comment)
			w.selections(selected.SelectionSet)
		case *ast.FragmentSpread:
			w.add(aSpread)
			w.directives(selected.Directives)
			w.comment(selected.Comment)
		}
	}
}

func (w *weigher) directives(list ast.DirectiveList) {
	w.add(uintptr(cap(list)) * aPointer)
	for _, directive := range list {
		w.add(aDirective)
		w.arguments(directive.Arguments)
	}
}

func (w *weigher) arguments(list ast.ArgumentList) {
	w.add(uintptr(cap(list)) * aPointer)
	for _, argument := range list {
		w.add(anArgument)
		w.comment(argument.Comment)
		w.value(argument.Value)
	}
}

func (w *weigher) value(value *ast.Value) {
	if value == nil {
		return
	}
	w.add(aValue + uintptr(cap(value.Children))*aPointer)
	if value.Kind == ast.StringValue || value.Kind == ast.BlockValue {
		w.add(uintptr(len(value.Raw))) // other texts are parts of the document
	}
	w.comment(value.Comment)
	for _, child := range value.Children {
		w.add(aChild)
		w.comment(child.Comment)
		w.value(child.Value)
	}
}

func (w *weigher) variables(list ast.VariableDefinitionList) {
	w.add(uintptr(cap(list)) * aPointer)
	for _, variable := range list {
		w.add(aVariable)
		for of := variable.Type; of != nil; of = of.Elem {
			w.add(aType)
		}
		w.value(variable.DefaultValue)
		w.directives(variable.Directives)
		w.comment(variable.Comment)
	}
}

func (w *weigher) comment(group *ast.CommentGroup) {
	if group == nil {
		return
	}
	w.add(unsafe.Sizeof(*group) + uintptr(cap(group.List))*aPointer)
	for _, comment := range group.List {
		w.add(aComment + uintptr(len(comment.Value)))
	}
}
