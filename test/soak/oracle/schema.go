package oracle

import "time"

// Member is a field of a type.
type Member struct {
	Name string
	// Of names the type of the object, or of the objects in the list. It is empty
	// for a scalar.
	Of string

	value func(Object) any // derives the value from the platform's object
}

// Names of types.
const (
	LeadType    = "Lead"
	AddressType = "CivicAddress"
)

// Members returns all fields of a type that a lead consists of.
func Members(of string) []Member { return members[of] }

var members = map[string][]Member{
	LeadType: append(scalars("tenantOrigin", "operatorId", "umpCustomerGuid"),
		Member{Name: "tenantId", value: func(o Object) any { return Text(o["tenantId"]) }},
		Member{Name: "status", value: func(o Object) any { return statusOf(o["status"]) }},
		Member{Name: "statusText", value: func(o Object) any { return scalarOf(o["status"]) }},
		Member{Name: "isDirectLead", value: func(o Object) any { return o["isDirectLead"] }},
		Member{Name: "isNotActive", value: func(o Object) any { return o["isNotActive"] }},
		Member{Name: "channelId", value: func(o Object) any { return channelOf(o["channelId"]) }},
		Member{Name: "ovocChannelId", value: func(o Object) any { return channelOf(o["ovocChannelId"]) }},
		Member{Name: "comments", value: comments},
		Member{Name: "consentedOn", value: func(o Object) any { return shown(momentOf(o["consentedOn"])) }},
		Member{Name: "lastModifiedOn", value: func(o Object) any { return shown(momentOf(o["lastModifiedOn"])) }},
		Member{Name: "consentedCountries", value: func(o Object) any { return list(o["consentedCountries"]) }},
		Member{Name: "contactDetails", value: func(o Object) any { return o["contactDetails"] }, Of: "ContactDetails"},
		Member{Name: "contacts", value: func(o Object) any { return list(o["contacts"]) }, Of: "Contact"},
		Member{Name: "civicAddresses", value: func(o Object) any { return list(o["civicAddresses"]) }, Of: AddressType},
	),
	"ContactDetails": person(),
	"Contact":        append(person(), Member{Name: "contacts", value: func(o Object) any { return o["contacts"] }}),
	AddressType: append(scalars("country", "houseNumber", "houseNumberSuffix", "preDirectional", "streetName", "streetSuffix", "postDirectional",
		"stateOrProvince", "countyOrDistrict", "cityOrTown", "cityOrTownAlias", "postalOrZipCode", "description", "companyName", "companyId",
		"defaultLocationId", "tenantId", "partnerId"),
		Member{Name: "id", value: func(o Object) any { return Text(o["id"]) }},
		Member{Name: "validationStatus", value: func(o Object) any { return validationOf(o["validationStatus"]) }},
		Member{Name: "validationStatusText", value: func(o Object) any { return scalarOf(o["validationStatus"]) }},
		Member{Name: "formatted", value: lineOf},
		Member{Name: "locations", value: func(o Object) any { return list(o["locations"]) }, Of: "Location"},
	),
	"Location": append(scalars("civicAddressId", "description", "additionalInfo", "elin"),
		Member{Name: "id", value: func(o Object) any { return Text(o["id"]) }},
		Member{Name: "isDefault", value: func(o Object) any { return o["isDefault"] }},
	),
	"CompanySizeRange": {
		{Name: "min", value: func(o Object) any { return o["min"] }},
		{Name: "max", value: func(o Object) any { return o["max"] }},
	},
}

func person() []Member {
	return append(scalars("fullName", "email", "phoneNumber", "companyName", "companySize"),
		Member{Name: "companySizeRange", value: func(o Object) any { return bandOf(o["companySize"]) }, Of: "CompanySizeRange"})
}

// scalars returns fields that the API shows as texts.
func scalars(names ...string) []Member {
	found := make([]Member, len(names))
	for i, name := range names {
		found[i] = Member{Name: name, value: func(o Object) any { return scalarOf(o[name]) }}
	}
	return found
}

// list returns a list, which is empty for null.
func list(value any) []any {
	if found := Elements(value); found != nil {
		return found
	}
	return []any{}
}

// comments returns a list of texts. The platform may write a single text.
func comments(o Object) any {
	kept := []any{}
	all := Elements(o["comments"])
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

// shown returns a time as the API writes it.
func shown(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.Format(time.RFC3339Nano)
}
