package changes_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/changes"
	"leadgraph/lead/leadtest"
)

// The difference between two lists leads from one to the other, in the same order, and does
// not fit a list in which one of its leads has other values.
func TestDifferencesLeadFromListToList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := &platform{asOf: time.Now()}
		p.change(t)
		p.change(t)
		before := p.read().All()
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			p.change(t)
		}
		now := p.read().All()
		d := changes.Between(before, now, nil, nil)
		got, fits := d.Apply(before)
		if !fits || !slices.EqualFunc(got, now, lead.Same) {
			t.Fatalf("fits %v, %v from %v, want %v: %+v", fits, leadtest.IDs(got), leadtest.IDs(before), leadtest.IDs(now), d.Runs)
		}
		if same := slices.EqualFunc(before, now, lead.Same); d.Empty() != same {
			t.Fatalf("empty is %v", d.Empty())
		}
		placed := 0
		for _, run := range d.Runs {
			placed += len(run.IDs)
		}
		if moved := fewestMoves(before, now); placed != moved {
			t.Fatalf("%d leads are placed, %d would do", placed, moved)
		}
		for i, c := range d.Changes {
			if c.Before == nil {
				continue
			}
			other := slices.Clone(before)
			at := slices.IndexFunc(other, func(l *lead.Lead) bool { return l.ID == c.Before.ID })
			other[at] = lead.Clone(other[at])
			other[at].Comments = append(other[at].Comments, "other")
			if _, fits := d.Apply(other); fits {
				t.Fatalf("change %d fits a lead with other values", i)
			}
		}
	})
}

// fewestMoves returns how many leads of a list must be placed to make it from another one,
// by the usual algorithm for the longest common subsequence.
func fewestMoves(before, now []*lead.Lead) int {
	common := make([][]int, len(before)+1)
	for i := range common {
		common[i] = make([]int, len(now)+1)
	}
	for i, b := range before {
		for j, n := range now {
			if common[i+1][j+1] = max(common[i][j+1], common[i+1][j]); b.ID == n.ID {
				common[i+1][j+1] = common[i][j] + 1
			}
		}
	}
	return len(now) - common[len(before)][len(now)]
}

// Differences that contradict themselves or the list are refused.
func TestDifferencesThatDoNotFit(t *testing.T) {
	t.Parallel()
	a, b, c := &lead.Lead{ID: "a"}, &lead.Lead{ID: "b"}, &lead.Lead{ID: "c"}
	list := []*lead.Lead{a, b}
	for name, d := range map[string]changes.Difference{
		"new, without a place":   {Changes: []changes.Change{{After: c}}},
		"new, but there":         {Changes: []changes.Change{{After: a}}, Runs: []changes.Run{{IDs: []string{"a"}}}},
		"changed, but not there": {Changes: []changes.Change{{Before: c, After: c}}},
		"gone, and placed":       {Changes: []changes.Change{{Before: a}}, Runs: []changes.Run{{IDs: []string{"a"}}}},
		"changed twice":          {Changes: []changes.Change{{Before: a, After: a}, {Before: a}}},
		"another lead":           {Changes: []changes.Change{{Before: a, After: b}}},
		"nothing":                {Changes: []changes.Change{{}}},
		"placed, but not there":  {Runs: []changes.Run{{IDs: []string{"c"}}}},
		"placed twice":           {Runs: []changes.Run{{IDs: []string{"a", "a"}}}},
		"placed after itself":    {Runs: []changes.Run{{After: "a", IDs: []string{"a"}}}},
		"placed after nobody":    {Runs: []changes.Run{{After: "c", IDs: []string{"a"}}}},
		"two runs at one place":  {Runs: []changes.Run{{IDs: []string{"a"}}, {IDs: []string{"b"}}}},
		"an empty run":           {Runs: []changes.Run{{After: "a"}}},
	} {
		if now, fits := d.Apply(list); fits {
			t.Errorf("%s: fits, and leads to %v", name, leadtest.IDs(now))
		}
	}
}
