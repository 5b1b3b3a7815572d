package main

import (
	"context"
	"slices"
	"time"
)

// walk pages through a list, forward or backward, and looks whether it met each
// lead that it should.
func (l *load) walk(ctx context.Context, m *maker) {
	w := window{size: 100 + m.random.IntN(400), selected: pick(m.random, m.flat), next: true, previous: true, backward: m.one(3)}
	if m.one(2) {
		w.query, w.size = randomQuery(m.random, m.history), 20+m.random.IntN(200)
	}
	w.count = w.backward || m.one(2) // only the catalogue knows where the end is
	w.edges = true
	way := walk{window: w, begun: time.Now()}
	for ctx.Err() == nil {
		page, answered := way.step(ctx, l, m)
		if !answered {
			return // the platform is in trouble
		}
		if way.atEnd(page) {
			l.history.mu.RLock()
			wrong := way.judge(l.history, time.Now())
			l.history.mu.RUnlock()
			if wrong != "" {
				l.tally.violation(wrongRows, "a walk of %d pages by %d, backward %v: %s\nfilter %v, order %v", way.pages, w.size, w.backward, wrong, w.filter, w.order())
			}
			l.tally.walked()
			return
		}
	}
}

// walk is the way through a list.
type walk struct {
	window
	begun        time.Time
	pages        int
	met, anchors []string
	asOf         []time.Time // of the pages
}

func (w *walk) atEnd(page object) bool {
	info, _ := page["pageInfo"].(object)
	if w.backward {
		return info["hasPreviousPage"] != true
	}
	return info["hasNextPage"] != true
}

// step reads the next page, if need be several times.
func (w *walk) step(ctx context.Context, l *load, m *maker) (page object, answered bool) {
	for range 5 {
		o := newOperation("walk", false, m.windowPart("leads", w.window))
		answers := l.ask(context.WithoutCancel(ctx), request{way: byPost, operations: []operation{o}})
		if answers == nil {
			return nil, false
		}
		if page, answered = answers[0].Data["leads"].(object); answered && len(answers[0].Errors) == 0 {
			w.advance(page)
			return page, true
		}
		if !rest(ctx, 500*time.Millisecond) {
			return nil, false
		}
	}
	return nil, false
}

// advance goes on behind the page.
func (w *walk) advance(page object) {
	w.pages++
	edges := elements(page["edges"])
	ids := make([]string, len(edges))
	for i, edge := range edges {
		ids[i], _ = edge.(object)["node"].(object)["id"].(string)
	}
	if at, err := time.Parse(time.RFC3339Nano, textOf(page["asOf"])); err == nil {
		w.asOf = append(w.asOf, at)
	}
	if len(ids) == 0 {
		return
	}
	info, _ := page["pageInfo"].(object)
	if w.anchor != "" {
		w.anchors = append(w.anchors, w.anchor)
	}
	if w.backward {
		w.met = append(ids, w.met...)
		w.cursor, w.anchor = textOf(info["startCursor"]), ids[0]
		return
	}
	w.met = append(w.met, ids...)
	w.cursor, w.anchor = textOf(info["endCursor"]), ids[len(ids)-1]
}

// judge says what is wrong with what was met; empty if nothing is. No lead is met
// twice, and leads that were there all the time, from the oldest data of a page
// on, are met. The platform's own pages promise less while leads come and go:
// two that are read together can be of two moments, and behind a cursor whose
// lead is gone they go on where it was.
func (w *walk) judge(h *history, ended time.Time) string {
	versions := h.during(slices.MinFunc(append(w.asOf, w.begun), time.Time.Compare), ended)
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
		if always(r.id) && !seen[r.id] {
			return "lead " + r.id + " was not met"
		}
	}
	return ""
}
