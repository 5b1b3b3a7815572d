package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// mask replaces masked personal data.
const mask = "***"

// visible returns the lead as the operation's caller may see it. It removes
// personal data before the lead is rendered, so that no way of rendering can
// leak it.
func (op *operation) visible(l *lead.Lead) *lead.Lead {
	switch {
	case l == nil || op.seesPII:
		return l
	case op.options.MaskPII:
		hidden := mask
		return l.Redacted(&hidden)
	default:
		return l.Redacted(nil)
	}
}

func (op *operation) visibleAll(leads []*lead.Lead) []*lead.Lead {
	if op.seesPII || leads == nil {
		return leads
	}
	shown := make([]*lead.Lead, len(leads))
	for i, l := range leads {
		shown[i] = op.visible(l)
	}
	return shown
}

// checkSearch refuses a filter whose matches would reveal what the caller may
// not see.
func (op *operation) checkSearch(filter *lead.Filter) error {
	if op.seesPII || !catalogue.Searches(filter) {
		return nil
	}
	return &gqlerror.Error{
		Message:    "filter.search: searches personal data; your token lacks the scope for personal data.",
		Extensions: map[string]any{"code": errcode.Forbidden, "argument": "filter.search"},
	}
}

// withheld returns an error for each field of the document that is null because
// the caller may not read it: one per field, however many leads there are.
func (op *operation) withheld(request *graphql.OperationContext) gqlerror.List {
	if op.seesPII || op.options.MaskPII {
		return nil
	}
	var errs gqlerror.List
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selected := range set {
			switch selected := selected.(type) {
			case *ast.Field:
				if selected.Definition != nil && selected.Definition.Directives.ForName("pii") != nil {
					errs = append(errs, &gqlerror.Error{
						Message:    selected.Name + ": personal data; your token lacks the scope for personal data.",
						Locations:  []gqlerror.Location{{Line: selected.Position.Line, Column: selected.Position.Column}},
						Extensions: map[string]any{"code": errcode.Forbidden, "requestId": op.requestID},
					})
				}
				walk(selected.SelectionSet)
			case *ast.InlineFragment:
				walk(selected.SelectionSet)
			}
		}
	}
	walk(request.Operation.SelectionSet)
	for _, fragment := range request.Doc.Fragments {
		walk(fragment.SelectionSet)
	}
	return errs
}
