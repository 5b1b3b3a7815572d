package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// InlineDefer takes @defer out of every document, so that all fields are
// executed as if they were not deferred, which the directive's specification
// allows. gqlgen defers only fields below the root that have a resolver, writes
// a null in their place, and can wait for ever for what a cancelled operation
// has left. Here a deferred field at the root becomes an operation of its own.
// Below the root nothing asks the platform; what is deferred there was read with
// its parent, so that it is cut out of the answer and sent behind it.
type InlineDefer struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = InlineDefer{}

// ExtensionName implements graphql.HandlerExtension.
func (InlineDefer) ExtensionName() string { return "InlineDefer" }

// Validate implements graphql.HandlerExtension.
func (InlineDefer) Validate(graphql.ExecutableSchema) error { return nil }

// deferral is an operation as it was with its @defer. A transport that can send
// an answer in parts puts an empty one into the context; it is filled in if the
// operation has a @defer.
type deferral struct {
	doc       *ast.QueryDocument
	operation *ast.OperationDefinition
}

type deferralKey struct{}

// MutateOperationContext implements graphql.OperationContextMutator. The
// document is shared with other requests through the query cache, so it is
// copied where it has a @defer.
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
