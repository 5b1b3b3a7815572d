package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
)

// stats counts the leads that match.
func (m *maker) stats(key string) part {
	var q query
	if m.one(2) {
		q.filter, q.matches = randomFilter(m.random, m.history, true)
	}
	return q.stats(key)
}

func (q query) stats(key string) part {
	return part{
		key: key,
		text: func(v *variables, _ bool) string {
			args := ""
			if q.filter != nil {
				args = "(filter: " + v.add("LeadFilter", q.filter) + ")"
			}
			return fmt.Sprintf("%s: leadStats%s { asOf total direct consented byStatus { status count } byCountry { country count } byCompanySize { companySize count } }", key, args)
		},
		check: func(j *judge, value any) {
			got, answered := value.(object)
			if !answered {
				if !j.failed(key) {
					j.fail("%s is null without an error", key)
				}
				return
			}
			versions := j.catalogue(got["asOf"])
			if !slices.ContainsFunc(versions, func(v *version) bool {
				want := count(q.all(v))
				want["asOf"] = got["asOf"]
				return reflect.DeepEqual(got, want)
			}) {
				j.fail("%s: the counts are those of no version (%d of them)", key, len(versions))
			}
		},
	}
}

// count counts rows.
func count(rows []*row) object {
	byStatus, byCountry, bySize := map[string]int{}, map[string]int{}, map[string]int{}
	direct, consented := 0, 0
	for _, r := range rows {
		byStatus[r.status]++
		for _, country := range r.countries {
			byCountry[country]++
		}
		if r.size != "" {
			bySize[r.size]++
		}
		switch {
		case r.direct == nil:
		case *r.direct:
			direct++
		default:
			consented++
		}
	}
	return object{
		"total": float64(len(rows)), "direct": float64(direct), "consented": float64(consented),
		"byStatus":      ranked("status", byStatus, func(a, b string) int { return slices.Index(known, a) - slices.Index(known, b) }),
		"byCountry":     ranked("country", byCountry, cmp.Compare[string]),
		"byCompanySize": ranked("companySize", bySize, cmp.Compare[string]),
	}
}

// known is the order of equally frequent states.
var known = []string{"UNKNOWN", "ACTIVE", "NOT_ACTIVE", "SUSPENDED", "REMOVED"}

// ranked lists counts, the greatest first.
func ranked(name string, counts map[string]int, compare func(a, b string) int) []any {
	entries := []any{}
	values := make([]string, 0, len(counts))
	for value := range counts {
		values = append(values, value)
	}
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(counts[b]-counts[a], compare(a, b)) })
	for _, value := range values {
		entries = append(entries, object{name: value, "count": float64(counts[value])})
	}
	return entries
}

// nodes asks for leads by their ids. It comes beside stats, which tell when the
// catalogue was read.
func (m *maker) nodes(key string) part {
	ids := make([]string, 1+m.random.IntN(6))
	for i := range ids {
		if ids[i] = m.history.any(m.random).id; m.one(15) {
			ids[i] = "nobody's"
		}
	}
	return nodesOf(key, ids, pick(m.random, m.rich))
}

func nodesOf(key string, ids []string, selected selection) part {
	return part{
		key: key,
		text: func(v *variables, deferred bool) string {
			return fmt.Sprintf("%s: nodes(ids: %s) { ... on Lead %s }", key, v.add("[ID!]!", ids), selected.text(deferred))
		},
		check: func(j *judge, value any) {
			nodes, answered := value.([]any)
			stats, dated := j.Data["stats"].(object)
			switch {
			case !answered && !j.failed(key):
				j.fail("%s is null without an error", key)
			case !answered || !dated:
			case len(nodes) != len(ids):
				j.fail("%d nodes for %d ids", len(nodes), len(ids))
			default:
				versions := j.catalogue(stats["asOf"])
				for i, node := range nodes {
					j.node(node, ids[i], selected, versions)
				}
			}
		},
	}
}

// node checks the lead with an id; null stands for none.
func (j *judge) node(value any, id string, selected selection, versions []*version) {
	if value == nil {
		if !slices.ContainsFunc(versions, func(v *version) bool { _, there := v.places[id]; return !there }) {
			j.fail("the platform has the lead %s, which is shown as none", id)
		}
		return
	}
	if r := j.row(value, selected, versions); r != nil && r.id != id {
		j.fail("lead %s is shown for %s", r.id, id)
	}
}
