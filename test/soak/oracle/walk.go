package oracle

import (
	"fmt"
	"strings"
	"time"
)

// Walk pages through a list, forward or backward. Its window is the next page.
type Walk struct {
	Window
	Begun        time.Time
	Pages        int
	met, anchors []string    // ids in the order in which they were answered; ids of the cursors' leads
	asOf         []time.Time // of the pages
	sizes        []int       // of the pages
}

// AtEnd tells whether a page is the last one.
func (w *Walk) AtEnd(page Object) bool {
	info, _ := page["pageInfo"].(Object)
	if w.Backward {
		return info["hasPreviousPage"] != true
	}
	return info["hasNextPage"] != true
}

// Advance notes the leads of a page and moves the window past it.
func (w *Walk) Advance(page Object) {
	w.Pages++
	edges := Elements(page["edges"])
	w.sizes = append(w.sizes, len(edges))
	ids := make([]string, len(edges))
	for i, edge := range edges {
		ids[i], _ = edge.(Object)["node"].(Object)["id"].(string)
	}
	if at, err := time.Parse(time.RFC3339Nano, Text(page["asOf"])); err == nil {
		w.asOf = append(w.asOf, at)
		w.Since = at
	}
	if len(ids) == 0 {
		return
	}
	info, _ := page["pageInfo"].(Object)
	if w.Anchor != "" {
		w.anchors = append(w.anchors, w.Anchor)
	}
	w.met = append(w.met, ids...)
	if w.Backward {
		w.Cursor, w.Anchor = Text(info["startCursor"]), ids[0]
		return
	}
	w.Cursor, w.Anchor = Text(info["endCursor"]), ids[len(ids)-1]
}

// Kind names what the walk goes through, for a report.
func (w *Walk) Kind() string {
	kind := "platform's order"
	switch {
	case w.Field != "":
		kind = w.Field
	case w.Tenants != nil:
		kind = "tenants"
	case w.Filter != nil:
		kind = "platform's order, filter"
	}
	if w.Backward {
		kind += ", backward"
	}
	return kind
}

// Trail describes the last pages: when they are from and how many leads they have.
func (w *Walk) Trail() string {
	const most = 12
	var pages []string
	for i := max(0, len(w.asOf)-most); i < min(len(w.asOf), len(w.sizes)); i++ {
		pages = append(pages, fmt.Sprintf("%s: %d", w.asOf[i].Format("05.000"), w.sizes[i]))
	}
	return strings.Join(pages, ", ")
}

// Verdict is what the oracle finds out about a walk.
type Verdict struct {
	Lost, Twice []string // leads that were not met, and that were met again without a reason
	Back        string   // says where asOf goes back; empty if it does not
	// Leads is the number of leads that the walk had to answer, and Repeats of how
	// many of them were answered again in the platform's own order after a change.
	Leads, Repeats int
	// Passed is the number of leads that were not answered and that another lead was
	// moved past. Nothing is promised for them.
	Passed int
}

// Right tells whether the walk kept every promise.
func (v Verdict) Right() bool { return len(v.Lost) == 0 && len(v.Twice) == 0 && v.Back == "" }

// JudgeWalk judges the leads and times that a walk met until it ended. A lead must be
// answered if it matches in every version since the first page was read, and keeps
// its sort value or, in the platform's own order, its place relative to the others.
// It must be answered once. Only in the platform's own order may it come again, if
// a cursor's lead went away or leads were moved.
func (h *History) JudgeWalk(w *Walk, ended time.Time) Verdict {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var v Verdict
	if at := w.backwards(); at > 0 {
		v.Back = fmt.Sprintf("from %v to %v at page %d", w.asOf[at-1], w.asOf[at], at+1)
	}
	versions := h.during(w.from(), ended)
	times := map[string]int{}
	for _, id := range w.met {
		times[id]++
	}
	steady, passed := w.steady(versions)
	mayRepeat := w.Field == "" && (!kept(versions, w.anchors, w.matches) || !sameOrder(versions))
	v.Leads = len(steady)
	for _, id := range steady {
		switch n := times[id]; {
		case n == 0:
			v.Lost = append(v.Lost, id)
		case n > 1 && !mayRepeat:
			v.Twice = append(v.Twice, id)
		case n > 1:
			v.Repeats++
		}
	}
	for _, id := range passed {
		if times[id] == 0 {
			v.Passed++
		}
	}
	return v
}

// from returns when leadgraph began to read the first page.
func (w *Walk) from() time.Time {
	if len(w.asOf) == 0 || w.asOf[0].After(w.Begun) {
		return w.Begun
	}
	return w.asOf[0]
}

// backwards returns the index of the first page that is older than the one before
// it, 0 if there is none.
func (w *Walk) backwards() int {
	for i := 1; i < len(w.asOf); i++ {
		if w.asOf[i].Before(w.asOf[i-1]) {
			return i
		}
	}
	return 0
}

// spareLeads and sparePages are how much more a walk may take than the list is long.
const (
	spareLeads = 500
	sparePages = 120 // more than the pages after which a walk no longer goes back
)

// Overdue says that a walk took more pages than any change of the list can explain:
// pages for three times all leads that the list had since the walk began.
func (h *History) Overdue(w *Walk) bool {
	if w.Pages <= sparePages {
		return false
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	ever := map[string]bool{}
	versions := h.during(w.from(), time.Now())
	for _, v := range versions {
		for id := range v.places {
			ever[id] = true
		}
	}
	return w.Pages > sparePages+(3*len(ever)+len(versions)+spareLeads)/max(w.Size, 1)
}
