package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// maker makes operations at random. Selections come from a small stock, as the
// documents of a front-end do.
type maker struct {
	random     *rand.Rand
	history    *history
	places     *places
	rich, flat []selection
}

// stock is how many selections there are of each kind.
const stock = 12

func newMaker(seed uint64, worker int, h *history, p *places) *maker {
	m := &maker{random: rand.New(rand.NewPCG(seed, uint64(worker))), history: h, places: p}
	common := rand.New(rand.NewPCG(seed, 1<<32)) // the same for all workers
	for range stock {
		m.rich = append(m.rich, randomSelection(common, leadType, false))
		m.flat = append(m.flat, randomSelection(common, leadType, true))
	}
	return m
}

// kinds of operations, and how often each comes up.
func (m *maker) operation() operation {
	switch n := m.random.IntN(100); {
	case n < 15:
		return newOperation("lead", m.one(5), m.lead("lead"))
	case n < 22:
		return newOperation("lead, aliases", false, m.aliases()...)
	case n < 32:
		return newOperation("leadsByTenantIds", m.one(5), m.tenants("list", 1+m.random.IntN(10)))
	case n < 37:
		return newOperation("leadsByTenantIds, many", false, m.tenants("list", 30+m.random.IntN(70)))
	case n < 57:
		return newOperation("leads", m.one(5), m.page("leads"))
	case n < 72:
		return newOperation("leads, catalogue", m.one(5), m.catalogue("leads"))
	case n < 77:
		return newOperation("leads, tenants", false, m.ofTenants("leads"))
	case n < 83:
		return newOperation("leadStats", false, m.stats("stats"))
	case n < 89:
		return newOperation("node", false, m.nodes("nodes"), m.stats("stats"))
	case n < 97:
		return newOperation("mixed", m.one(2), m.lead("lead"), m.tenants("list", 3), m.page("page"), m.catalogue("leads"), m.stats("stats"))
	}
	return m.bad()
}

// one is true once in n times.
func (m *maker) one(n int) bool { return m.random.IntN(n) == 0 }

func (m *maker) lead(key string) part { return m.leadOf(key, m.history.tenant(m.random)) }

func (m *maker) leadOf(key, tenant string) part {
	selected := pick(m.random, m.rich)
	return part{
		key: key,
		text: func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: lead(tenantId: %s) %s", key, v.add("UUID!", tenant), selected.text(deferred))
		},
		check: func(j *judge, value any) {
			if value != nil || !j.failed(key) {
				j.tenantRow(value, tenant, selected)
			}
		},
	}
}

func (m *maker) aliases() []part {
	parts := make([]part, 2+m.random.IntN(7))
	for i := range parts {
		parts[i] = m.lead(fmt.Sprintf("lead%d", i))
	}
	return parts
}

func (m *maker) tenants(key string, n int) part {
	tenants := make([]string, n)
	for i := range tenants {
		tenants[i] = m.history.tenant(m.random)
	}
	return m.listsOf(key, tenants)
}

func (m *maker) listsOf(key string, tenants []string) part {
	selected := pick(m.random, m.rich)
	return part{
		key: key,
		text: func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: leadsByTenantIds(tenantIds: %s) %s", key, v.add("[UUID!]!", tenants), selected.text(deferred))
		},
		check: func(j *judge, value any) {
			lists, answered := value.([]any)
			switch {
			case !answered && j.failed(key):
			case len(lists) != len(tenants):
				j.fail("%d lists for %d tenants", len(lists), len(tenants))
			default:
				for i, list := range lists {
					rows, answered := list.([]any)
					if answered {
						j.tenantRows(rows, tenants[i], selected)
					} else if !j.failed(key, float64(i)) {
						j.fail("list %d is null without an error", i)
					}
				}
			}
		},
	}
}

// page asks for all leads in the platform's order, from anywhere.
func (m *maker) page(key string) part {
	w := window{size: 1 + m.random.IntN(60), selected: pick(m.random, m.rich), edges: m.one(2), next: m.one(2), previous: m.one(2)}
	if m.one(25) {
		w.size, w.selected = 1000, pick(m.random, m.flat)
	}
	w.count = m.one(8)
	w.backward = m.one(3)
	if from := m.places.any(m.random); !m.one(4) {
		w.cursor, w.anchor = from.cursor, from.id
	}
	return m.windowPart(key, w)
}

// catalogue asks for the beginning or the end of a list that is cut from the
// catalogue. Walks go further.
func (m *maker) catalogue(key string) part {
	w := window{
		query: randomQuery(m.random, m.history), size: 1 + m.random.IntN(40), selected: pick(m.random, m.rich),
		edges: m.one(2), next: m.one(2), previous: m.one(2), backward: m.one(3),
	}
	w.count = !w.fromCatalogue() || m.one(2)
	return m.windowPart(key, w)
}

func (m *maker) windowPart(key string, w window) part {
	return part{
		key:  key,
		text: func(v *variables, deferred bool) string { return w.text(key, v, deferred) },
		check: func(j *judge, value any) {
			w.check(j, key, value)
			if page, answered := value.(object); answered && !w.fromCatalogue() && len(j.wrong) == 0 {
				for _, edge := range elements(page["edges"]) {
					edge := edge.(object)
					m.places.add(m.random, place{edge["cursor"].(string), edge["node"].(object)["id"].(string)})
				}
			}
		},
	}
}

// text writes the field.
func (w window) text(key string, v *variables, deferred bool) string {
	var args []string
	size, cursor := "first", "after"
	if w.backward {
		size, cursor = "last", "before"
	}
	args = append(args, size+": "+v.add("Int", w.size))
	if w.cursor != "" {
		args = append(args, cursor+": "+v.add("Cursor", w.cursor))
	}
	if w.filter != nil {
		args = append(args, "filter: "+v.add("LeadFilter", w.filter))
	}
	if order := w.order(); order != nil {
		args = append(args, "orderBy: "+v.add("LeadOrder", order))
	}
	fields := "asOf nodes " + w.selected.text(deferred)
	if w.edges {
		fields = "asOf edges { cursor node " + w.selected.text(deferred) + " }"
	}
	if w.count {
		fields += " totalCount"
	}
	info := "endCursor startCursor"
	if w.next {
		info += " hasNextPage"
	}
	if w.previous {
		info += " hasPreviousPage"
	}
	return fmt.Sprintf("%s: leads(%s) { %s pageInfo { %s } }", key, strings.Join(args, ", "), fields, info)
}

// ofTenants asks for the leads of some tenants as a list, which are looked up.
func (m *maker) ofTenants(key string) part {
	selected := pick(m.random, m.rich)
	tenants := make([]string, 1+m.random.IntN(6))
	for i := range tenants {
		tenants[i] = m.history.tenant(m.random)
	}
	return part{
		key: key,
		text: func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: leads(filter: %s) { nodes %s totalCount }", key, v.add("LeadFilter", object{"tenantId": tenants}), selected.text(deferred))
		},
		check: func(j *judge, value any) {
			page, answered := value.(object)
			if !answered {
				if !j.failed(key) {
					j.fail("%s is null without an error", key)
				}
				return
			}
			byTenant := map[string][]any{}
			var order []string
			for _, node := range elements(page["nodes"]) {
				if r := j.history.rows[textOf(node.(object)["id"])]; r != nil {
					byTenant[r.tenant] = append(byTenant[r.tenant], node)
					order = append(order, r.tenant)
				}
			}
			if len(order) != len(elements(page["nodes"])) || !slices.IsSorted(order) || page["totalCount"] != float64(len(order)) {
				j.fail("the leads of the tenants are not those, or not in their order")
			}
			for _, tenant := range slices.Compact(slices.Sorted(slices.Values(tenants))) {
				j.tenantRows(byTenant[tenant], tenant, selected)
				delete(byTenant, tenant)
			}
			if len(byTenant) > 0 {
				j.fail("leads of other tenants are shown")
			}
		},
	}
}

// bad is a request that asks the platform for nothing.
func (m *maker) bad() operation {
	text := pick(m.random, []string{
		`leads(first: -1) { nodes { id } }`, `leads(first: 1, last: 1) { nodes { id } }`, `leads(first: 5000) { nodes { id } }`,
		`leads(after: "nonsense") { nodes { id } }`, `leads: lead(tenantId: "nonsense") { id }`,
		`leads(filter: {consentedCountry: ["USA"]}) { nodes { id } }`,
	})
	o := newOperation("bad input", false, part{key: "leads", text: func(*variables, bool) string { return text }})
	o.refused = true
	return o
}
