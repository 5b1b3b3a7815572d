package oracle

import (
	"slices"
	"time"
)

// Walk pages through a list, forward or backward. Its window is the next page.
type Walk struct {
	Window
	Begun        time.Time
	Pages        int
	met, anchors []string
	asOf         []time.Time // of the pages
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
	ids := make([]string, len(edges))
	for i, edge := range edges {
		ids[i], _ = edge.(Object)["node"].(Object)["id"].(string)
	}
	if at, err := time.Parse(time.RFC3339Nano, Text(page["asOf"])); err == nil {
		w.asOf = append(w.asOf, at)
	}
	if len(ids) == 0 {
		return
	}
	info, _ := page["pageInfo"].(Object)
	if w.Anchor != "" {
		w.anchors = append(w.anchors, w.Anchor)
	}
	if w.Backward {
		w.met = append(ids, w.met...)
		w.Cursor, w.Anchor = Text(info["startCursor"]), ids[0]
		return
	}
	w.met = append(w.met, ids...)
	w.Cursor, w.Anchor = Text(info["endCursor"]), ids[len(ids)-1]
}

// JudgeWalk says what is wrong with the leads that a walk met. It returns an
// empty text if nothing is wrong. A walk must not meet a lead twice. It must meet
// each lead that was there from the oldest data of a page until the end.
//
// Pages read from the platform promise less while leads come and go. Two pages
// that are read together can show two moments. After a cursor whose lead is gone,
// a page continues where that lead was.
func (h *History) JudgeWalk(w *Walk, ended time.Time) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	versions := h.during(slices.MinFunc(append(w.asOf, w.Begun), time.Time.Compare), ended)
	always := func(id string) bool {
		return !slices.ContainsFunc(versions, func(v *version) bool { _, there := v.places[id]; return !there })
	}
	lost := !w.whole() && slices.ContainsFunc(w.anchors, func(id string) bool { return !always(id) })
	seen := map[string]bool{}
	for _, id := range w.met {
		if seen[id] && !lost {
			return "lead " + id + " was met twice"
		}
		seen[id] = true
	}
	if !w.whole() && len(versions) > 1 {
		return ""
	}
	for _, r := range w.all(versions[0]) {
		if always(r.ID) && !seen[r.ID] {
			return "lead " + r.ID + " was not met"
		}
	}
	return ""
}
