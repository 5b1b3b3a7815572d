package projection

import (
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// table lists the covered types with their fields, and the types of the root fields
// whose values may be replaced by a marshaler. Anything missing here falls back to the
// executor. A contradiction to the schema is an error. Package lead lists the fields
// of a lead.
func table(schema *ast.Schema) (map[*ast.FieldDefinition]root, *object[streamed], error) {
	d := &declarations{schema: schema}
	status := enum(d, "LeadStatus", lead.StatusNames)
	age := enum(d, "Freshness", lead.AgeNames)
	size := declare(d, "CompanySizeRange", signatures[lead.SizeRange]{
		"min: Int!": leaf(func(s *lead.SizeRange) int { return s.Min }, integer),
		"max: Int":  leaf(func(s *lead.SizeRange) *int { return s.Max }, optional(integer)),
	})
	leads := declareLead(d, status, size)
	edge := declare(d, "LeadEdge", signatures[generated.LeadEdge]{
		"cursor: Cursor!": leaf(func(e *generated.LeadEdge) string { return e.Cursor }, text),
		"node: Lead!":     child(func(e *generated.LeadEdge) *lead.Lead { return e.Node }, leads, required),
	})
	page := declare(d, "PageInfo", signatures[generated.PageInfo]{
		"hasNextPage: Boolean!":     leaf(func(p *generated.PageInfo) bool { return p.HasNextPage }, boolean),
		"hasPreviousPage: Boolean!": leaf(func(p *generated.PageInfo) bool { return p.HasPreviousPage }, boolean),
		"startCursor: Cursor":       leaf(func(p *generated.PageInfo) *string { return p.StartCursor }, optional(text)),
		"endCursor: Cursor":         leaf(func(p *generated.PageInfo) *string { return p.EndCursor }, optional(text)),
	})
	window := declareConnection(d, leads, edge, page, age)
	change := declareChange(d, leads, edge)

	overRows := declareStreamed(d, leads, page, age)
	roots, err := d.roots(map[string]root{
		"Lead":           rootOf(leads, nullable),
		"[[Lead!]]!":     rootOf(leads, nullableLists),
		"Node":           rootOf(leads, nullable),
		"[Node]!":        rootOf(leads, nodes),
		"LeadConnection": rootOf(window, nullable),
		"[LeadEdge!]!":   rootOf(edge, pointers),
		"[Lead!]!":       rootOf(leads, pointers),
		"LeadStats":      rootOf(declareStats(d, status, size, age), nullable),
		"[LeadChange!]!": rootOf(change, pointers),

		"LeadChangeConnection": rootOf(declareChanges(d, change, page), nullable),
	})
	return roots, overRows, err
}

func declareConnection(
	d *declarations, leads *object[lead.Lead], edge *object[generated.LeadEdge], page *object[generated.PageInfo], age write[lead.Age],
) *object[generated.LeadConnection] {
	type connection = generated.LeadConnection
	return declare(d, "LeadConnection", signatures[connection]{
		"edges: [LeadEdge!]!":   child(func(c *connection) []*generated.LeadEdge { return c.Edges }, edge, pointers),
		"nodes: [Lead!]!":       child(func(c *connection) []*lead.Lead { return c.Nodes }, leads, pointers),
		"pageInfo: PageInfo!":   child(func(c *connection) *generated.PageInfo { return c.PageInfo }, page, required),
		"totalCount: Int":       leaf(func(c *connection) *int { return c.TotalCount }, optional(integer)),
		"unreadable: Int!":      leaf(func(c *connection) int { return c.Unreadable }, integer),
		"asOf: DateTime!":       leaf(func(c *connection) time.Time { return c.AsOf }, requiredMoment),
		"freshness: Freshness!": leaf(func(c *connection) lead.Age { return c.Freshness }, age),

		"changeCursor: ChangeCursor!": leaf(func(c *connection) string { return c.ChangeCursor }, text),
	})
}

// nodes fails for elements that are not leads.
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
	details := fields(d, "ContactDetails", lead.DetailsFields, signatures[lead.ContactDetails]{
		"companySizeRange: CompanySizeRange": child((*lead.ContactDetails).CompanySizeRange, size, nullable),
	})
	contact := fields(d, "Contact", lead.ContactFields, signatures[lead.Contact]{
		"companySizeRange: CompanySizeRange": child((*lead.Contact).CompanySizeRange, size, nullable),
	})
	return fields(d, "Lead", lead.LeadFields, signatures[lead.Lead]{
		"status: LeadStatus!":            leaf(func(l *lead.Lead) lead.Status { return l.Status }, status),
		"contactDetails: ContactDetails": child(func(l *lead.Lead) *lead.ContactDetails { return l.ContactDetails }, details, nullable),
		"asOf: DateTime!":                leaf((*lead.Lead).ReadAt, requiredMoment),
		"contacts: [Contact!]!":          child(func(l *lead.Lead) []lead.Contact { return l.Contacts }, contact, values),
		"civicAddresses(country: CountryCode, validationStatus: ValidationStatus): [CivicAddress!]!": addresses(declareAddress(d)),
	})
}

// addresses compiles the field whose arguments select some of the addresses, as the
// executor's resolver does.
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
	validation := enum(d, "ValidationStatus", lead.ValidationNames)
	location := fields(d, "Location", lead.LocationFields, nil)
	return fields(d, "CivicAddress", lead.AddressFields, signatures[lead.CivicAddress]{
		"validationStatus: ValidationStatus!": leaf(func(a *lead.CivicAddress) lead.ValidationStatus { return a.ValidationStatus }, validation),
		"formatted: String":                   leaf((*lead.CivicAddress).Formatted, optional(text)),
		"locations: [Location!]!":             child(func(a *lead.CivicAddress) []lead.Location { return a.Locations }, location, values),
	})
}

func declareStats(d *declarations, status write[lead.Status], size *object[lead.SizeRange], age write[lead.Age]) *object[catalogue.Stats] {
	byStatus := declare(d, "StatusCount", signatures[catalogue.StatusCount]{
		"status: LeadStatus!": leaf(func(c *catalogue.StatusCount) lead.Status { return c.Status }, status),
		"count: Int!":         leaf(func(c *catalogue.StatusCount) int { return c.Count }, integer),
	})
	byCountry := declare(d, "CountryCount", signatures[catalogue.CountryCount]{
		"country: CountryCode!": leaf(func(c *catalogue.CountryCount) string { return c.Country }, text),
		"count: Int!":           leaf(func(c *catalogue.CountryCount) int { return c.Count }, integer),
	})
	bySize := declare(d, "CompanySizeCount", signatures[catalogue.CompanySizeCount]{
		"companySize: String!":               leaf(func(c *catalogue.CompanySizeCount) string { return c.CompanySize }, text),
		"companySizeRange: CompanySizeRange": child((*catalogue.CompanySizeCount).CompanySizeRange, size, nullable),
		"count: Int!":                        leaf(func(c *catalogue.CompanySizeCount) int { return c.Count }, integer),
	})
	return declare(d, "LeadStats", signatures[catalogue.Stats]{
		"total: Int!":                         leaf(func(s *catalogue.Stats) int { return s.Total }, integer),
		"byStatus: [StatusCount!]!":           child(func(s *catalogue.Stats) []catalogue.StatusCount { return s.ByStatus }, byStatus, values),
		"byCountry: [CountryCount!]!":         child(func(s *catalogue.Stats) []catalogue.CountryCount { return s.ByCountry }, byCountry, values),
		"byCompanySize: [CompanySizeCount!]!": child(func(s *catalogue.Stats) []catalogue.CompanySizeCount { return s.ByCompanySize }, bySize, values),
		"direct: Int!":                        leaf(func(s *catalogue.Stats) int { return s.Direct }, integer),
		"consented: Int!":                     leaf(func(s *catalogue.Stats) int { return s.Consented }, integer),
		"unreadable: Int!":                    leaf(func(s *catalogue.Stats) int { return s.Unreadable }, integer),
		"asOf: DateTime!":                     leaf(func(s *catalogue.Stats) time.Time { return s.AsOf }, requiredMoment),
		"freshness: Freshness!":               leaf(func(s *catalogue.Stats) lead.Age { return s.Freshness }, age),
	})
}
