package main

import (
	"slices"
)

// window is a page of a list that is asked for.
type window struct {
	query
	size     int
	backward bool
	// cursor is what the page continues from and anchor the id of its lead; both
	// are empty at the start.
	cursor, anchor string
	selected       selection
	// What else is selected.
	count, next, previous, edges bool
}

// whole tells whether the page is cut from the catalogue.
func (w window) whole() bool {
	return w.fromCatalogue() || w.count || w.backward && w.cursor == ""
}

// check judges a page at the path. It returns its rows, nil if it was not
// answered.
func (w window) check(j *judge, key string, value any) []*row {
	page, answered := value.(object)
	if !answered {
		if !j.failed(key) {
			j.fail("%s is null without an error", key)
		}
		return nil
	}
	counted := w.count && (page["totalCount"] != nil || !j.failed(key, "totalCount"))
	var versions []*version
	if w.whole() && (counted || !w.count || w.fromCatalogue()) {
		versions = j.catalogue(page["asOf"])
	} else {
		asOf := j.moment(page["asOf"])
		if asOf.Before(j.sent.Truncate(1e6)) || asOf.After(j.answered) {
			j.fail("a page that was read from %v to %v says it is of %v", j.sent, j.answered, asOf)
		}
		versions = j.history.during(j.sent, j.answered)
	}
	rows, complete := w.rows(j, page, versions)
	if !complete {
		return rows
	}
	var misfit string
	for _, v := range versions {
		if misfit = w.misfit(page, rows, w.all(v), counted); misfit == "" {
			return rows
		}
	}
	// Two pages of the platform that are read at the same time can be of two
	// versions.
	if !w.whole() && len(versions) > 1 {
		w.mixed(j, rows, versions)
		return rows
	}
	j.fail("%s: %s (%d versions)", key, misfit, len(versions))
	return rows
}

// rows compares each row of the page with the platform's.
func (w window) rows(j *judge, page object, versions []*version) (rows []*row, complete bool) {
	complete = true
	nodes := elements(page["nodes"])
	if w.edges {
		nodes = nil
		for _, edge := range elements(page["edges"]) {
			nodes = append(nodes, edge.(object)["node"])
		}
	}
	seen := map[string]bool{}
	for _, node := range nodes {
		r := j.row(node, w.selected, versions)
		if r == nil {
			complete = false
			continue
		}
		if seen[r.id] {
			j.fail("lead %s is twice on a page", r.id)
		}
		seen[r.id] = true
		rows = append(rows, r)
	}
	return rows, complete
}

// misfit says how the page differs from the one of a list; empty if it does not.
// Where the lead of the cursor is gone, the page may begin anywhere.
func (w window) misfit(page object, rows, all []*row, counted bool) string {
	if counted && page["totalCount"] != float64(len(all)) {
		return "the count is wrong"
	}
	from, to := 0, min(w.size, len(all))
	switch at := slices.IndexFunc(all, func(r *row) bool { return r.id == w.anchor }); {
	case w.cursor == "" && w.backward:
		from, to = max(0, len(all)-w.size), len(all)
	case w.cursor == "":
	case at < 0:
		return w.misplaced(rows, all)
	case w.backward:
		from, to = max(0, at-w.size), at
	default:
		from, to = at+1, min(at+1+w.size, len(all))
	}
	if !slices.Equal(rows, all[from:to]) {
		return "the page holds other leads"
	}
	info, _ := page["pageInfo"].(object)
	next, previous := to < len(all), from > 0
	if from == to { // such a page leads nowhere new
		next, previous = next && w.backward, previous && !w.backward
	}
	switch {
	case w.next && info["hasNextPage"] != next:
		return "hasNextPage is wrong"
	case w.previous && info["hasPreviousPage"] != previous:
		return "hasPreviousPage is wrong"
	}
	return ""
}

// misplaced says whether the rows stand together in the list, and are as many as
// there can be.
func (w window) misplaced(rows, all []*row) string {
	if len(rows) == 0 {
		return ""
	}
	from := slices.Index(all, rows[0])
	if from < 0 || !slices.Equal(rows, all[from:min(from+len(rows), len(all))]) {
		return "the leads do not stand together"
	}
	if w.backward && from > 0 && len(rows) < w.size || !w.backward && from+len(rows) < len(all) && len(rows) < w.size {
		return "leads are missing at the end of the page"
	}
	return ""
}

// mixed checks what holds for a page that was read while leads came and went:
// those that were there before, and those that still are, stand in order.
func (w window) mixed(j *judge, rows []*row, versions []*version) {
	for _, v := range versions {
		last := -1
		for _, r := range rows {
			place, there := v.places[r.id]
			if there && place <= last {
				j.fail("the leads of a page do not stand in order")
				return
			}
			if there {
				last = place
			}
		}
	}
}
