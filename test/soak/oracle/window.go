package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is the page of a list that an operation asks for.
type Window struct {
	Query
	Size     int
	Backward bool
	// Cursor is where the page continues, and Anchor is the id of the cursor's
	// lead. Both are empty at the start of the list.
	Cursor, Anchor string
	// Since is when leadgraph began to read the page that the cursor came from. If
	// the list has changed since then, the page may begin anywhere: what a walk
	// promises then is judged at its end. Zero is for lists whose leads come and go
	// but keep their order.
	Since    time.Time
	Selected Selection
	// Count, Next, Previous and Edges tell what else is selected: totalCount,
	// hasNextPage, hasPreviousPage, and edges instead of nodes.
	Count, Next, Previous, Edges bool
}

// whole tells whether leadgraph answers the page from the catalogue.
func (w Window) whole() bool {
	return w.FromCatalogue() || w.Count || w.Backward && w.Cursor == ""
}

// Page checks a page of leads. If it is right, right is called with it; right may
// be nil.
func Page(key string, w Window, right func(page Object)) Check {
	return Check{Key: key, Judge: func(j *Judge, value any) {
		page, answered := value.(Object)
		if !answered {
			if !j.failed(key) {
				j.fail("%s is null without an error", key)
			}
			return
		}
		w.check(j, key, page)
		if right != nil && len(j.wrong) == 0 {
			right(page)
		}
	}}
}

func (w Window) check(j *Judge, key string, page Object) {
	if w.Tenants != nil {
		w.checkLookedUp(j, key, page)
		return
	}
	counted := w.Count && (page["totalCount"] != nil || !j.failed(key, "totalCount"))
	versions := w.versions(j, page, counted)
	rows, complete := w.rows(j, page, j.shown(page["asOf"]))
	if !complete {
		return
	}
	changed := !w.Since.IsZero() && len(j.history.during(w.Since, j.Answered)) > 1
	var misfits []string
	for _, v := range versions {
		misfit := w.misfit(page, rows, w.all(v), counted, changed)
		if misfit == "" {
			return
		}
		misfits = append(misfits, misfit)
	}
	// leadgraph may read two pages of the platform at the same time, and they can
	// show two versions.
	if (!w.whole() || j.ages.Torn) && len(versions) > 1 {
		w.mixed(j, rows, versions)
		return
	}
	j.fail("%s: %s (%d versions)%s", key, strings.Join(slices.Compact(misfits), "; "), len(versions), w.whenRight(j, page, rows, counted))
}

// whenRight says when the page would have been right. The text is empty if it never
// was.
func (w Window) whenRight(j *Judge, page Object, rows []*Row, counted bool) string {
	for _, v := range slices.Backward(j.history.versions) {
		if w.misfit(page, rows, w.all(v), counted, false) == "" {
			return fmt.Sprintf(", right from %s until %s", v.from.Format("05.000"), v.until.Format("05.000"))
		}
	}
	return ""
}

// versions returns the versions that the page may show.
func (w Window) versions(j *Judge, page Object, counted bool) []*version {
	if w.whole() && (counted || !w.Count || w.FromCatalogue()) {
		return j.catalogue(page["asOf"])
	}
	asOf := j.moment(page["asOf"])
	if asOf.Before(j.Sent.Truncate(time.Millisecond)) {
		// The catalogue answers where the platform's pages do not fit together.
		return j.catalogue(page["asOf"])
	}
	if asOf.After(j.Answered) {
		j.fail("a page that was answered at %v claims to be from %v", j.Answered, asOf)
	}
	return j.history.during(j.Sent, j.Answered)
}

// rows compares each row of the page with the platform's. It reports false if
// the platform never had one of them.
func (w Window) rows(j *Judge, page Object, shown []*version) (rows []*Row, complete bool) {
	complete = true
	nodes := Elements(page["nodes"])
	if w.Edges {
		nodes = nil
		for _, edge := range Elements(page["edges"]) {
			nodes = append(nodes, edge.(Object)["node"])
		}
	}
	seen := map[string]bool{}
	for _, node := range nodes {
		r := j.row(node, w.Selected, shown)
		if r == nil {
			complete = false
			continue
		}
		if seen[r.ID] {
			j.fail("lead %s is twice on a page", r.ID)
		}
		seen[r.ID] = true
		rows = append(rows, r)
	}
	return rows, complete
}

// misfit says how the page differs from the right page of a list. It returns an
// empty text if it does not differ. If the list has changed since the cursor was
// made, or the cursor's lead is gone, the page may begin anywhere.
func (w Window) misfit(page Object, rows, all []*Row, counted, changed bool) string {
	if counted && page["totalCount"] != float64(len(all)) {
		return fmt.Sprintf("the count is %v, not %d", page["totalCount"], len(all))
	}
	from, to := 0, min(w.Size, len(all))
	switch at := slices.IndexFunc(all, func(r *Row) bool { return r.ID == w.Anchor }); {
	case w.Cursor == "" && w.Backward:
		from, to = max(0, len(all)-w.Size), len(all)
	case w.Cursor == "":
	case at < 0 || changed:
		return w.misplaced(rows, all)
	case w.Backward:
		from, to = max(0, at-w.Size), at
	default:
		from, to = at+1, min(at+1+w.Size, len(all))
	}
	if !slices.EqualFunc(rows, all[from:to], sameLead) {
		return "the page holds other leads: " + unlike(rows, all[from:to])
	}
	info, _ := page["pageInfo"].(Object)
	next, previous := to < len(all), from > 0
	if from == to { // nothing follows an empty page in its direction
		next, previous = next && w.Backward, previous && !w.Backward
	}
	switch {
	case w.Next && info["hasNextPage"] != next:
		return "hasNextPage is wrong"
	case w.Previous && info["hasPreviousPage"] != previous:
		return "hasPreviousPage is wrong"
	}
	return ""
}

// unlike describes the first place in which two lists differ.
func unlike(got, want []*Row) string {
	for i := range min(len(got), len(want)) {
		if got[i].ID != want[i].ID {
			return fmt.Sprintf("%s instead of %s at place %d of %d", got[i].ID, want[i].ID, i, len(want))
		}
	}
	return fmt.Sprintf("%d instead of %d", len(got), len(want))
}

func sameLead(a, b *Row) bool { return a.ID == b.ID }

// misplaced checks that the rows are consecutive in the list and that there are
// as many as possible.
func (w Window) misplaced(rows, all []*Row) string {
	if len(rows) == 0 {
		return ""
	}
	from := slices.IndexFunc(all, func(r *Row) bool { return r.ID == rows[0].ID })
	if from < 0 || !slices.EqualFunc(rows, all[from:min(from+len(rows), len(all))], sameLead) {
		return "the leads are not consecutive"
	}
	if w.Backward && from > 0 && len(rows) < w.Size || !w.Backward && from+len(rows) < len(all) && len(rows) < w.Size {
		return "leads are missing at the end of the page"
	}
	return ""
}

// mixed checks a page that was read while the list changed. Some version must have
// each two neighbours in the order of the page.
func (w Window) mixed(j *Judge, rows []*Row, versions []*version) {
	for i := range len(rows) - 1 {
		a, b := rows[i].ID, rows[i+1].ID
		if !slices.ContainsFunc(versions, func(v *version) bool { return w.inOrder(v, a, b) }) {
			j.fail("the leads %s and %s of a page are not in order", a, b)
			return
		}
	}
}

// inOrder tells whether a version has one lead before another one. A version that
// has only one of them agrees with any order.
func (w Window) inOrder(v *version, a, b string) bool {
	first, second := v.row(a), v.row(b)
	switch {
	case first == nil || second == nil:
		return true
	case w.Field != "":
		return w.compare(first, second) < 0
	}
	return v.places[a] < v.places[b]
}
