package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/lead"
)

// partOf names what must be read of a lead for a field of the schema. The
// locations of an address have a part of their own.
var partOf = map[string]lead.Fields{
	"__typename": 0, "id": 0, "tenantId": 0,
	"tenantOrigin":       lead.FieldTenantOrigin,
	"operatorId":         lead.FieldOperatorID,
	"status":             lead.FieldStatus,
	"statusText":         lead.FieldStatus,
	"isDirectLead":       lead.FieldIsDirectLead,
	"isNotActive":        lead.FieldIsNotActive,
	"umpCustomerGuid":    lead.FieldUMPCustomerGUID,
	"channelId":          lead.FieldChannelID,
	"ovocChannelId":      lead.FieldOVOCChannelID,
	"comments":           lead.FieldComments,
	"consentedOn":        lead.FieldConsentedOn,
	"lastModifiedOn":     lead.FieldLastModifiedOn,
	"consentedCountries": lead.FieldConsentedCountries,
	"contactDetails":     lead.FieldContactDetails,
	"contacts":           lead.FieldContacts,
	"civicAddresses":     lead.FieldCivicAddresses,
}

// selectedParts returns what a selection on a LeadConnection takes of its leads.
func selectedParts(op *graphql.OperationContext, connection ast.SelectionSet) lead.Fields {
	var parts lead.Fields
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

func leadParts(op *graphql.OperationContext, selections ast.SelectionSet) lead.Fields {
	var parts lead.Fields
	for _, field := range graphql.CollectFields(op, selections, nil) {
		part, known := partOf[field.Name]
		if !known {
			return lead.AllFields
		}
		parts |= part
		if field.Name == "civicAddresses" {
			for _, inner := range graphql.CollectFields(op, field.Selections, nil) {
				if inner.Name == "locations" {
					parts |= lead.FieldLocations
				}
			}
		}
	}
	return parts
}
