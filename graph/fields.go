package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/lead"
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
