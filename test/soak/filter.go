package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// query is what a list of leads is asked for beside its window.
type query struct {
	filter     object // as the API takes it; nil is none
	matches    func(*row) bool
	field      string // to order by; empty is the platform's own order
	descending bool
}

// fromCatalogue tells whether the list is cut from the catalogue even without a
// count.
func (q query) fromCatalogue() bool { return q.filter != nil || q.field != "" }

func (q query) order() any {
	if q.field == "" {
		return nil
	}
	direction := "ASC"
	if q.descending {
		direction = "DESC"
	}
	return object{"field": q.field, "direction": direction}
}

// all are the rows of a version that the query asks for, in its order.
func (q query) all(v *version) []*row {
	rows := make([]*row, 0, len(v.rows))
	for _, r := range v.rows {
		if q.matches == nil || q.matches(r) {
			rows = append(rows, r)
		}
	}
	if q.field != "" {
		slices.SortFunc(rows, q.compare)
	}
	return rows
}

// compare puts rows without a value last in both directions, and equal ones in
// the order of their ids.
func (q query) compare(a, b *row) int {
	x, y := q.key(a), q.key(b)
	switch {
	case x == y:
		return strings.Compare(a.id, b.id)
	case x == "":
		return 1
	case y == "":
		return -1
	case q.descending:
		return strings.Compare(y, x)
	}
	return strings.Compare(x, y)
}

// key is a text that is ordered as the row's value is.
func (q query) key(r *row) string {
	moment := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format("2006-01-02T15:04:05.000000000")
	}
	switch q.field {
	case "CONSENTED_ON":
		return moment(r.consented)
	case "LAST_MODIFIED_ON":
		return moment(r.modified)
	case "COMPANY_NAME":
		return r.company
	case "STATUS":
		return string(rune('a' + slices.Index(statuses, r.status)))
	}
	return r.tenant
}

// randomQuery is a query with a filter, an order, both or neither.
func randomQuery(random *rand.Rand, h *history) query {
	var q query
	if random.IntN(3) > 0 {
		q.filter, q.matches = randomFilter(random, h, true)
	}
	if random.IntN(2) == 0 {
		q.field = pick(random, []string{"CONSENTED_ON", "LAST_MODIFIED_ON", "COMPANY_NAME", "STATUS", "TENANT_ID"})
		q.descending = random.IntN(2) == 0
	}
	return q
}

// randomFilter is a filter with one condition or two, which can be filters and
// search texts only in the outermost: not many searches are allowed.
func randomFilter(random *rand.Rand, h *history, outermost bool) (object, func(*row) bool) {
	filter := object{}
	var all []func(*row) bool
	for range 1 + random.IntN(2) {
		name, value, matches := randomCondition(random, h, outermost)
		if _, taken := filter[name]; !taken {
			filter[name] = value
			all = append(all, matches)
		}
	}
	return filter, func(r *row) bool {
		return !slices.ContainsFunc(all, func(matches func(*row) bool) bool { return !matches(r) })
	}
}

func randomCondition(random *rand.Rand, h *history, outermost bool) (name string, value any, matches func(*row) bool) {
	kinds := 6
	if outermost {
		kinds = 10
	}
	example := h.any(random)
	switch random.IntN(kinds) {
	case 0:
		wanted := []string{pick(random, statuses), example.status}
		return "status", wanted, func(r *row) bool { return slices.Contains(wanted, r.status) }
	case 1:
		wanted := random.IntN(2) == 0
		return "isDirectLead", wanted, func(r *row) bool { return r.direct != nil && *r.direct == wanted }
	case 2:
		wanted := random.IntN(2) == 0
		return "hasCustomer", wanted, func(r *row) bool { return r.customer == wanted }
	case 3:
		wanted := append([]string{pick(random, []string{"US", "DE", "XX"})}, example.countries...)
		return "consentedCountry", wanted, func(r *row) bool { return intersect(wanted, r.countries) }
	case 4:
		wanted := append([]string{"1574"}, example.channels...)
		return "channelId", wanted, func(r *row) bool { return intersect(wanted, r.channels) }
	case 5:
		return randomSpan(random, example)
	case 6:
		return randomSearch(random, example)
	case 7:
		inner, matches := randomFilter(random, h, false)
		return "not", inner, func(r *row) bool { return !matches(r) }
	case 8:
		one, first := randomFilter(random, h, false)
		other, second := randomFilter(random, h, false)
		return "or", []object{one, other}, func(r *row) bool { return first(r) || second(r) }
	}
	one, first := randomFilter(random, h, false)
	return "and", []object{one}, first
}

// randomSpan begins or ends at the moment of a row that there is.
func randomSpan(random *rand.Rand, example *row) (name string, value any, matches func(*row) bool) {
	name, moment := "consentedOn", func(r *row) time.Time { return r.consented }
	if random.IntN(2) == 0 {
		name, moment = "lastModifiedOn", func(r *row) time.Time { return r.modified }
	}
	bound := cmp.Or(moment(example), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	if random.IntN(2) == 0 {
		return name, object{"from": bound.Format(time.RFC3339Nano)},
			func(r *row) bool { return !moment(r).IsZero() && !moment(r).Before(bound) }
	}
	return name, object{"to": bound.Format(time.RFC3339Nano)},
		func(r *row) bool { return !moment(r).IsZero() && moment(r).Before(bound) }
}

// randomSearch looks for a text that only e-mail addresses can have: how names
// are folded is not for the oracle to know.
func randomSearch(random *rand.Rand, example *row) (name string, value any, matches func(*row) bool) {
	needle := "svc-voice@"
	for _, email := range example.emails {
		if at := strings.IndexByte(email, '@'); at > 0 {
			needle = email[random.IntN(at+1):min(len(email), at+3)]
		}
	}
	shown := needle
	if random.IntN(2) == 0 {
		shown = strings.ToUpper(needle)
	}
	return "search", shown, func(r *row) bool {
		return slices.ContainsFunc(r.emails, func(email string) bool { return strings.Contains(email, needle) })
	}
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
