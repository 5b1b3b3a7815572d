package pagination_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead/leadtest"
)

// changer edits a server's list. It notes the rows that keep their place: those that are
// neither deleted nor moved.
type changer struct {
	*server
	t      *rapid.T
	steady map[string]bool
	fresh  int
	left   int // changes that are still to come
}

// change edits the list once, four times in ten at the row with the id.
func (c *changer) change(anchor string) {
	if c.left == 0 {
		return
	}
	c.left--
	at := rapid.IntRange(0, len(c.ids)).Draw(c.t, "at")
	if i := slices.Index(c.ids, anchor); i >= 0 && rapid.IntRange(0, 9).Draw(c.t, "at the anchor") < 4 {
		at = i
	}
	kind := rapid.SampledFrom([]string{"insert", "delete", "delete", "front", "end"}).Draw(c.t, "change")
	if at == len(c.ids) || kind == "insert" {
		c.fresh++
		c.ids = slices.Insert(slices.Clone(c.ids), at, fmt.Sprintf("new-%d", c.fresh))
		return
	}
	id := c.ids[at]
	c.steady[id] = false
	c.ids = slices.Delete(slices.Clone(c.ids), at, at+1)
	switch kind {
	case "front":
		c.ids = slices.Insert(c.ids, 0, id)
	case "end":
		c.ids = append(c.ids, id)
	}
}

// A walk over pages of the platform, over the whole list or over both by turns answers
// every row that stays where it is, whatever happens to the others between two pages
// and while pages are read, and it ends.
func TestWalksLoseNoRow(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"pages", "whole list", "both"} {
		for _, backward := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, backward %v", kind, backward), func(t *testing.T) {
				t.Parallel()
				rows, repeats := 0, 0
				leadtest.Walks(t, func(t *rapid.T) {
					r, again := walkOnce(t, kind, backward)
					rows, repeats = rows+r, repeats+again
				})
				t.Logf("%d of %d rows were repeated", repeats, rows)
			})
		}
	}
}

func walkOnce(t *rapid.T, kind string, backward bool) (rows, repeats int) {
	c := &changer{
		server: newServer(rapid.IntRange(1, 60).Draw(t, "rows"), rapid.SampledFrom([]int{7, 20, 1000}).Draw(t, "maximum")),
		t:      t, steady: map[string]bool{}, left: rapid.IntRange(0, 12).Draw(t, "changes"),
	}
	w := pagination.Window{List: plain, Size: rapid.IntRange(1, 9).Draw(t, "size")}
	for _, id := range c.ids {
		c.steady[id] = true
	}
	if w.Backward = backward; backward {
		w.Before = c.cut(pagination.Window{List: plain, Size: 1000}).EndCursor()
		c.steady[c.ids[len(c.ids)-1]] = false // the walk begins before it
	}
	seen := map[string]int{}
	anchor := ""
	for pages := 1; ; pages++ {
		c.between = nil
		if rapid.IntRange(0, 4).Draw(t, "while reading") == 0 {
			c.between = func() { c.change(anchor) }
		}
		var r pagination.Result[string]
		if kind == "whole list" || kind == "both" && rapid.Bool().Draw(t, "whole") {
			r = c.cut(w)
		} else {
			r = c.read(t, w, true)
		}
		for _, id := range r.Rows {
			if rows++; seen[id] > 0 {
				repeats++
			}
			seen[id]++
		}
		more := r.HasNextPage
		if w.After = r.EndCursor(); backward {
			more, w.After, w.Before = r.HasPreviousPage, nil, r.StartCursor()
		}
		if !more {
			break
		}
		if pages > 300 {
			t.Fatalf("the walk does not end: %v", seen)
		}
		if anchor = r.Rows[len(r.Rows)-1]; backward {
			anchor = r.Rows[0]
		}
		for range rapid.IntRange(0, 4).Draw(t, "changes between") {
			c.change(anchor)
		}
		if rapid.IntRange(0, 9).Draw(t, "the whole page goes") == 0 && c.left > 0 {
			c.ids = slices.DeleteFunc(slices.Clone(c.ids), func(id string) bool { return slices.Contains(r.Rows, id) })
			for _, id := range r.Rows {
				c.steady[id] = false
			}
		}
	}
	for id, steady := range c.steady {
		if steady && seen[id] == 0 {
			t.Fatalf("%s stayed where it is but was never answered: %v in %v", id, seen, c.ids)
		}
	}
	return rows, repeats
}
