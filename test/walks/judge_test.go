package walks

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// fault is a broken rule of the guarantee.
type fault struct{ rule, text string }

// judge returns the rules that the finished walk breaks.
func (w *walk) judge() (all []fault) {
	w.world.arm(nil, 0, nil)
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	for _, rule := range []func() *fault{w.judgeTimes, w.judgeSizes, w.judgeRows, w.judgeOrder, w.judgeStill} {
		if broken := rule(); broken != nil {
			if w.world.torn.Load() {
				broken.rule += ", changed while the platform was read"
			}
			all = append(all, *broken)
		}
	}
	return all
}

// began returns the time since which every page may be expected to know the platform.
func (w *walk) began() time.Time { return w.pages[0].asOf }

func (w *walk) judgeTimes() *fault {
	for i, p := range w.pages[1:] {
		if p.asOf.Before(w.pages[i].asOf) {
			return &fault{"asOf", fmt.Sprintf("page %d is older than page %d", i+2, i+1)}
		}
	}
	return nil
}

// judgeSizes checks that no page is too long, and that a short one says that it is the
// last one.
func (w *walk) judgeSizes() *fault {
	for i, p := range w.pages {
		more := p.next
		if w.backward {
			more = p.previous
		}
		if len(p.ids) > p.size || len(p.ids) < p.size && more != nil && *more {
			return &fault{"size", fmt.Sprintf("page %d has %d leads", i+1, len(p.ids))}
		}
	}
	return nil
}

// stable says whether a lead has matched and kept its place since the walk began.
func (w *walk) stable(r *record) bool {
	return w.world.list.matches(r) && r.changed.Before(w.began()) &&
		(w.world.list.sorted() || r.moved.Before(w.began()))
}

// judged counts the stable leads.
func (w *walk) judged() (n int) {
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	for _, r := range w.world.all {
		if len(w.pages) > 0 && w.stable(r) {
			n++
		}
	}
	return n
}

// judgeRows checks that stable leads are answered, and those with one sort value only
// once.
func (w *walk) judgeRows() *fault {
	answers := w.answers()
	for id := range answers {
		if w.world.find(id) == nil && !w.began().Before(w.world.born) {
			return &fault{"invented", "lead " + id}
		}
	}
	var lost, repeated []*record
	for _, r := range w.world.all {
		if w.stable(r) && answers[r.id] == 0 {
			lost = append(lost, r)
		}
		if w.world.list.sorted() && answers[r.id] > 1 && r.edited.Before(w.began()) {
			repeated = append(repeated, r)
		}
	}
	switch {
	case lost != nil:
		return &fault{"lost", labels(lost)}
	case repeated != nil:
		return &fault{"repeated", labels(repeated)}
	}
	return nil
}

func (w *walk) answers() map[string]int {
	answers := map[string]int{}
	for _, p := range w.pages {
		for _, id := range p.ids {
			answers[id]++
		}
	}
	return answers
}

// repeats counts the answers of a lead beyond the first.
func (w *walk) repeats() (n int) {
	for _, times := range w.answers() {
		n += times - 1
	}
	return n
}

// rows returns what was answered, in the list's order.
func (w *walk) rows() (ids []string) {
	pages := slices.Clone(w.pages)
	if w.backward {
		slices.Reverse(pages)
	}
	for _, p := range pages {
		ids = append(ids, p.ids...)
	}
	return ids
}

// judgeOrder checks that the stable leads of a sorted list are in order.
func (w *walk) judgeOrder() *fault {
	if !w.world.list.sorted() {
		return nil
	}
	var last *record
	for _, id := range w.rows() {
		r := w.world.find(id)
		if r == nil || !w.stable(r) {
			continue
		}
		if last != nil && w.world.list.compare(last, r) >= 0 {
			return &fault{"order", r.label + " comes after " + last.label}
		}
		last = r
	}
	return nil
}

// judgeStill checks everything about a walk during which nothing changed.
func (w *walk) judgeStill() *fault {
	if !w.world.changed.Before(w.began()) {
		return nil
	}
	want := make([]string, 0, len(w.world.rows))
	for _, r := range w.world.expected() {
		want = append(want, r.id)
	}
	got := w.rows()
	if w.world.list.tenants != nil && !w.world.list.sorted() { // the platform's order needs a catalogue
		got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	}
	if !slices.Equal(got, want) {
		return &fault{"still", "nothing changed, but the list should be " + w.names(want)}
	}
	before := 0
	for i, p := range w.pages {
		left := len(want) - before - len(p.ids)
		behind, ahead := before > 0, left > 0
		if w.backward {
			behind, ahead = ahead, behind
		}
		switch {
		case left > 0 && len(p.ids) < p.size:
			return &fault{"size", fmt.Sprintf("page %d has %d leads though there are more", i+1, len(p.ids))}
		case p.next != nil && *p.next != ahead:
			return &fault{"hasNextPage", fmt.Sprintf("page %d", i+1)}
		case p.previous != nil && *p.previous != behind:
			return &fault{"hasPreviousPage", fmt.Sprintf("page %d", i+1)}
		case p.total != nil && *p.total != len(want):
			return &fault{"totalCount", fmt.Sprintf("page %d counts %d of %d", i+1, *p.total, len(want))}
		}
		before += len(p.ids)
	}
	return nil
}

func (w *walk) names(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = w.world.label(id)
	}
	return strings.Join(names, " ")
}
