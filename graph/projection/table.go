package projection

import (
	"maps"
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
	validation := enum(d, "ValidationStatus", lead.ValidationNames)
	leads := declareLead(d, status, validation, size, age)
	objects := anyOf(leads, declareTenant(d, leads, age))
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
		"Node":           objects(func(o *output, value any, object write[any]) { object(o, value) }),
		"[Node]!":        objects(eachOf[generated.Node]),
		"[_Entity]!":     objects(eachOf[generated.Entity]),
		"LeadConnection": rootOf(window, nullable),
		"[LeadEdge!]!":   rootOf(edge, pointers),
		"[Lead!]!":       rootOf(leads, pointers),
		"LeadStats":      rootOf(declareStats(d, status, validation, size, age), nullable),
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
		"revision: String":            leaf(func(c *connection) *string { return c.Revision }, optional(text)),
	})
}

func declareLead(
	d *declarations, status write[lead.Status], validation write[lead.ValidationStatus], size *object[lead.SizeRange], age write[lead.Age],
) *object[lead.Lead] {
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
		"freshness: Freshness!":          leaf(func(l *lead.Lead) lead.Age { return l.Age }, age),
		"contacts: [Contact!]!":          child(func(l *lead.Lead) []lead.Contact { return l.Contacts }, contact, values),
		"civicAddresses(country: CountryCode, validationStatus: ValidationStatus): [CivicAddress!]!": addresses(declareAddress(d, validation)),
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

func declareAddress(d *declarations, validation write[lead.ValidationStatus]) *object[lead.CivicAddress] {
	location := fields(d, "Location", lead.LocationFields, nil)
	return fields(d, "CivicAddress", lead.AddressFields, signatures[lead.CivicAddress]{
		"validationStatus: ValidationStatus!": leaf(func(a *lead.CivicAddress) lead.ValidationStatus { return a.ValidationStatus }, validation),
		"formatted: String":                   leaf((*lead.CivicAddress).Formatted, optional(text)),
		"locations: [Location!]!":             child(func(a *lead.CivicAddress) []lead.Location { return a.Locations }, location, values),
	})
}

func declareStats(
	d *declarations, status write[lead.Status], validation write[lead.ValidationStatus], size *object[lead.SizeRange], age write[lead.Age],
) *object[catalogue.Stats] {
	type stats = catalogue.Stats
	const arguments = `(interval: Interval!, timeZone: TimeZone! = "UTC"): Timeline!`
	byStatus := counts(d, "StatusCount", "status: LeadStatus!", func(c *catalogue.StatusCount) (lead.Status, int) { return c.Status, c.Count }, status, nil)
	byCountry := counts(d, "CountryCount", "country: CountryCode!", func(c *catalogue.CountryCount) (string, int) { return c.Country, c.Count }, text, nil)
	bySize := counts(d, "CompanySizeCount", "companySize: String!", func(c *catalogue.CompanySizeCount) (string, int) { return c.CompanySize, c.Count }, text,
		signatures[catalogue.CompanySizeCount]{
			"companySizeRange: CompanySizeRange": child((*catalogue.CompanySizeCount).CompanySizeRange, size, nullable),
		})
	byChannel := counts(d, "ChannelCount", "channelId: String!", func(c *catalogue.ChannelCount) (string, int) { return c.ChannelID, c.Count }, text, nil)
	byOperator := counts(d, "OperatorCount", "operatorId: String!", func(c *catalogue.OperatorCount) (string, int) { return c.OperatorID, c.Count }, text, nil)
	byAddress := counts(d, "AddressStatusCount", "validationStatus: ValidationStatus!",
		func(c *catalogue.AddressStatusCount) (lead.ValidationStatus, int) { return c.ValidationStatus, c.Count }, validation, nil)
	line := declareTimeline(d)
	return declare(d, "LeadStats", signatures[stats]{
		"total: Int!":                             leaf(func(s *stats) int { return s.Total }, integer),
		"byStatus: [StatusCount!]!":               child((*stats).ByStatus, byStatus, values),
		"byCountry: [CountryCount!]!":             child((*stats).ByCountry, byCountry, values),
		"byCountryRest: Int!":                     leaf((*stats).ByCountryRest, integer),
		"byCompanySize: [CompanySizeCount!]!":     child((*stats).ByCompanySize, bySize, values),
		"byCompanySizeRest: Int!":                 leaf((*stats).ByCompanySizeRest, integer),
		"byChannel: [ChannelCount!]!":             child((*stats).ByChannel, byChannel, values),
		"byChannelRest: Int!":                     leaf((*stats).ByChannelRest, integer),
		"byOperator: [OperatorCount!]!":           child((*stats).ByOperator, byOperator, values),
		"byOperatorRest: Int!":                    leaf((*stats).ByOperatorRest, integer),
		"byAddressStatus: [AddressStatusCount!]!": child((*stats).ByAddressStatus, byAddress, values),
		"byAddressStatusRest: Int!":               leaf((*stats).ByAddressStatusRest, integer),
		"direct: Int!":                            leaf((*stats).Direct, integer),
		"consented: Int!":                         leaf((*stats).Consented, integer),
		"unknownConsent: Int!":                    leaf((*stats).UnknownConsent, integer),
		"onboarded: Int!":                         leaf((*stats).Onboarded, integer),
		"notOnboarded: Int!":                      leaf((*stats).NotOnboarded, integer),
		"consentedPer" + arguments:                timeline((*stats).ConsentedPer, line),
		"changedPer" + arguments:                  timeline((*stats).ChangedPer, line),
		"unreadable: Int!":                        leaf(func(s *stats) int { return s.Unreadable }, integer),
		"asOf: DateTime!":                         leaf(func(s *stats) time.Time { return s.AsOf }, requiredMoment),
		"revision: String":                        leaf(func(s *stats) *string { return s.Revision }, optional(text)),
		"freshness: Freshness!":                   leaf(func(s *stats) lead.Age { return s.Freshness }, age),
	})
}

// counts declares the type of a list's entries: a value and the number of its leads.
func counts[T, V any](d *declarations, name, value string, of func(*T) (V, int), write write[V], more signatures[T]) *object[T] {
	fields := signatures[T]{
		value:         leaf(func(c *T) V { v, _ := of(c); return v }, write),
		"count: Int!": leaf(func(c *T) int { _, n := of(c); return n }, integer),
	}
	maps.Copy(fields, more)
	return declare(d, name, fields)
}

func declareTimeline(d *declarations) *object[catalogue.Timeline] {
	period := declare(d, "PeriodCount", signatures[catalogue.PeriodCount]{
		"from: DateTime!": leaf(func(p *catalogue.PeriodCount) time.Time { return p.From }, requiredMoment),
		"to: DateTime":    leaf(func(p *catalogue.PeriodCount) time.Time { return p.To }, moment),
		"count: Int!":     leaf(func(p *catalogue.PeriodCount) int { return p.Count }, integer),
	})
	return declare(d, "Timeline", signatures[catalogue.Timeline]{
		"periods: [PeriodCount!]!": child(func(t *catalogue.Timeline) []catalogue.PeriodCount { return t.Periods }, period, values),
		"rest: Int!":               leaf(func(t *catalogue.Timeline) int { return t.Rest }, integer),
	})
}

// timeline compiles a field whose arguments say how to count.
func timeline(
	count func(*catalogue.Stats, catalogue.Interval, *time.Location) catalogue.Timeline, line *object[catalogue.Timeline],
) fieldCompiler[catalogue.Stats] {
	return func(c *compiler, field graphql.CollectedField) write[*catalogue.Stats] {
		one, index := line.compile(c, field.Selections), c.withArguments()
		return func(o *output, s *catalogue.Stats) {
			arguments := o.arguments[index]
			counted := count(s, arguments["interval"].(catalogue.Interval), arguments["timeZone"].(*time.Location))
			one(o, &counted)
		}
	}
}
