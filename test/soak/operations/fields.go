package operations

import (
	"fmt"
	"strings"

	"leadgraph/test/soak/oracle"
)

func (m *Maker) lead(key string) part {
	tenant := m.tenant()
	return leadOf(key, tenant, pick(m.random, m.rich))
}

func leadOf(key, tenant string, selected oracle.Selection) part {
	return part{
		oracle.Lead(key, tenant, selected),
		func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: lead(tenantId: %s) %s", key, v.add("UUID!", tenant), textOf(selected, deferred))
		},
	}
}

// lists asks for the leads of n tenants.
func (m *Maker) lists(key string, n int) part {
	return m.listsOf(key, m.tenants(n), pick(m.random, m.rich))
}

func (m *Maker) listsOf(key string, tenants []string, selected oracle.Selection) part {
	return part{
		oracle.Lists(key, tenants, selected),
		func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: leadsByTenantIds(tenantIds: %s) %s", key, v.add("[UUID!]!", m.listOrOne(tenants)), textOf(selected, deferred))
		},
	}
}

// ofTenants asks for the leads of some tenants as one list.
func (m *Maker) ofTenants(key string) part {
	selected := pick(m.random, m.rich)
	return m.tenantPage(key, m.tenants(1+m.random.IntN(6)), selected)
}

func (m *Maker) tenantPage(key string, tenants []string, selected oracle.Selection) part {
	return part{
		oracle.TenantPage(key, tenants, selected),
		func(v *variables, deferred bool) string {
			filter := v.add("LeadFilter", oracle.Object{"tenantId": m.listOrOne(tenants)})
			return fmt.Sprintf("%s: leads(filter: %s) { nodes %s totalCount }", key, filter, textOf(selected, deferred))
		},
	}
}

// page asks for a page of all leads in the platform's order, from any place.
func (m *Maker) page(key string) part {
	w := oracle.Window{Size: 1 + m.random.IntN(60), Selected: pick(m.random, m.rich), Edges: m.one(2), Next: m.one(2), Previous: m.one(2)}
	if m.one(25) {
		w.Size, w.Selected = 1000, pick(m.random, m.flat)
	}
	w.Count = m.one(8)
	w.Backward = m.one(3)
	if from := m.places.any(m.random); !m.one(4) {
		w.Cursor, w.Anchor = from.cursor, from.id
	}
	return m.window(key, w)
}

// catalogue asks for the first or the last page of a list that leadgraph answers
// from the catalogue. Walks ask for the pages in between.
func (m *Maker) catalogue(key string) part {
	w := oracle.Window{
		Query: randomQuery(m.random, m.history), Size: 1 + m.random.IntN(40), Selected: pick(m.random, m.rich),
		Edges: m.one(2), Next: m.one(2), Previous: m.one(2), Backward: m.one(3),
	}
	w.Count = !w.FromCatalogue() || m.one(2)
	return m.window(key, w)
}

// window asks for a page. It remembers the cursors of a right answer.
func (m *Maker) window(key string, w oracle.Window) part {
	var right func(oracle.Object)
	if !w.FromCatalogue() {
		right = func(page oracle.Object) { m.places.add(m.random, page) }
	}
	return part{
		oracle.Page(key, w, right),
		func(v *variables, deferred bool) string { return textOfWindow(w, key, v, deferred) },
	}
}

func textOfWindow(w oracle.Window, key string, v *variables, deferred bool) string {
	var args []string
	add := func(name, kind string, value any, given bool) {
		if given || v.one(12) { // null is the same as nothing
			args = append(args, name+": "+v.add(kind, value))
		}
	}
	size, otherSize, cursor, otherCursor := "first", "last", "after", "before"
	if w.Backward {
		size, otherSize, cursor, otherCursor = otherSize, size, otherCursor, cursor
	}
	add(size, "Int", w.Size, true)
	add(otherSize, "Int", nil, false)
	if w.Cursor != "" {
		add(cursor, "Cursor", w.Cursor, true)
	} else {
		add(cursor, "Cursor", nil, false)
	}
	add(otherCursor, "Cursor", nil, false)
	if w.Filter != nil {
		add("filter", "LeadFilter", w.Filter, true)
	} else {
		add("filter", "LeadFilter", nil, false)
	}
	order, _ := w.Order().(oracle.Object)
	switch {
	case order == nil:
		add("orderBy", "[LeadOrder!]", nil, false)
	case !w.Descending && v.one(2):
		add("orderBy", "LeadOrder", oracle.Object{"field": w.Field}, true)
	default:
		add("orderBy", "LeadOrder", order, true)
	}
	fields := "asOf nodes " + textOf(w.Selected, deferred)
	if w.Edges {
		fields = "asOf edges { cursor node " + textOf(w.Selected, deferred) + " }"
	}
	if w.Count {
		fields += " totalCount"
	}
	info := "endCursor startCursor"
	if w.Next {
		info += " hasNextPage"
	}
	if w.Previous {
		info += " hasPreviousPage"
	}
	return fmt.Sprintf("%s: leads(%s) { %s pageInfo { %s } }", key, strings.Join(args, ", "), fields, info)
}

// Truth asks for the same lead through every root field.
func (m *Maker) Truth() Operation {
	r := m.history.Any(m.random)
	selected := pick(m.random, m.rich)
	catalogue := oracle.Window{Size: 10, Selected: selected, Query: oracle.Query{
		Filter:  oracle.Object{"tenantId": []string{r.Tenant}, "status": oracle.Statuses()},
		Matches: func(other *oracle.Row) bool { return other.Tenant == r.Tenant },
	}}
	window := oracle.Window{Size: 1 + m.random.IntN(20), Selected: selected}
	o := newOperation(m.random, "one truth", m.one(5),
		leadOf("lead", r.Tenant, selected), m.listsOf("list", []string{r.Tenant}, selected), m.node("node", r.ID, selected),
		m.tenantPage("tenant", []string{r.Tenant}, selected), m.window("catalogue", catalogue), m.window("window", window))
	o.also = func(j *oracle.Judge) { j.Agree("lead", "list", "node", r.ID) }
	return o
}

func (m *Maker) node(key, id string, selected oracle.Selection) part {
	return part{
		oracle.Node(key, id, selected),
		func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: node(id: %s) { ... on Lead %s }", key, v.add("ID!", id), textOf(selected, deferred))
		},
	}
}

// stats asks for the counts of all leads or of those that match a filter.
func (m *Maker) stats(key string) part {
	var q oracle.Query
	if m.one(2) {
		q.Filter, q.Matches = randomFilter(m.random, m.history, true)
	}
	return part{
		oracle.Stats(key, q),
		func(v *variables, _ bool) string {
			args := ""
			if q.Filter != nil {
				args = "(filter: " + v.add("LeadFilter", q.Filter) + ")"
			}
			return fmt.Sprintf("%s: leadStats%s { asOf total direct consented byStatus { status count } byCountry { country count } byCompanySize { companySize count } byChannel { channelId count } byOperator { operatorId count } onboarded notOnboarded byAddressStatusRest unknownConsent }", key, args)
		},
	}
}

// nodes asks for leads by their ids, some of them unknown. Select stats beside
// it: they show when the catalogue was read.
func (m *Maker) nodes(key string) part {
	ids := make([]string, 1+m.random.IntN(6))
	for i := range ids {
		if ids[i] = m.history.Any(m.random).ID; m.one(15) {
			ids[i] = "nobody's"
		}
	}
	selected := pick(m.random, m.rich)
	return part{
		oracle.Nodes(key, ids, selected),
		func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: nodes(ids: %s) { ... on Lead %s }", key, v.add("[ID!]!", m.listOrOne(ids)), textOf(selected, deferred))
		},
	}
}
