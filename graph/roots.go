package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/federation"
	"leadgraph/graph/limits"
	"leadgraph/graph/loader"
	"leadgraph/graph/scalar"
	"leadgraph/graph/truth"
	"leadgraph/internal/admission"
	"leadgraph/internal/errcode"
	"leadgraph/lead"
)

// rootType returns the root type of a kind of operation, or nil if the schema
// has no such operations.
func rootType(schema *ast.Schema, kind ast.Operation) *ast.Definition {
	switch kind {
	case ast.Mutation:
		return schema.Mutation
	case ast.Subscription:
		return schema.Subscription
	default:
		return schema.Query
	}
}

// rootFields returns the root fields of an operation, with fragments expanded
// and equal fields merged.
func rootFields(schema *ast.Schema, op *graphql.OperationContext) []graphql.CollectedField {
	root := rootType(schema, op.Operation.Operation)
	return graphql.CollectFields(op, op.Operation.SelectionSet, []string{root.Name})
}

// watchRootFields calls begin before each root field is resolved. Afterwards it
// calls the function that begin returned, with the code of the field's error or
// "".
func watchRootFields(schema *ast.Schema, begin func(context.Context, string) (context.Context, func(code string)), codeOf func(error) string) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object != rootType(schema, graphql.GetOperationContext(ctx).Operation.Operation).Name {
			return next(ctx)
		}
		ctx, end := begin(ctx, field.Field.Name)
		code := errcode.Internal // reported if the resolver panics
		defer func() { end(code) }()
		value, err := next(ctx)
		code = codeOf(err)
		return value, err
	}
}

// meetingOf returns where the root fields that show leads wait for each other, or nil
// if there are not several.
func meetingOf(fields []graphql.CollectedField) *truth.Meeting {
	if n := showing(fields); n > 1 {
		return truth.NewMeeting(n)
	}
	return nil
}

type seatKey struct{}

// seatRootFields gives each root field that shows leads a seat at the operation's
// meeting. The field leaves it in any case, even if its arguments are refused before
// its resolver is called.
func seatRootFields(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	op, begun := ctx.Value(operationKey{}).(*operation)
	if !begun || op.meeting == nil || !showsLeads(graphql.GetRootFieldContext(ctx).Field.Name) {
		return next(ctx)
	}
	seat := op.meeting.Seat()
	defer seat.Leave()
	return next(context.WithValue(ctx, seatKey{}, seat))
}

// meet waits until the other root fields have read their leads.
func (op *operation) meet(ctx context.Context) error {
	seat, seated := ctx.Value(seatKey{}).(*truth.Seat)
	if !seated {
		return nil
	}
	slot := admission.Of(ctx)
	slot.Away()
	defer slot.Back(ctx)
	return seat.Wait(ctx)
}

// computeRootFields tells the operation's slot which goroutines resolve its root
// fields: the slot gives its token back while all of them wait.
func computeRootFields(schema *ast.Schema) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field.Object != rootType(schema, graphql.GetOperationContext(ctx).Operation.Operation).Name {
			return next(ctx)
		}
		defer admission.Of(ctx).Field(ctx)()
		return next(ctx)
	}
}

// failAt adds the error of an element of a field that is a list.
func failAt(ctx context.Context, element int, err error) {
	graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithIndex(element)), err)
}

// failEach adds an error for each element of a list. A root field that may not be null
// fails in this way: an error of the field itself would leave nothing of the operation,
// or of the deferred part, that other fields have answered.
func failEach(ctx context.Context, elements int, err error) {
	for element := range elements {
		failAt(ctx, element, err)
	}
}

// tenantKeys counts the distinct tenants that an operation looks up. The root
// fields and their arguments are known before anything runs, so the batch of
// lookups needs no timer to know that it is complete.
func tenantKeys(op *graphql.OperationContext, fields []graphql.CollectedField, objects map[string][]federation.Key) int {
	keys := map[loader.Key]struct{}{}
	add := func(tenant any, checkOnline bool) {
		if id, err := scalar.UnmarshalUUID(tenant); err == nil {
			keys[loader.Key{TenantID: id, CheckOnline: checkOnline}] = struct{}{}
		}
	}
	for _, field := range fields {
		switch field.Name {
		case "lead":
			arguments := field.ArgumentMap(op.Variables)
			checkOnline, _ := arguments["checkOnline"].(bool)
			add(arguments["tenantId"], checkOnline)
		case "leadsByTenantIds":
			for _, id := range limits.List(field.ArgumentMap(op.Variables)["tenantIds"]) {
				add(id, false)
			}
		default:
			if tenants, tooMany := federation.Lookups(objects[field.Alias]); !tooMany {
				for _, tenant := range tenants {
					add(tenant, false)
				}
			}
		}
	}
	return len(keys)
}

// partOf holds the part of a lead that must be read for a field of Lead, and
// addressPartOf the part that a field of CivicAddress needs besides the address.
var (
	partOf        = parts(lead.LeadFields)
	addressPartOf = parts(lead.AddressFields)
)

func parts[T any](fields []lead.Field[T]) map[string]lead.Parts {
	of := map[string]lead.Parts{"__typename": 0, "asOf": 0, "freshness": 0}
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
		parts |= leadPart(op, field)
	}
	return parts
}

// leadPart returns the parts of a lead that one of its fields needs.
func leadPart(op *graphql.OperationContext, field graphql.CollectedField) lead.Parts {
	part, known := partOf[field.Name]
	if !known {
		return lead.AllParts
	}
	if field.Name == "civicAddresses" {
		for _, inner := range graphql.CollectFields(op, field.Selections, nil) {
			part |= addressPartOf[inner.Name]
		}
	}
	return part
}

// objectParts returns the parts of the leads that a selection on leads and tenants needs.
func objectParts(op *graphql.OperationContext, selections ast.SelectionSet) lead.Parts {
	var parts lead.Parts
	for _, field := range graphql.CollectFields(op, selections, nil) {
		switch {
		case field.ObjectDefinition == nil || field.ObjectDefinition.Name != federation.Tenant:
			parts |= leadPart(op, field)
		case field.Name == "leads":
			parts |= leadParts(op, field.Selections)
		case field.Name == "preferredLead":
			parts |= leadParts(op, field.Selections) | preferring
		}
	}
	return parts
}

// preferring are the parts that lead.Preferred looks at.
const preferring = lead.PartStatus | lead.PartLastModifiedOn

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
	case "lead", "leadsByTenantIds", "leads", "node", "nodes", "_entities":
		return true
	}
	return false
}

// showsBoth reports whether one of the fields shows both leads that are read by their ids
// and those of tenants.
func showsBoth(op *graphql.OperationContext, fields []graphql.CollectedField, objects map[string][]federation.Key) bool {
	for _, field := range fields {
		keys, known := objects[field.Alias]
		if !known { // it is deferred
			keys = keysOf(op, field)
		}
		isTenant := func(key federation.Key) bool { return key.Type == federation.Tenant }
		if slices.ContainsFunc(keys, isTenant) && slices.ContainsFunc(keys, func(key federation.Key) bool { return !isTenant(key) }) {
			return true
		}
	}
	return false
}

// objectKeys returns the keys of the objects that root fields show, by response name.
func objectKeys(op *graphql.OperationContext, fields []graphql.CollectedField) map[string][]federation.Key {
	var objects map[string][]federation.Key
	for _, field := range fields {
		if keys := keysOf(op, field); keys != nil {
			if objects == nil {
				objects = map[string][]federation.Key{}
			}
			objects[field.Alias] = keys
		}
	}
	return objects
}

// keysOf returns the keys of the objects that a root field shows.
func keysOf(op *graphql.OperationContext, field graphql.CollectedField) []federation.Key {
	switch field.Name {
	case "node":
		id, _ := field.ArgumentMap(op.Variables)["id"].(string)
		return []federation.Key{federation.NodeKey(id)}
	case "nodes":
		return federation.NodeKeys(textsOf(field.ArgumentMap(op.Variables)["ids"]))
	case "_entities":
		return federation.KeysOf(limits.List(field.ArgumentMap(op.Variables)["representations"]))
	}
	return nil
}

func textsOf(argument any) []string {
	items := limits.List(argument)
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i], _ = item.(string)
	}
	return texts
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
			parts |= leadParts(op, field.Selections) | preferring
		default:
			parts |= objectParts(op, field.Selections)
		}
	}
	return parts
}
