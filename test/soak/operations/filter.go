package operations

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"leadgraph/test/soak/oracle"
)

// randomQuery returns a query with a filter, an order, both or neither.
func randomQuery(random *rand.Rand, h *oracle.History) oracle.Query {
	var q oracle.Query
	if random.IntN(3) > 0 {
		q.Filter, q.Matches = randomFilter(random, h, true)
		q.Filter = spelled(random, q.Filter)
	}
	if random.IntN(2) == 0 {
		q.Field, q.Descending = randomOrder(random)
	}
	return q
}

func randomOrder(random *rand.Rand) (field string, descending bool) {
	return pick(random, []string{"CONSENTED_ON", "LAST_MODIFIED_ON", "COMPANY_NAME", "STATUS", "TENANT_ID", "COMPANY_SIZE", "COUNTRY"}), random.IntN(2) == 0
}

// ofSomeTenants selects the leads of up to 60 tenants by nothing else.
func (m *Maker) ofSomeTenants() oracle.Query {
	tenants := m.tenants(1 + m.random.IntN(60))
	return oracle.Query{
		Filter: oracle.Object{"tenantId": m.listOrOne(tenants)}, Tenants: tenants,
		Matches: func(r *oracle.Row) bool { return slices.Contains(tenants, r.Tenant) },
	}
}

// randomFilter returns a filter with one or two conditions, and the same filter
// as a function. Only the outermost filter may contain filters and search texts,
// because leadgraph allows few searches in an operation.
func randomFilter(random *rand.Rand, h *oracle.History, outermost bool) (oracle.Object, func(*oracle.Row) bool) {
	filter := oracle.Object{}
	var all []func(*oracle.Row) bool
	for range 1 + random.IntN(2) {
		name, value, matches := randomCondition(random, h, outermost)
		if _, taken := filter[name]; !taken {
			filter[name] = value
			all = append(all, matches)
		}
	}
	return filter, func(r *oracle.Row) bool {
		return !slices.ContainsFunc(all, func(matches func(*oracle.Row) bool) bool { return !matches(r) })
	}
}

// randomCondition returns a condition as the API takes it and as a function.
func randomCondition(random *rand.Rand, h *oracle.History, outermost bool) (name string, value any, matches func(*oracle.Row) bool) {
	kinds := 7
	if outermost {
		kinds = 11
	}
	example := h.Any(random)
	switch random.IntN(kinds) {
	case 0:
		wanted := []string{pick(random, oracle.Statuses()), example.Status}[random.IntN(2):]
		return "status", wanted, func(r *oracle.Row) bool { return slices.Contains(wanted, r.Status) }
	case 1:
		wanted := random.IntN(2) == 0
		return "isDirectLead", wanted, func(r *oracle.Row) bool { return r.Direct != nil && *r.Direct == wanted }
	case 2:
		wanted := random.IntN(2) == 0
		return "hasCustomer", wanted, func(r *oracle.Row) bool { return r.Customer == wanted }
	case 3:
		wanted := append([]string{pick(random, []string{"US", "DE", "XX"})}, example.Countries...)
		return "consentedCountry", wanted, func(r *oracle.Row) bool { return intersect(wanted, r.Countries) }
	case 4:
		wanted := append([]string{"1574"}, example.Channels...)
		return "channelId", wanted, func(r *oracle.Row) bool { return intersect(wanted, r.Channels) }
	case 5:
		return randomSpan(random, example)
	case 6:
		return rareCondition(random, h, example)
	case 7:
		return randomSearch(random, example)
	case 8:
		inner, matches := randomFilter(random, h, false)
		return "not", inner, func(r *oracle.Row) bool { return !matches(r) }
	case 9:
		one, first := randomFilter(random, h, false)
		other, second := randomFilter(random, h, false)
		return "or", []oracle.Object{one, other}, func(r *oracle.Row) bool { return first(r) || second(r) }
	}
	one, first := randomFilter(random, h, false)
	return "and", []oracle.Object{one}, first
}

// rareCondition returns a condition that front-ends use less often.
func rareCondition(random *rand.Rand, h *oracle.History, example *oracle.Row) (name string, value any, matches func(*oracle.Row) bool) {
	wanted := random.IntN(2) == 0
	switch random.IntN(7) {
	case 0:
		ids := []string{"nobody's", example.ID, h.Any(random).ID}
		return "ids", ids, func(r *oracle.Row) bool { return slices.Contains(ids, r.ID) }
	case 1:
		sizes := []string{"L250_U999", cmp.Or(example.Size, "none")}
		return "companySize", sizes, func(r *oracle.Row) bool { return slices.Contains(sizes, r.Size) }
	case 2:
		operators := []string{cmp.Or(example.Operator, "none")}
		return "operatorId", operators, func(r *oracle.Row) bool { return slices.Contains(operators, r.Operator) }
	case 3:
		origins := []string{cmp.Or(example.Origin, "none")}
		return "tenantOrigin", origins, func(r *oracle.Row) bool { return slices.Contains(origins, r.Origin) }
	case 4:
		return "hasChannel", wanted, func(r *oracle.Row) bool { return wanted == (len(r.Channels) > 0) }
	case 5:
		return "hasConsentedOn", wanted, func(r *oracle.Row) bool { return wanted == !r.Consented.IsZero() }
	}
	if random.IntN(3) == 0 {
		return "addresses", oracle.Object{"missing": wanted}, func(r *oracle.Row) bool { return wanted == (len(r.Addresses) == 0) }
	}
	countries, status := []string{"US", "DE", "GB"}, pick(random, []string{"VALIDATED", "NOT_VALIDATED", "INVALID", "UNKNOWN"})
	return "addresses", oracle.Object{"country": countries, "validationStatus": []string{status}}, func(r *oracle.Row) bool {
		return slices.ContainsFunc(r.Addresses, func(a oracle.Address) bool { return slices.Contains(countries, a.Country) && a.Status == status })
	}
}

// randomSpan returns a condition on a time. The span begins or ends at the time
// of the example.
func randomSpan(random *rand.Rand, example *oracle.Row) (name string, value any, matches func(*oracle.Row) bool) {
	name, moment := "consentedOn", func(r *oracle.Row) time.Time { return r.Consented }
	if random.IntN(2) == 0 {
		name, moment = "lastModifiedOn", func(r *oracle.Row) time.Time { return r.Modified }
	}
	bound := cmp.Or(moment(example), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	if random.IntN(2) == 0 {
		return name, oracle.Object{"from": bound.Format(time.RFC3339Nano)},
			func(r *oracle.Row) bool { return !moment(r).IsZero() && !moment(r).Before(bound) }
	}
	return name, oracle.Object{"to": bound.Format(time.RFC3339Nano)},
		func(r *oracle.Row) bool { return !moment(r).IsZero() && moment(r).Before(bound) }
}

// randomSearch returns a search for a text that only e-mail addresses can
// contain. The oracle does not know the rules by which leadgraph folds names.
func randomSearch(random *rand.Rand, example *oracle.Row) (name string, value any, matches func(*oracle.Row) bool) {
	needle := "svc-voice@"
	for _, email := range example.Emails {
		if at := strings.IndexByte(email, '@'); at > 0 {
			needle = email[random.IntN(at+1):min(len(email), at+3)]
		}
	}
	shown := needle
	if random.IntN(2) == 0 {
		shown = strings.ToUpper(needle)
	}
	return "search", shown, func(r *oracle.Row) bool {
		return slices.ContainsFunc(r.Emails, func(email string) bool { return strings.Contains(email, needle) })
	}
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
