package walks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// change changes the platform at random, most often at the cursor's lead. The page is
// that of the cursor, whose lead comes first in it.
func (w *world) change(dice *rand.Rand, page []string, when string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var what string
	switch n := dice.IntN(10); {
	case n < 3:
		what = w.edit(dice, page)
	case n < 6:
		what = w.remove(dice, page)
	case n < 8:
		what = w.insert(dice, page)
	default:
		what = w.move(dice, page)
	}
	w.trace = append(w.trace, "    "+when+what)
}

// choose returns up to n leads that exist: four times in ten the cursor's own, twice of
// its page, otherwise any.
func (w *world) choose(dice *rand.Rand, page []string, n int) (chosen []*record) {
	place := dice.IntN(10)
	for range n {
		var r *record
		switch {
		case place < 4 && len(page) > 0 && chosen == nil:
			r = w.find(page[0])
		case place < 6 && len(page) > 0:
			r = w.find(page[dice.IntN(len(page))])
		case len(w.rows) > 0:
			r = w.rows[dice.IntN(len(w.rows))]
		}
		if r != nil && !r.gone && !slices.Contains(chosen, r) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

func (w *world) edit(dice *rand.Rand, page []string) string {
	chosen := w.choose(dice, page, 1+dice.IntN(3))
	var touched, edited []*record
	for _, r := range chosen {
		matched, value := w.list.matches(r), w.list.value(r)
		w.fill(r, dice)
		if dice.IntN(3) == 0 {
			r.tenant = w.rows[dice.IntN(len(w.rows))].tenant
		}
		if matched != w.list.matches(r) || value != w.list.value(r) {
			touched = append(touched, r)
		}
		if value != w.list.value(r) {
			edited = append(edited, r)
		}
		r.json = r.encode()
	}
	w.publish(touched...)
	for _, r := range edited {
		r.edited = w.changed
	}
	return "edited " + labels(chosen)
}

// remove removes leads; one time in six the whole page or the start of the list.
func (w *world) remove(dice *rand.Rand, page []string) string {
	var chosen []*record
	switch dice.IntN(12) {
	case 0:
		for _, id := range page {
			if r := w.find(id); r != nil && !r.gone {
				chosen = append(chosen, r)
			}
		}
	case 1:
		chosen = slices.Clone(w.rows[:min(len(w.rows), 1+dice.IntN(10))])
	default:
		chosen = w.choose(dice, page, 1+dice.IntN(3))
	}
	for _, r := range chosen {
		r.gone = true
	}
	w.rows = slices.DeleteFunc(slices.Clone(w.rows), func(r *record) bool { return r.gone })
	w.publish(chosen...)
	return "deleted " + labels(chosen)
}

// place returns a position: the start, the end, beside the cursor or anywhere.
func (w *world) place(dice *rand.Rand, page []string) int {
	switch n := dice.IntN(6); {
	case n == 0:
		return 0
	case n == 1:
		return len(w.rows)
	case n < 4 && len(page) > 0:
		if at := slices.IndexFunc(w.rows, func(r *record) bool { return r.id == page[0] }); at >= 0 {
			return at + dice.IntN(2)
		}
	}
	return dice.IntN(len(w.rows) + 1)
}

func (w *world) insert(dice *rand.Rand, page []string) string {
	at := w.place(dice, page)
	var added []*record
	for range 1 + dice.IntN(4) {
		added = append(added, w.give(dice))
	}
	w.rows = slices.Insert(slices.Clone(w.rows), at, added...)
	w.publish(added...)
	return fmt.Sprintf("inserted %s at %d", labels(added), at)
}

// move moves leads to the start or to the end.
func (w *world) move(dice *rand.Rand, page []string) string {
	chosen := w.choose(dice, page, 1+dice.IntN(2))
	rest := slices.DeleteFunc(slices.Clone(w.rows), func(r *record) bool { return slices.Contains(chosen, r) })
	where := "end"
	if dice.IntN(2) == 0 {
		where = "start"
		w.rows = slices.Concat(chosen, rest)
	} else {
		w.rows = slices.Concat(rest, chosen)
	}
	w.publish()
	for _, r := range chosen {
		r.moved = w.changed
	}
	return "moved to the " + where + " " + labels(chosen)
}

// arm makes a change happen after a number of calls of the platform, so that it falls
// into a reading. A nil dice disarms.
func (w *world) arm(dice *rand.Rand, calls int, page []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = nil
	if dice != nil {
		w.armed = &armed{calls: calls, dice: dice, page: page}
	}
}

// called counts a call of the platform.
func (w *world) called() {
	w.mu.Lock()
	due := w.armed
	if due != nil {
		if due.calls--; due.calls > 0 {
			due = nil
		} else {
			w.armed = nil
		}
	}
	w.mu.Unlock()
	if due != nil {
		w.torn.Store(true)
		w.change(due.dice, due.page, "while the platform was read: ")
	}
}

func labels(records []*record) string {
	if len(records) == 0 {
		return "nothing"
	}
	names := make([]string, len(records))
	for i, r := range records {
		names[i] = r.label
	}
	return strings.Join(names, " ")
}
