package graph

import (
	"context"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/transport"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

// partOf holds the part of a lead that must be read for a field of Lead, and
// addressPartOf the part that a field of CivicAddress needs besides the address.
var (
	partOf        = parts(lead.LeadFields)
	addressPartOf = parts(lead.AddressFields)
)

func parts[T any](fields []lead.Field[T]) map[string]lead.Parts {
	of := map[string]lead.Parts{"__typename": 0, "asOf": 0}
	for _, f := range fields {
		of[f.Name] = f.Part
	}
	return of
}

// selectedParts returns the parts of the leads that a selection on a LeadConnection
// needs.
func selectedParts(op *graphql.OperationContext, connection ast.SelectionSet) lead.Parts {
	var parts lead.Parts
	for _, field := range graphql.CollectFields(op, connection, nil) {
		switch field.Name {
		case "nodes":
			parts |= leadParts(op, field.Selections)
		case "edges":
			for _, edge := range graphql.CollectFields(op, field.Selections, nil) {
				if edge.Name == "node" {
					parts |= leadParts(op, edge.Selections)
				}
			}
		}
	}
	return parts
}

func leadParts(op *graphql.OperationContext, selections ast.SelectionSet) lead.Parts {
	var parts lead.Parts
	for _, field := range graphql.CollectFields(op, selections, nil) {
		part, known := partOf[field.Name]
		if !known {
			return lead.AllParts
		}
		parts |= part
		if field.Name == "civicAddresses" {
			for _, inner := range graphql.CollectFields(op, field.Selections, nil) {
				parts |= addressPartOf[inner.Name]
			}
		}
	}
	return parts
}

// showing counts the root fields that show leads.
func showing(fields []graphql.CollectedField) int {
	n := 0
	for _, field := range fields {
		if showsLeads(field.Name) {
			n++
		}
	}
	return n
}

func showsLeads(field string) bool {
	switch field {
	case "lead", "leadsByTenantIds", "leads", "node", "nodes":
		return true
	}
	return false
}

// shownParts returns the parts of a lead that the root fields show or decide by.
func shownParts(op *graphql.OperationContext, fields []graphql.CollectedField) lead.Parts {
	var parts lead.Parts
	for _, field := range fields {
		switch {
		case !showsLeads(field.Name):
		case field.Name == "leads":
			if field.Arguments.ForName("filter") != nil || field.Arguments.ForName("orderBy") != nil {
				return lead.AllParts
			}
			parts |= selectedParts(op, field.Selections)
		case field.Name == "lead":
			parts |= leadParts(op, field.Selections) | lead.PartStatus | lead.PartLastModifiedOn // see lead.Preferred
		default:
			parts |= leadParts(op, field.Selections)
		}
	}
	return parts
}

// ofRevision says what an answer depends on that comes from the catalogue alone.
type ofRevision struct {
	timed    bool // it tells when the leads were read
	personal bool // it shows personal data
}

// revisionOnly reports whether a query may be answered from the catalogue alone, and by
// nothing but the revision and when that was read.
func (op *operation) revisionOnly(request *graphql.OperationContext) (of ofRevision, only bool) {
	for _, field := range rootFields(op.schema, request) {
		switch field.Name {
		case "leads", "leadStats", "__typename":
		default:
			return of, false
		}
	}
	only = op.alone && !op.options.ExposeCost
	seen := map[string]bool{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selected := range set {
			switch selected := selected.(type) {
			case *ast.Field:
				switch selected.Definition.Type.Name() {
				case "ChangeCursor":
					only = false
				case "Cursor", "Freshness":
					of.timed = true
				}
				of.timed = of.timed || selected.Name == "asOf"
				of.personal = of.personal || selected.Definition.Directives.ForName("pii") != nil
				walk(selected.SelectionSet)
			case *ast.InlineFragment:
				walk(selected.SelectionSet)
			case *ast.FragmentSpread:
				if !seen[selected.Name] {
					seen[selected.Name] = true
					walk(request.Doc.Fragments.ForName(selected.Name).SelectionSet)
				}
			}
		}
	}
	walk(request.Operation.SelectionSet)
	return of, only
}

// state names all that an answer from a snapshot depends on besides the request.
func (op *operation) state(all allLeads, of ofRevision) string {
	state := fmt.Sprint(all.Name(), all.Unreadable(), op.seesPII, op.options.MaskPII, " ", op.caller)
	if of.timed {
		state += fmt.Sprint(" ", all.AsOf().UnixNano(), all.age)
	}
	return state
}

// tellState tells the transport what the answer has shown, if that was one revision and
// nothing else.
func (op *operation) tellState(ctx context.Context, request *graphql.OperationContext, response *graphql.Response) {
	if !transport.Validated(ctx) || len(response.Errors) > 0 || len(response.Extensions) > 0 || op.whole != nil {
		return
	}
	of, only := op.revisionOnly(request)
	if !only || op.shown.Load() == nil || !op.truth.Simple() {
		return
	}
	op.mu.Lock()
	plan := op.spent.Plan
	op.mu.Unlock()
	if !slices.Equal(plan, []string{lookup.PlanCatalogue}) { // a page or a lookup was read
		return
	}
	if all, err := op.snapshot(); err == nil {
		transport.Shows(ctx, op.state(all, of), of.personal && op.seesPII)
	}
}

// presentState is transport.Options.State. It reads all leads if a query would.
func presentState(o *Options, schema *ast.Schema) func(context.Context, *graphql.OperationContext) string {
	return func(ctx context.Context, request *graphql.OperationContext) string {
		ctx = graphql.WithOperationContext(ctx, request)
		op := operationOf(withOperation(ctx, schema, o, nil))
		of, only := op.revisionOnly(request)
		if !only {
			return ""
		}
		all, err := waiting(ctx, op.snapshot)
		if err != nil || op.stale || !op.truth.Simple() {
			return ""
		}
		return op.state(all, of)
	}
}
