package oracle

import "slices"

// steady returns the ids of the leads that a walk through the versions must answer.
// In the platform's own order it also returns those that would be among them if no
// other lead had been moved past them.
func (q Query) steady(versions []*version) (steady, passed []string) {
	first := versions[0]
	for _, r := range q.all(first) {
		if !slices.ContainsFunc(versions, func(v *version) bool {
			other := v.row(r.ID)
			return other == nil || other != r && (!q.matches(other) || q.key(other) != q.key(r))
		}) {
			steady = append(steady, r.ID)
		}
	}
	if q.Field != "" {
		return steady, nil
	}
	out := map[string]bool{} // of place
	for _, v := range reordered(versions) {
		for _, id := range outOfPlace(first, v) {
			out[id] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(steady), func(id string) bool { return out[id] }),
		slices.DeleteFunc(steady, func(id string) bool { return !out[id] })
}

// reordered returns the versions in which leads of the first one have another order.
func reordered(versions []*version) []*version {
	var found []*version
	for _, v := range versions[1:] {
		if len(outOfPlace(versions[0], v)) > 0 {
			found = append(found, v)
		}
	}
	return found
}

func sameOrder(versions []*version) bool { return len(reordered(versions)) == 0 }

// outOfPlace returns the leads in both versions that have another one of these
// before them in one version and after them in the other.
func outOfPlace(a, b *version) (ids []string) {
	var places []int // in a, in the order of b
	for _, r := range b.rows {
		if place, there := a.places[r.ID]; there {
			places = append(places, place)
		}
	}
	if slices.IsSorted(places) {
		return nil
	}
	least := make([]int, len(places)+1) // of the places from an index on
	least[len(places)] = len(a.rows)
	for i := len(places) - 1; i >= 0; i-- {
		least[i] = min(least[i+1], places[i])
	}
	most := -1 // of the places before
	for i, place := range places {
		if most > place || least[i+1] < place {
			ids = append(ids, a.rows[place].ID)
		}
		most = max(most, place)
	}
	return ids
}

// kept tells whether all versions have the leads, and they match.
func kept(versions []*version, ids []string, matches func(*Row) bool) bool {
	return !slices.ContainsFunc(versions, func(v *version) bool {
		return slices.ContainsFunc(ids, func(id string) bool { r := v.row(id); return r == nil || !matches(r) })
	})
}
