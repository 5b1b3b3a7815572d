package graph

import (
	"cmp"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"leadgraph/internal/errcode"
	"leadgraph/lead"
)

// mask replaces masked personal data.
const mask = "***"

// visible returns the lead as the operation's caller may see it, with its age. It
// removes personal data before the lead is rendered, so that no way of rendering
// can leak it.
func (op *operation) visible(l *lead.Lead) *lead.Lead {
	if l == nil {
		return nil
	}
	if age := op.ageAt(l.AsOf); age != l.Age {
		marked := *l
		marked.Age, l = age, &marked
	}
	switch {
	case op.seesPII:
		return l
	case op.options.MaskPII:
		hidden := mask
		return l.Redacted(&hidden)
	default:
		return l.Redacted(nil)
	}
}

func (op *operation) visibleAll(leads []*lead.Lead) []*lead.Lead {
	if op.seesPII && !cmp.Or(op.whole, op).old.Load() || leads == nil {
		return leads
	}
	shown := make([]*lead.Lead, len(leads))
	for i, l := range leads {
		shown[i] = op.visible(l)
	}
	return shown
}

// withheld returns an error for each place of the response that is null because
// the caller may not read it, up to maxErrors. There is one for each field,
// however many leads there are: its path leads to the first element of a list.
func (op *operation) withheld(request *graphql.OperationContext) gqlerror.List {
	if op.seesPII || op.options.MaskPII {
		return nil
	}
	w := withheldFields{op: op, request: request}
	w.collect(nil, rootType(op.schema, request.Operation.Operation), request.Operation.SelectionSet)
	return w.errs
}

type withheldFields struct {
	op      *operation
	request *graphql.OperationContext
	errs    gqlerror.List
}

// collect adds the errors of the fields that are selected on objects of a type.
func (w *withheldFields) collect(path ast.Path, object *ast.Definition, set ast.SelectionSet) {
	for _, field := range graphql.CollectFields(w.request, set, append([]string{object.Name}, object.Interfaces...)) {
		if len(w.errs) == maxErrors || field.Definition == nil {
			return
		}
		at := append(slices.Clone(path), ast.PathName(field.Alias))
		if field.Definition.Directives.ForName("pii") != nil {
			w.errs = append(w.errs, &gqlerror.Error{
				Message:    field.Name + ": personal data; your token lacks the scope for personal data.",
				Path:       at,
				Locations:  []gqlerror.Location{{Line: field.Position.Line, Column: field.Position.Column}},
				Extensions: map[string]any{"code": errcode.Forbidden, "requestId": w.op.requestID},
			})
		}
		for list := field.Definition.Type.Elem; list != nil; list = list.Elem {
			at = append(at, ast.PathIndex(0))
		}
		for _, inner := range w.op.schema.GetPossibleTypes(w.op.schema.Types[field.Definition.Type.Name()]) {
			w.collect(at, inner, field.Selections)
		}
	}
}

// noteAge says that what was read at a moment or before is not as fresh as promised. All
// fields of the operation judge by it, whatever they have read.
func (op *operation) noteAge(age lead.Age, asOf time.Time) {
	whole := cmp.Or(op.whole, op)
	if age == lead.AgeFresh {
		return
	}
	whole.mu.Lock()
	defer whole.mu.Unlock()
	whole.oldUpTo[age] = later(whole.oldUpTo[age], asOf)
	whole.old.Store(true)
}

// ageAt returns the age of leads that were read at that moment.
func (op *operation) ageAt(asOf time.Time) lead.Age {
	whole := cmp.Or(op.whole, op)
	if !whole.old.Load() {
		return lead.AgeFresh
	}
	whole.mu.Lock()
	defer whole.mu.Unlock()
	for _, age := range []lead.Age{lead.AgeStale, lead.AgeRevalidating} {
		if !asOf.After(whole.oldUpTo[age]) {
			return age
		}
	}
	return lead.AgeFresh
}
