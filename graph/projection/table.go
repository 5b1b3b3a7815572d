package projection

import (
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// table lists what is covered: objects with their fields as the schema writes
// them, and the types of the fields in whose place a marshaler may stand. What
// is missing here falls back; what contradicts the schema is an error.
func table(schema *ast.Schema) (map[*ast.FieldDefinition]root, *object[streamed], error) {
	d := &declarations{schema: schema}
	status := enum(d, "LeadStatus", map[lead.Status]string{
		lead.StatusUnknown:   "UNKNOWN",
		lead.StatusActive:    "ACTIVE",
		lead.StatusNotActive: "NOT_ACTIVE",
		lead.StatusSuspended: "SUSPENDED",
		lead.StatusRemoved:   "REMOVED",
	})
	size := declare(d, "CompanySizeRange", rows[lead.SizeRange]{
		"min: Int!": leaf(func(s *lead.SizeRange) int { return s.Min }, integer),
		"max: Int":  leaf(func(s *lead.SizeRange) *int { return s.Max }, optional(integer)),
	})
	leads := declareLead(d, status, size)
	edge := declare(d, "LeadEdge", rows[generated.LeadEdge]{
		"cursor: Cursor!": leaf(func(e *generated.LeadEdge) string { return e.Cursor }, text),
		"node: Lead!":     child(func(e *generated.LeadEdge) *lead.Lead { return e.Node }, leads, required),
	})
	page := declare(d, "PageInfo", rows[generated.PageInfo]{
		"hasNextPage: Boolean!":     leaf(func(p *generated.PageInfo) bool { return p.HasNextPage }, boolean),
		"hasPreviousPage: Boolean!": leaf(func(p *generated.PageInfo) bool { return p.HasPreviousPage }, boolean),
		"startCursor: Cursor":       leaf(func(p *generated.PageInfo) *string { return p.StartCursor }, optional(text)),
		"endCursor: Cursor":         leaf(func(p *generated.PageInfo) *string { return p.EndCursor }, optional(text)),
	})
	type connection = generated.LeadConnection
	window := declare(d, "LeadConnection", rows[connection]{
		"edges: [LeadEdge!]!": child(func(c *connection) []*generated.LeadEdge { return c.Edges }, edge, pointers),
		"nodes: [Lead!]!":     child(func(c *connection) []*lead.Lead { return c.Nodes }, leads, pointers),
		"pageInfo: PageInfo!": child(func(c *connection) *generated.PageInfo { return c.PageInfo }, page, required),
		"totalCount: Int":     leaf(func(c *connection) *int { return c.TotalCount }, optional(integer)),
		"asOf: DateTime!":     leaf(func(c *connection) time.Time { return c.AsOf }, requiredMoment),
	})

	overRows := declareStreamed(d, leads, page)
	roots, err := d.roots(map[string]root{
		"Lead":           rootOf(leads, nullable),
		"[[Lead!]]!":     rootOf(leads, nullableLists),
		"Node":           rootOf(leads, nullable),
		"[Node]!":        rootOf(leads, nodes),
		"LeadConnection": rootOf(window, nullable),
		"[LeadEdge!]!":   rootOf(edge, pointers),
		"[Lead!]!":       rootOf(leads, pointers),
		"LeadStats":      rootOf(declareStats(d, status, size), nullable),
	})
	return roots, overRows, err
}

// nodes gives elements up that are no leads.
func nodes(object write[*lead.Lead]) write[[]generated.Node] {
	one := nullable(object)
	return list(func(o *output, node generated.Node) {
		switch node := node.(type) {
		case nil:
			o.null()
		case *lead.Lead:
			one(o, node)
		default:
			o.fail(unknownValue)
		}
	})
}

func declareLead(d *declarations, status write[lead.Status], size *object[lead.SizeRange]) *object[lead.Lead] {
	details := declare(d, "ContactDetails", rows[lead.ContactDetails]{
		"fullName: String":                   leaf(func(c *lead.ContactDetails) *string { return c.FullName }, optional(text)),
		"email: String":                      leaf(func(c *lead.ContactDetails) *string { return c.Email }, optional(text)),
		"phoneNumber: String":                leaf(func(c *lead.ContactDetails) *string { return c.PhoneNumber }, optional(text)),
		"companyName: String":                leaf(func(c *lead.ContactDetails) *string { return c.CompanyName }, optional(text)),
		"companySize: String":                leaf(func(c *lead.ContactDetails) *string { return c.CompanySize }, optional(text)),
		"companySizeRange: CompanySizeRange": child((*lead.ContactDetails).CompanySizeRange, size, nullable),
	})
	contact := declare(d, "Contact", rows[lead.Contact]{
		"fullName: String":                   leaf(func(c *lead.Contact) *string { return c.FullName }, optional(text)),
		"email: String":                      leaf(func(c *lead.Contact) *string { return c.Email }, optional(text)),
		"phoneNumber: String":                leaf(func(c *lead.Contact) *string { return c.PhoneNumber }, optional(text)),
		"companyName: String":                leaf(func(c *lead.Contact) *string { return c.CompanyName }, optional(text)),
		"companySize: String":                leaf(func(c *lead.Contact) *string { return c.CompanySize }, optional(text)),
		"companySizeRange: CompanySizeRange": child((*lead.Contact).CompanySizeRange, size, nullable),
		"contacts: JSON":                     leaf(func(c *lead.Contact) json.RawMessage { return c.Contacts }, raw),
	})
	return declare(d, "Lead", rows[lead.Lead]{
		"id: ID!":                             leaf(func(l *lead.Lead) string { return l.ID }, text),
		"tenantId: UUID!":                     leaf(func(l *lead.Lead) string { return l.TenantID }, text),
		"tenantOrigin: String":                leaf(func(l *lead.Lead) *string { return l.TenantOrigin }, optional(text)),
		"operatorId: String":                  leaf(func(l *lead.Lead) *string { return l.OperatorID }, optional(text)),
		"umpCustomerGuid: String":             leaf(func(l *lead.Lead) *string { return l.UMPCustomerGUID }, optional(text)),
		"channelId: String":                   leaf(func(l *lead.Lead) *string { return l.ChannelID }, optional(text)),
		"ovocChannelId: String":               leaf(func(l *lead.Lead) *string { return l.OVOCChannelID }, optional(text)),
		"status: LeadStatus!":                 leaf(func(l *lead.Lead) lead.Status { return l.Status }, status),
		"statusText: String!":                 leaf(func(l *lead.Lead) string { return l.StatusText }, text),
		"isDirectLead: Boolean":               leaf(func(l *lead.Lead) *bool { return l.IsDirectLead }, optional(boolean)),
		"isNotActive: Boolean":                leaf(func(l *lead.Lead) *bool { return l.IsNotActive }, optional(boolean)),
		"comments: [String!]!":                leaf(func(l *lead.Lead) []string { return l.Comments }, list(text)),
		"consentedOn: DateTime":               leaf(func(l *lead.Lead) time.Time { return l.ConsentedOn }, moment),
		"lastModifiedOn: DateTime":            leaf(func(l *lead.Lead) time.Time { return l.LastModifiedOn }, moment),
		"consentedCountries: [CountryCode!]!": leaf(func(l *lead.Lead) []string { return l.ConsentedCountries }, list(text)),
		"contactDetails: ContactDetails":      child(func(l *lead.Lead) *lead.ContactDetails { return l.ContactDetails }, details, nullable),
		"contacts: [Contact!]!":               child(func(l *lead.Lead) []lead.Contact { return l.Contacts }, contact, values),
		"civicAddresses(country: CountryCode, validationStatus: ValidationStatus): [CivicAddress!]!": addresses(declareAddress(d)),
	})
}

// addresses is the field whose arguments choose from the addresses; the
// executor's resolver does the same.
func addresses(address *object[lead.CivicAddress]) fieldCompiler[lead.Lead] {
	return func(c *compiler, field graphql.CollectedField) write[*lead.Lead] {
		one := address.compile(c, field.Selections)
		if len(field.Arguments) == 0 {
			all := values(one)
			return func(o *output, l *lead.Lead) { all(o, l.CivicAddresses) }
		}
		some, index := pointers(one), c.withArguments()
		return func(o *output, l *lead.Lead) {
			arguments := o.arguments[index]
			some(o, lead.FilterAddresses(l.CivicAddresses,
				arguments["country"].(*string), arguments["validationStatus"].(*lead.ValidationStatus)))
		}
	}
}

func declareAddress(d *declarations) *object[lead.CivicAddress] {
	validation := enum(d, "ValidationStatus", map[lead.ValidationStatus]string{
		lead.ValidationUnknown:      "UNKNOWN",
		lead.ValidationValidated:    "VALIDATED",
		lead.ValidationInvalid:      "INVALID",
		lead.ValidationNotValidated: "NOT_VALIDATED",
	})
	location := declare(d, "Location", rows[lead.Location]{
		"id: ID!":                leaf(func(l *lead.Location) string { return l.ID }, text),
		"civicAddressId: String": leaf(func(l *lead.Location) *string { return l.CivicAddressID }, optional(text)),
		"description: String":    leaf(func(l *lead.Location) *string { return l.Description }, optional(text)),
		"additionalInfo: String": leaf(func(l *lead.Location) *string { return l.AdditionalInfo }, optional(text)),
		"elin: String":           leaf(func(l *lead.Location) *string { return l.ELIN }, optional(text)),
		"isDefault: Boolean":     leaf(func(l *lead.Location) *bool { return l.IsDefault }, optional(boolean)),
	})
	return declare(d, "CivicAddress", rows[lead.CivicAddress]{
		"id: ID!":                             leaf(func(a *lead.CivicAddress) string { return a.ID }, text),
		"country: CountryCode":                leaf(func(a *lead.CivicAddress) *string { return a.Country }, optional(text)),
		"houseNumber: String":                 leaf(func(a *lead.CivicAddress) *string { return a.HouseNumber }, optional(text)),
		"houseNumberSuffix: String":           leaf(func(a *lead.CivicAddress) *string { return a.HouseNumberSuffix }, optional(text)),
		"preDirectional: String":              leaf(func(a *lead.CivicAddress) *string { return a.PreDirectional }, optional(text)),
		"streetName: String":                  leaf(func(a *lead.CivicAddress) *string { return a.StreetName }, optional(text)),
		"streetSuffix: String":                leaf(func(a *lead.CivicAddress) *string { return a.StreetSuffix }, optional(text)),
		"postDirectional: String":             leaf(func(a *lead.CivicAddress) *string { return a.PostDirectional }, optional(text)),
		"stateOrProvince: String":             leaf(func(a *lead.CivicAddress) *string { return a.StateOrProvince }, optional(text)),
		"countyOrDistrict: String":            leaf(func(a *lead.CivicAddress) *string { return a.CountyOrDistrict }, optional(text)),
		"cityOrTown: String":                  leaf(func(a *lead.CivicAddress) *string { return a.CityOrTown }, optional(text)),
		"cityOrTownAlias: String":             leaf(func(a *lead.CivicAddress) *string { return a.CityOrTownAlias }, optional(text)),
		"postalOrZipCode: String":             leaf(func(a *lead.CivicAddress) *string { return a.PostalOrZipCode }, optional(text)),
		"description: String":                 leaf(func(a *lead.CivicAddress) *string { return a.Description }, optional(text)),
		"companyName: String":                 leaf(func(a *lead.CivicAddress) *string { return a.CompanyName }, optional(text)),
		"companyId: String":                   leaf(func(a *lead.CivicAddress) *string { return a.CompanyID }, optional(text)),
		"defaultLocationId: String":           leaf(func(a *lead.CivicAddress) *string { return a.DefaultLocationID }, optional(text)),
		"validationStatusText: String":        leaf(func(a *lead.CivicAddress) *string { return a.ValidationStatusText }, optional(text)),
		"tenantId: String":                    leaf(func(a *lead.CivicAddress) *string { return a.TenantID }, optional(text)),
		"partnerId: String":                   leaf(func(a *lead.CivicAddress) *string { return a.PartnerID }, optional(text)),
		"validationStatus: ValidationStatus!": leaf(func(a *lead.CivicAddress) lead.ValidationStatus { return a.ValidationStatus }, validation),
		"formatted: String":                   leaf((*lead.CivicAddress).Formatted, optional(text)),
		"locations: [Location!]!":             child(func(a *lead.CivicAddress) []lead.Location { return a.Locations }, location, values),
	})
}

func declareStats(d *declarations, status write[lead.Status], size *object[lead.SizeRange]) *object[catalogue.Stats] {
	byStatus := declare(d, "StatusCount", rows[catalogue.StatusCount]{
		"status: LeadStatus!": leaf(func(c *catalogue.StatusCount) lead.Status { return c.Status }, status),
		"count: Int!":         leaf(func(c *catalogue.StatusCount) int { return c.Count }, integer),
	})
	byCountry := declare(d, "CountryCount", rows[catalogue.CountryCount]{
		"country: CountryCode!": leaf(func(c *catalogue.CountryCount) string { return c.Country }, text),
		"count: Int!":           leaf(func(c *catalogue.CountryCount) int { return c.Count }, integer),
	})
	bySize := declare(d, "CompanySizeCount", rows[catalogue.CompanySizeCount]{
		"companySize: String!":               leaf(func(c *catalogue.CompanySizeCount) string { return c.CompanySize }, text),
		"companySizeRange: CompanySizeRange": child((*catalogue.CompanySizeCount).CompanySizeRange, size, nullable),
		"count: Int!":                        leaf(func(c *catalogue.CompanySizeCount) int { return c.Count }, integer),
	})
	return declare(d, "LeadStats", rows[catalogue.Stats]{
		"total: Int!":                         leaf(func(s *catalogue.Stats) int { return s.Total }, integer),
		"byStatus: [StatusCount!]!":           child(func(s *catalogue.Stats) []catalogue.StatusCount { return s.ByStatus }, byStatus, values),
		"byCountry: [CountryCount!]!":         child(func(s *catalogue.Stats) []catalogue.CountryCount { return s.ByCountry }, byCountry, values),
		"byCompanySize: [CompanySizeCount!]!": child(func(s *catalogue.Stats) []catalogue.CompanySizeCount { return s.ByCompanySize }, bySize, values),
		"direct: Int!":                        leaf(func(s *catalogue.Stats) int { return s.Direct }, integer),
		"consented: Int!":                     leaf(func(s *catalogue.Stats) int { return s.Consented }, integer),
		"asOf: DateTime!":                     leaf(func(s *catalogue.Stats) time.Time { return s.AsOf }, requiredMoment),
	})
}
