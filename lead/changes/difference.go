package changes

import (
	"slices"
	"sort"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// Change is a lead before and after a revision. Before is nil if the lead is new, After if
// it is gone.
type Change struct{ Before, After *lead.Lead }

// Difference is what leads from one list of all leads to another, and also their order.
type Difference struct {
	// Changes are first the leads that are gone, then new and changed ones in the order of
	// the list. A lead that has only moved has not changed.
	Changes []Change
	// Runs say where the leads are that are new or have moved.
	Runs []Run
}

// Run is a row of leads that follow another one. After is the id of a lead that has not
// moved, or empty for the front of the list.
type Run struct {
	After string
	IDs   []string
}

// Empty reports whether the lists are the same.
func (d Difference) Empty() bool { return len(d.Changes) == 0 && len(d.Runs) == 0 }

// Between returns the difference between two lists. Leads in told count as changed even if
// they have the same values. Of several leads with the same id the first counts. The lists
// must have no other repetitions, and pace may be nil.
func Between(before, now []*lead.Lead, told map[string]struct{}, pace *flight.Pace) Difference {
	var rest []Change
	known, kept := index{leads: before}, make([]bool, len(before))
	rows, ids := make([]int, 0, len(now)), make([]string, 0, len(now)) // -1 for new leads
	fresh := map[string]struct{}{}
	for _, l := range now {
		pace.Step()
		row, found := known.find(l.ID)
		if found && kept[row] || isIn(fresh, l.ID) {
			continue
		}
		if !found {
			fresh[l.ID] = struct{}{}
			rest = append(rest, Change{After: l})
		} else if kept[row] = true; isIn(told, l.ID) || !lead.Same(before[row], l) { // fast for leads that share their memory
			rest = append(rest, Change{Before: before[row], After: l})
		}
		rows, ids = append(rows, row), append(ids, l.ID)
	}
	var gone []Change
	for row, is := range kept {
		if !is {
			gone = append(gone, Change{Before: before[row]})
		}
	}
	return Difference{Changes: append(gone, rest...), Runs: runsOf(rows, ids)}
}

func isIn(set map[string]struct{}, id string) bool {
	_, is := set[id]
	return is
}

// index finds rows by ids. It is fast if they are asked for in the order of the list.
type index struct {
	leads []*lead.Lead
	next  int // the row after the last one
	rows  map[string]int
}

// find returns the row of an id, or -1.
func (x *index) find(id string) (row int, found bool) {
	if x.next < len(x.leads) && x.leads[x.next].ID == id {
		x.next++
		return x.next - 1, true
	}
	if x.rows == nil {
		x.rows = make(map[string]int, len(x.leads))
		for row, l := range x.leads {
			x.rows[l.ID] = row
		}
	}
	if row, found = x.rows[id]; !found {
		return -1, false
	}
	x.next = row + 1
	return row, true
}

// runsOf returns the fewest leads that must be placed to get from one order to another. rows
// are the rows that the leads had before, or -1.
func runsOf(rows []int, ids []string) (runs []Run) {
	stays, last, open := rising(rows), "", false
	for i, id := range ids {
		if stays[i] {
			last, open = id, false
			continue
		}
		if !open {
			runs, open = append(runs, Run{After: last}), true
		}
		run := &runs[len(runs)-1]
		run.IDs = append(run.IDs, id)
	}
	return runs
}

// rising marks a longest sequence of rows that rises. It leaves out -1.
func rising(rows []int) []bool {
	marks, before := make([]bool, len(rows)), make([]int, len(rows))
	var ends []int // by length, where the sequence ends that ends with the lowest row
	for i, row := range rows {
		if row < 0 {
			continue
		}
		n := len(ends)
		if n > 0 && rows[ends[n-1]] > row {
			n = sort.Search(n, func(k int) bool { return rows[ends[k]] >= row })
		}
		if before[i] = -1; n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = before[i] {
			marks[i] = true
		}
	}
	return marks
}

// Apply returns the list that the difference leads to. It reports false if the difference
// does not fit the list. The list is not changed.
func (d Difference) Apply(before []*lead.Lead) (now []*lead.Lead, fits bool) {
	e := edit{changes: make(map[string]Change, len(d.Changes)), placed: map[string]*lead.Lead{}, following: map[string][]string{}}
	if !e.learn(d) {
		return nil, false
	}
	stay, matched := make([]*lead.Lead, 0, len(before)), 0
	for _, l := range before {
		next := l
		if c, changed := e.changes[l.ID]; changed {
			if c.Before == nil || !lead.Same(c.Before, l) {
				return nil, false
			}
			matched++
			next = c.After
		}
		_, moves := e.placed[l.ID]
		switch {
		case moves && next == nil:
			return nil, false
		case moves:
			e.placed[l.ID] = next
		case next != nil:
			stay = append(stay, next)
		}
	}
	created := slices.ContainsFunc(d.Changes, func(c Change) bool {
		return c.Before == nil && e.placed[c.After.ID] != c.After
	})
	if created || matched != e.altered {
		return nil, false
	}
	now = e.list(stay)
	return now, len(now) == len(stay)+len(e.placed)
}

// edit applies a difference.
type edit struct {
	changes   map[string]Change
	altered   int                   // how many of the changes have a lead before
	placed    map[string]*lead.Lead // those of runs; nil until they are found
	following map[string][]string   // runs
}

// learn reports whether a difference does not contradict itself.
func (e *edit) learn(d Difference) bool {
	for _, run := range d.Runs {
		if _, repeated := e.following[run.After]; repeated || len(run.IDs) == 0 {
			return false
		}
		e.following[run.After] = run.IDs
		for _, id := range run.IDs {
			if _, repeated := e.placed[id]; repeated {
				return false
			}
			e.placed[id] = nil
		}
	}
	for _, c := range d.Changes {
		either := c.After
		if c.Before != nil {
			either = c.Before
			e.altered++
		}
		if either == nil || c.After != nil && c.After.ID != either.ID {
			return false
		}
		if _, repeated := e.changes[either.ID]; repeated {
			return false
		}
		e.changes[either.ID] = c
		if _, placed := e.placed[either.ID]; c.Before == nil && placed {
			e.placed[either.ID] = c.After
		}
	}
	return true
}

// list returns the leads that stay with those that are placed. It leaves out placed leads
// that are not known, or that follow none that stays.
func (e *edit) list(stay []*lead.Lead) []*lead.Lead {
	now := make([]*lead.Lead, 0, len(stay)+len(e.placed))
	follow := func(id string) {
		for _, next := range e.following[id] {
			if l := e.placed[next]; l != nil {
				now = append(now, l)
			}
		}
	}
	follow("")
	for _, l := range stay {
		now = append(now, l)
		follow(l.ID)
	}
	return now
}
