package oracle

import (
	"cmp"
	"reflect"
	"slices"
)

// Stats checks leadStats with all its fields.
func Stats(key string, q Query) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		got, answered := value.(Object)
		if !answered {
			if !j.failed(key) {
				j.fail("%s is null without an error", key)
			}
			return
		}
		versions := j.catalogue(got["asOf"])
		if j.ages.Torn && len(versions) > 1 {
			return
		}
		if !slices.ContainsFunc(versions, func(v *version) bool {
			want := count(q.all(v))
			want["asOf"] = got["asOf"]
			return reflect.DeepEqual(got, want)
		}) {
			j.fail("%s: the counts match no version (of %d)", key, len(versions))
		}
	}}
}

// count returns what leadStats shows for rows, without asOf.
func count(rows []*Row) Object {
	byStatus, byCountry, bySize := map[string]int{}, map[string]int{}, map[string]int{}
	byChannel, byOperator := map[string]int{}, map[string]int{}
	direct, consented, customers, withoutAddress := 0, 0, 0, 0
	for _, r := range rows {
		byStatus[r.Status]++
		for _, country := range r.Countries {
			byCountry[country]++
		}
		if r.Size != "" {
			bySize[r.Size]++
		}
		for i, channel := range r.Channels {
			if !slices.Contains(r.Channels[:i], channel) {
				byChannel[channel]++
			}
		}
		if r.Operator != "" {
			byOperator[r.Operator]++
		}
		if r.Customer {
			customers++
		}
		if len(r.Addresses) == 0 {
			withoutAddress++
		}
		switch {
		case r.Direct == nil:
		case *r.Direct:
			direct++
		default:
			consented++
		}
	}
	return Object{
		"total": float64(len(rows)), "direct": float64(direct), "consented": float64(consented),
		"byStatus":      ranked("status", byStatus, func(a, b string) int { return slices.Index(equallyFrequent, a) - slices.Index(equallyFrequent, b) }),
		"byCountry":     ranked("country", byCountry, cmp.Compare[string]),
		"byCompanySize": ranked("companySize", bySize, cmp.Compare[string]),
		"byChannel":     ranked("channelId", byChannel, cmp.Compare[string]), "byOperator": ranked("operatorId", byOperator, cmp.Compare[string]),
		"onboarded": float64(customers), "notOnboarded": float64(len(rows) - customers), "byAddressStatusRest": float64(withoutAddress),
		"unknownConsent": float64(len(rows) - direct - consented),
	}
}

// equallyFrequent is the order of statuses with the same count.
var equallyFrequent = []string{"UNKNOWN", "ACTIVE", "NOT_ACTIVE", "SUSPENDED", "REMOVED"}

// ranked lists counts, the largest first.
func ranked(name string, counts map[string]int, compare func(a, b string) int) []any {
	entries := []any{}
	values := make([]string, 0, len(counts))
	for value := range counts {
		values = append(values, value)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(counts[b]-counts[a], compare(a, b)) })
	for _, value := range values {
		entries = append(entries, Object{name: value, "count": float64(counts[value])})
	}
	return entries
}

// Nodes checks nodes(ids:). The operation must also select leadStats as stats,
// which shows the time of the catalogue.
func Nodes(key string, ids []string, selected Selection) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		nodes, answered := value.([]any)
		stats, dated := j.Data["stats"].(Object)
		switch {
		case !answered && !j.failed(key):
			j.fail("%s is null without an error", key)
		case !answered || !dated:
		case len(nodes) != len(ids):
			j.fail("%d nodes for %d ids", len(nodes), len(ids))
		default:
			versions, shown := j.catalogue(stats["asOf"]), j.shown(stats["asOf"])
			for i, node := range nodes {
				if node != nil || !j.failed(key, float64(i)) {
					j.node(node, ids[i], selected, versions, shown)
				}
			}
		}
	}}
}

// node checks the lead with an id. Null means that there is none.
func (j *Judge) node(value any, id string, selected Selection, versions, shown []*version) {
	if value == nil {
		if !slices.ContainsFunc(versions, func(v *version) bool { _, there := v.places[id]; return !there }) {
			j.fail("lead %s is shown as null, the platform has it", id)
		}
		return
	}
	if r := j.row(value, selected, shown); r != nil && r.ID != id {
		j.fail("lead %s is shown for %s", r.ID, id)
	}
}
