package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// InlineDefer removes @defer from every document, so that all fields are
// executed as if they were not deferred, which the specification of @defer
// allows. gqlgen defers only fields below the root that have a resolver, writes
// null in their place, and can wait forever for what a cancelled operation left
// behind. Here each deferred fragment of the root becomes an operation of its
// own. Below the root, no field calls the platform: deferred fields there were
// read with their parent, so they are cut out of the response and sent after
// it.
type InlineDefer struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = InlineDefer{}

// ExtensionName implements graphql.HandlerExtension.
func (InlineDefer) ExtensionName() string { return "InlineDefer" }

// Validate implements graphql.HandlerExtension.
func (InlineDefer) Validate(graphql.ExecutableSchema) error { return nil }

// deferral is an operation with its @defer. A transport that can send a
// response in parts puts an empty deferral into the context; it is filled in if
// the operation has @defer.
type deferral struct {
	doc       *ast.QueryDocument
	operation *ast.OperationDefinition
}

type deferralKey struct{}

// MutateOperationContext implements graphql.OperationContextMutator. The query
// cache shares the document with other requests, so the parts that have @defer
// are copied.
func (InlineDefer) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	asked := deferral{op.Doc, op.Operation}
	doc, deferred := *op.Doc, false
	doc.Fragments = nil
	for _, fragment := range op.Doc.Fragments {
		if set, changed := withoutDefer(fragment.SelectionSet); changed {
			inline := *fragment
			inline.SelectionSet = set
			fragment, deferred = &inline, true
		}
		doc.Fragments = append(doc.Fragments, fragment)
	}
	op.Doc = &doc
	if set, changed := withoutDefer(op.Operation.SelectionSet); changed {
		operation := *op.Operation
		operation.SelectionSet = set
		op.Operation, deferred = &operation, true
	}
	if wanted, ok := ctx.Value(deferralKey{}).(*deferral); ok && deferred && op.Operation.Operation == ast.Query {
		*wanted = asked
	}
	return nil
}

func withoutDefer(set ast.SelectionSet) (ast.SelectionSet, bool) {
	var inline ast.SelectionSet
	for i, selected := range set {
		replaced, changed := withoutDeferOn(selected)
		if changed && inline == nil {
			inline = append(make(ast.SelectionSet, 0, len(set)), set[:i]...)
		}
		if inline != nil {
			inline = append(inline, replaced)
		}
	}
	if inline == nil {
		return set, false
	}
	return inline, true
}

func withoutDeferOn(selected ast.Selection) (ast.Selection, bool) {
	switch selected := selected.(type) {
	case *ast.Field:
		if set, changed := withoutDefer(selected.SelectionSet); changed {
			inline := *selected
			inline.SelectionSet = set
			return &inline, true
		}
	case *ast.InlineFragment:
		directives, deferred := dropDefer(selected.Directives)
		set, changed := withoutDefer(selected.SelectionSet)
		if deferred || changed {
			inline := *selected
			inline.Directives, inline.SelectionSet = directives, set
			return &inline, true
		}
	case *ast.FragmentSpread:
		if directives, deferred := dropDefer(selected.Directives); deferred {
			inline := *selected
			inline.Directives = directives
			return &inline, true
		}
	}
	return selected, false
}

func dropDefer(list ast.DirectiveList) (ast.DirectiveList, bool) {
	if list.ForName("defer") == nil {
		return list, false
	}
	var kept ast.DirectiveList
	for _, directive := range list {
		if directive.Name != "defer" {
			kept = append(kept, directive)
		}
	}
	return kept, true
}
