package oracle

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Node checks node(id:) in an operation that does not show when the catalogue was
// read.
func Node(key, id string, selected Selection) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		if value == nil && j.failed(key) {
			return
		}
		oldest := time.Duration(float64(j.ages.Fresh)*jitter) + j.ages.Revalidate
		if j.Extensions["stale"] == true && !j.NoCache && !j.HasMaxAge {
			oldest = j.ages.IfFailing
		}
		versions := j.history.during(j.Sent.Add(-j.bound(oldest)), j.Answered)
		j.node(value, id, selected, versions, versions)
	}}
}

// Agree checks that all parts of an answer show a lead with the same values. All of
// them must select the same. The lead of a tenant must be one of the tenant's list,
// and a node that another part shows must not be null.
func (j *Judge) Agree(leadKey, listKey, nodeKey, id string) {
	shown := map[string]Object{}
	where := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(j.Data)) {
		for _, lead := range leadsIn(j.Data[key]) {
			id := Text(lead["id"])
			if other, twice := shown[id]; twice && !reflect.DeepEqual(lead, other) {
				j.fail("contradiction: %s and %s show lead %s with different values: %s", where[id], key, id, difference(other, lead))
			}
			shown[id], where[id] = lead, key
		}
	}
	if j.Data[nodeKey] == nil && !j.failed(nodeKey) && shown[id] != nil {
		j.fail("contradiction: %s shows lead %s, %s is null", where[id], id, nodeKey)
	}
	if j.failed(leadKey) || j.failed(listKey) || j.failed(listKey, float64(0)) {
		return
	}
	one, list := leadsIn(j.Data[leadKey]), leadsIn(j.Data[listKey])
	if len(one) == 0 && len(list) > 0 || len(one) > 0 && !slices.ContainsFunc(list, func(o Object) bool { return o["id"] == one[0]["id"] }) {
		j.fail("contradiction: %s shows %d leads, %s shows %d others", leadKey, len(one), listKey, len(list))
	}
}

// leadsIn returns the leads in the value of a root field: one lead, a list, lists or
// a page.
func leadsIn(value any) (leads []Object) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			leads = append(leads, leadsIn(element)...)
		}
	case Object:
		if nodes, page := value["nodes"]; page {
			return leadsIn(nodes)
		}
		if edges, page := value["edges"]; page {
			for _, edge := range Elements(edges) {
				leads = append(leads, leadsIn(edge.(Object)["node"])...)
			}
			return leads
		}
		return []Object{value}
	}
	return leads
}

// difference describes the first member in which two objects differ.
func difference(a, b Object) string {
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if !reflect.DeepEqual(a[key], b[key]) {
			return fmt.Sprintf("%s is %v and %v", key, a[key], b[key])
		}
	}
	return "their members differ"
}
