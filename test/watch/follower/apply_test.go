package follower

import (
	"maps"
	"slices"
	"testing"

	"leadgraph/test/watch/world"
)

// history is a world with one lead that was edited, and its states as changes show them.
func history(t *testing.T) (all *world.World, states []*Lead) {
	t.Helper()
	all, err := world.Start(t.Context(), 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all.Close() })
	for range 400 {
		all.Change()
	}
	longest := ""
	for id := range all.Now(nil) {
		if len(all.States(id)) > len(all.States(longest)) {
			longest = id
		}
	}
	for _, s := range all.States(longest) {
		states = append(states, &Lead{longest, s.Label, s.Status})
	}
	return all, states
}

// TestViolationsAreFound applies changes to a copy that has state 1 of a lead.
func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	all, states := history(t)
	other := *states[2]
	other.Status = "elsewhere"
	foreign := Lead{"nobody", "v1", "ACTIVE"}
	updated := func(from, to int) Change { return Change{Kind: "UPDATED", Before: states[from], Lead: states[to]} }
	id := states[0].ID
	for name, test := range map[string]struct {
		statuses []string
		changes  []Change
		want     []string
	}{
		"in order":          {nil, []Change{updated(1, 2), updated(2, 4)}, nil},
		"older than listed": {nil, []Change{updated(0, 1), updated(1, 2)}, nil},
		"a gap":             {nil, []Change{updated(1, 2), updated(3, 4)}, []string{Lost}},
		"back":              {nil, []Change{updated(2, 4), updated(1, 2)}, []string{Disorder}},
		"twice":             {nil, []Change{updated(1, 2), updated(1, 2)}, []string{Disorder}},
		"no change":         {nil, []Change{updated(1, 2), updated(2, 2)}, []string{Repeated}},
		"created again":     {nil, []Change{updated(1, 2), {Kind: "CREATED", Lead: states[3]}}, []string{Lost}},
		"not removed":       {nil, []Change{updated(1, 2), {Kind: "REMOVED", Before: states[2], RemovedID: id}}, []string{Foreign}},
		"never so":          {nil, []Change{{Kind: "UPDATED", Before: states[1], Lead: &other}}, []string{Foreign}},
		"nobody":            {nil, []Change{{Kind: "CREATED", Lead: &foreign}}, []string{Foreign}},
		"does not match":    {[]string{"elsewhere"}, []Change{updated(1, 2)}, []string{Foreign}},
		"wrong kind":        {nil, []Change{{Kind: "ENTERED", Before: states[1], Lead: states[2]}}, []string{Foreign}},
	} {
		f := &Follower{World: all, Tally: NewTally(), Statuses: test.statuses, has: map[string]*copied{id: {place: 1, here: true}}}
		for _, c := range test.changes {
			f.apply(c)
		}
		if got := slices.Sorted(maps.Keys(f.Tally.violations)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v: %v", name, got, test.want, f.Tally.violations)
		}
	}
}

// TestCopiesAreCompared checks that a copy with another state, with a lead too many or without one is not in step.
func TestCopiesAreCompared(t *testing.T) {
	t.Parallel()
	all, states := history(t)
	right := map[string]*copied{}
	for id := range all.Now(nil) {
		right[id] = &copied{place: len(all.States(id)) - 1, here: true}
	}
	f := &Follower{World: all, Tally: NewTally(), has: right}
	if err := f.InStep(); err != nil {
		t.Error(err)
	}
	id := states[0].ID
	for _, wrong := range []copied{{place: 0, here: true}, {place: len(states) - 1}} {
		has := maps.Clone(right)
		has[id] = &wrong
		if f := (&Follower{World: all, Tally: NewTally(), has: has}); f.InStep() == nil {
			t.Errorf("%+v is in step", wrong)
		}
	}
	right["another"] = &copied{here: true}
	if f.InStep() == nil {
		t.Error("a lead too many")
	}
}
