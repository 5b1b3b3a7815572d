package catalogue_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// TestUpheavalLosesNoLead moves every pair of a list's leads to its ends after a page of it
// was answered, and deletes every set of leads. The rest of the walk answers all others,
// whatever the catalogue has seen before.
func TestUpheavalLosesNoLead(t *testing.T) {
	t.Parallel()
	const all = "abcdef"
	before := catalogue.Build(someLeads(strings.Split(all, "")...), time.Time{}, nil)
	for moves := range 4 * len(all) * len(all) {
		list, moved := all, ""
		for n, id := range []byte{all[moves/4%len(all)], all[moves/4/len(all)]} {
			moved += string(id)
			if list = strings.Replace(list, string(id), "", 1); moves>>n&1 == 0 {
				list = string(id) + list
			} else {
				list += string(id)
			}
		}
		for deleted := range 1 << len(all) {
			left := strings.Map(func(id rune) rune {
				if deleted>>strings.IndexRune(all, id)&1 == 1 {
					return -1
				}
				return id
			}, list)
			now := catalogue.Build(someLeads(strings.Split(left, "")...), time.Time{}, before)
			for size := 1; size <= 3; size++ {
				for _, backward := range []bool{false, true} {
					if lost := lostAfter(before, now, moved, size, backward); lost != "" {
						t.Fatalf("the list was %s and is %s, pages of %d, backward %t: %s never came", all, left, size, backward, lost)
					}
				}
			}
		}
	}
}

// lostAfter returns the leads that neither the first page of a list nor the rest of the
// walk has, except those that moved or are gone.
func lostAfter(before, now *catalogue.Snapshot, moved string, size int, backward bool) (lost string) {
	first := pagination.Cut(pagination.Window{Size: size, Backward: backward}, before.Select(nil, lead.Order{}))
	w := pagination.Window{Size: now.Len(), Backward: backward, After: first.EndCursor()}
	if backward {
		w.After, w.Before = nil, first.StartCursor()
	}
	shown := leadtest.IDs(slices.Concat(first.Rows, pagination.Cut(w, now.Select(nil, lead.Order{})).Rows))
	for _, l := range now.All() {
		if !strings.Contains(moved, l.ID) && !slices.Contains(shown, l.ID) {
			lost += l.ID
		}
	}
	return lost
}
