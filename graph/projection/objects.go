package projection

import (
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"leadgraph/graph/generated"
	"leadgraph/lead"
)

func declareTenant(d *declarations, leads *object[lead.Lead], age write[lead.Age]) *object[generated.Tenant] {
	type tenant = generated.Tenant
	return declare(d, "Tenant", signatures[tenant]{
		"id: ID!":               leaf(func(t *tenant) string { return t.ID }, text),
		"tenantId: UUID!":       leaf(func(t *tenant) string { return t.TenantID }, text),
		"leads: [Lead!]!":       child(func(t *tenant) []*lead.Lead { return t.Leads }, leads, pointers),
		"preferredLead: Lead":   child(func(t *tenant) *lead.Lead { return t.PreferredLead }, leads, nullable),
		"asOf: DateTime!":       leaf(func(t *tenant) time.Time { return t.AsOf }, requiredMoment),
		"freshness: Freshness!": leaf(func(t *tenant) lead.Age { return t.Freshness }, age),
	})
}

// anyOf compiles fields whose values are leads or tenants. shape writes the value of the
// field by means of the writer of one object.
func anyOf(leads *object[lead.Lead], tenants *object[generated.Tenant]) func(shape func(*output, any, write[any])) root {
	return func(shape func(*output, any, write[any])) root {
		return func(c *compiler, selections ast.SelectionSet) func(*output, any) {
			oneLead, oneTenant := nullable(leads.compile(c, selections)), nullable(tenants.compile(c, selections))
			object := func(o *output, value any) {
				switch value := value.(type) {
				case nil:
					o.null()
				case *lead.Lead:
					oneLead(o, value)
				case *generated.Tenant:
					oneTenant(o, value)
				default:
					o.fail(unknownValue)
				}
			}
			return func(o *output, value any) { shape(o, value, object) }
		}
	}
}

// eachOf writes every element of a list of the interface I.
func eachOf[I any](o *output, value any, object write[any]) {
	all, ok := value.([]I)
	if !ok {
		o.fail(unknownValue)
		return
	}
	o.list(len(all), func(i int) { object(o, all[i]) })
}
