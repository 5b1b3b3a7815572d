package operations

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"leadgraph/test/soak/oracle"
)

// Maker makes operations at random. Its selections come from a small stock, since
// a front-end has few documents too. It is not safe for concurrent use.
type Maker struct {
	random     *rand.Rand
	history    *oracle.History
	places     *Places
	rich, flat []oracle.Selection
}

// stock is the number of selections of each kind.
const stock = 12

// NewMaker returns a maker. Makers with the same seed have the same selections.
func NewMaker(seed uint64, random *rand.Rand, h *oracle.History, p *Places) *Maker {
	m := &Maker{random: random, history: h, places: p}
	common := rand.New(rand.NewPCG(seed, 1<<32))
	for range stock {
		m.rich = append(m.rich, randomSelection(common, oracle.LeadType, false))
		m.flat = append(m.flat, randomSelection(common, oracle.LeadType, true))
	}
	return m
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// one returns true once in n times.
func (m *Maker) one(n int) bool { return m.random.IntN(n) == 0 }

// Operation returns an operation of a random kind.
func (m *Maker) Operation() Operation {
	switch n := m.random.IntN(100); {
	case n < 15:
		return newOperation(m.random, "lead", m.one(5), m.lead("lead"))
	case n < 22:
		return newOperation(m.random, "lead, aliases", false, m.aliases()...)
	case n < 32:
		return newOperation(m.random, "leadsByTenantIds", m.one(5), m.lists("list", 1+m.random.IntN(10)))
	case n < 37:
		return newOperation(m.random, ManyTenants, false, m.lists("list", 30+m.random.IntN(70)))
	case n < 57:
		return newOperation(m.random, "leads", m.one(5), m.page("leads"))
	case n < 72:
		return newOperation(m.random, "leads, catalogue", m.one(5), m.catalogue("leads"))
	case n < 77:
		return newOperation(m.random, "leads, tenants", false, m.ofTenants("leads"))
	case n < 83:
		return newOperation(m.random, "leadStats", false, m.stats("stats"))
	case n < 89:
		return newOperation(m.random, "node", false, m.nodes("nodes"), m.stats("stats"))
	case n < 92:
		return m.Truth()
	case n < 97:
		return newOperation(m.random, "mixed", m.one(2), m.lead("lead"), m.lists("list", 3), m.page("page"), m.catalogue("leads"), m.stats("stats"))
	}
	return m.bad()
}

// ManyTenants is the kind of operation whose variables are too long for a URL.
const ManyTenants = "leadsByTenantIds, many"

// bad returns an operation that leadgraph must refuse as bad input, without
// calling the platform.
func (m *Maker) bad() Operation {
	text := pick(m.random, []string{
		`leads(first: -1) { nodes { id } }`, `leads(first: 1, last: 1) { nodes { id } }`, `leads(first: 5000) { nodes { id } }`,
		`leads(after: "nonsense") { nodes { id } }`, `leads: lead(tenantId: "nonsense") { id }`,
		`leads(filter: {consentedCountry: ["USA"]}) { nodes { id } }`,
		`leads: lead(tenantId: null) { id }`, `leads(first: "1") { nodes { id } }`, `leads(first: 1.5) { nodes { id } }`, `leads(first: [1]) { nodes { id } }`,
		`leads(orderBy: {field: null}) { nodes { id } }`, `leads(orderBy: {field: STATUS, direction: null}) { nodes { id } }`,
		`leads(filter: {status: "ACTIVE"}) { nodes { id } }`, `leads(filter: {status: [null]}) { nodes { id } }`,
		`leads(filter: {consentedOn: {from: 2024}}) { nodes { id } }`, `leads @skip(if: null) { nodes { id } }`,
		`leads: leadsByTenantIds(tenantIds: null) { id }`, `leads: nodes(ids: [null]) { id }`,
	})
	o := newOperation(m.random, "bad input", false, part{oracle.Check{Key: "leads"}, func(*variables, bool) string { return text }})
	o.bad = true
	return o
}

// Large returns an operation with a large answer, for readers that read slowly.
func (m *Maker) Large() Operation {
	return newOperation(m.random, "slow readers", false, m.window("leads", oracle.Window{Size: 1000, Selected: m.flat[0]}))
}

// Lead returns an operation that asks for the lead of a tenant.
func Lead(tenant string, selected oracle.Selection) Operation {
	return newOperation(nil, "lead", false, leadOf("lead", tenant, selected))
}

// CheckOnline returns an operation that makes the platform learn a lead from
// Microsoft.
func CheckOnline(tenant string, r *oracle.Row) Operation {
	selected := oracle.Selection{Of: oracle.LeadType, Fields: []oracle.Field{oracle.ID()}}
	return newOperation(nil, "checkOnline", false, part{
		oracle.Online("lead", tenant, r, selected),
		func(v *variables, _ bool) string {
			return "lead(tenantId: " + v.add("UUID!", tenant) + ", checkOnline: true) " + textOf(selected, false)
		},
	})
}

// tenant returns a tenant that has a lead or had one or, rarely, never will.
func (m *Maker) tenant() string {
	if m.one(20) {
		return m.unknownTenant()
	}
	return m.history.Any(m.random).Tenant
}

func (m *Maker) tenants(n int) []string {
	tenants := make([]string, n)
	for i := range tenants {
		tenants[i] = m.tenant()
	}
	return tenants
}

func (m *Maker) unknownTenant() string {
	return strings.Map(func(r rune) rune {
		if r == 'x' {
			return rune("0123456789abcdef"[m.random.IntN(16)])
		}
		return r
	}, "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx")
}

func (m *Maker) aliases() []part {
	parts := make([]part, 2+m.random.IntN(7))
	for i := range parts {
		parts[i] = m.lead(fmt.Sprintf("lead%d", i))
	}
	return parts
}
