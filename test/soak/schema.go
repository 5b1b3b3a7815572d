package main

import "time"

// member is a field of a type and how its value follows from the platform's
// object.
type member struct {
	name  string
	value func(object) any
	// of is the type of the object, or of the objects in the list; empty for a
	// scalar.
	of string
}

// Names of types.
const (
	leadType    = "Lead"
	addressType = "CivicAddress"
)

// members are all fields of the types that a lead consists of.
var members = map[string][]member{
	leadType: append(scalars("tenantOrigin", "operatorId", "umpCustomerGuid"),
		member{name: "tenantId", value: func(o object) any { return textOf(o["tenantId"]) }},
		member{name: "status", value: func(o object) any { return statusOf(o["status"]) }},
		member{name: "statusText", value: func(o object) any { return textOf(o["status"]) }},
		member{name: "isDirectLead", value: func(o object) any { return o["isDirectLead"] }},
		member{name: "isNotActive", value: func(o object) any { return o["isNotActive"] }},
		member{name: "channelId", value: func(o object) any { return channelOf(o["channelId"]) }},
		member{name: "ovocChannelId", value: func(o object) any { return channelOf(o["ovocChannelId"]) }},
		member{name: "comments", value: comments},
		member{name: "consentedOn", value: func(o object) any { return shown(momentOf(o["consentedOn"])) }},
		member{name: "lastModifiedOn", value: func(o object) any { return shown(momentOf(o["lastModifiedOn"])) }},
		member{name: "consentedCountries", value: func(o object) any { return list(o["consentedCountries"]) }},
		member{name: "contactDetails", value: func(o object) any { return o["contactDetails"] }, of: "ContactDetails"},
		member{name: "contacts", value: func(o object) any { return list(o["contacts"]) }, of: "Contact"},
		member{name: "civicAddresses", value: func(o object) any { return list(o["civicAddresses"]) }, of: addressType},
	),
	"ContactDetails": person(),
	"Contact":        append(person(), member{name: "contacts", value: func(o object) any { return o["contacts"] }}),
	addressType: append(scalars("country", "houseNumber", "houseNumberSuffix", "preDirectional", "streetName", "streetSuffix", "postDirectional",
		"stateOrProvince", "countyOrDistrict", "cityOrTown", "cityOrTownAlias", "postalOrZipCode", "description", "companyName", "companyId",
		"defaultLocationId", "tenantId", "partnerId"),
		member{name: "id", value: func(o object) any { return textOf(o["id"]) }},
		member{name: "validationStatus", value: func(o object) any { return validationOf(o["validationStatus"]) }},
		member{name: "validationStatusText", value: func(o object) any { return scalarOf(o["validationStatus"]) }},
		member{name: "formatted", value: lineOf},
		member{name: "locations", value: func(o object) any { return list(o["locations"]) }, of: "Location"},
	),
	"Location": append(scalars("civicAddressId", "description", "additionalInfo", "elin"),
		member{name: "id", value: func(o object) any { return textOf(o["id"]) }},
		member{name: "isDefault", value: func(o object) any { return o["isDefault"] }},
	),
	"CompanySizeRange": {
		{name: "min", value: func(o object) any { return o["min"] }},
		{name: "max", value: func(o object) any { return o["max"] }},
	},
}

func person() []member {
	return append(scalars("fullName", "email", "phoneNumber", "companyName", "companySize"),
		member{name: "companySizeRange", value: func(o object) any { return bandOf(o["companySize"]) }, of: "CompanySizeRange"})
}

// scalars are fields that are shown as texts.
func scalars(names ...string) []member {
	found := make([]member, len(names))
	for i, name := range names {
		found[i] = member{name: name, value: func(o object) any { return scalarOf(o[name]) }}
	}
	return found
}

// list is a list, which null stands for an empty one of.
func list(value any) []any {
	if found := elements(value); found != nil {
		return found
	}
	return []any{}
}

// comments are one text, or a list of texts.
func comments(o object) any {
	kept := []any{}
	all := elements(o["comments"])
	if text, alone := o["comments"].(string); alone {
		all = []any{text}
	}
	for _, text := range all {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// shown is a moment as the API writes it.
func shown(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.Format(time.RFC3339Nano)
}
