package projection

import (
	"testing"

	"leadgraph/graph/generated"
)

// counted is a plan that counts how often it writes.
type counted struct {
	plan
	writes int
}

func newCounted(text string) *counted {
	c := &counted{}
	c.write = func(o *output, _ any) {
		c.writes++
		o.bytes = append(o.bytes, text...)
	}
	return c
}

// textOf returns what once writes.
func textOf(t *texts, c *counted, list []*generated.LeadChange, arguments ...map[string]any) string {
	out := &output{free: &buffers{}, arguments: arguments}
	t.once(&c.plan, out, list)
	return string(out.bytes)
}

// A list is written once for each plan and arguments, also if the memory of the first
// answer is used for another one.
func TestTextsAreWrittenOnce(t *testing.T) {
	t.Parallel()
	all := newTexts()
	one, other := newCounted("one"), newCounted("other")
	list, like := []*generated.LeadChange{{}, {}}, []*generated.LeadChange{{}, {}}
	for range 3 {
		out := &output{free: &buffers{}}
		all.once(&one.plan, out, list)
		if string(out.bytes) != "one" {
			t.Errorf("got %s", out.bytes)
		}
		if out.free != nil {
			copy(out.bytes, "xxx")
		}
	}
	if one.writes != 1 {
		t.Errorf("%d writes of one list", one.writes)
	}
	for i, again := range []func() string{
		func() string { return textOf(all, other, list) },
		func() string { return textOf(all, one, like) },
		func() string { return textOf(all, one, list[:1]) },
		func() string { return textOf(all, one, list, map[string]any{"a": 1}) },
		func() string { return textOf(all, one, list, map[string]any{"a": 2}) },
	} {
		before := one.writes + other.writes
		first, second := again(), again()
		if first != second || one.writes+other.writes != before+1 {
			t.Errorf("case %d: %s and %s in %d writes", i, first, second, one.writes+other.writes-before)
		}
	}
	empty := newCounted("[]")
	for range 2 {
		if got := textOf(all, empty, nil); got != "[]" {
			t.Errorf("an empty list is %s", got)
		}
	}
	if empty.writes != 2 {
		t.Errorf("an empty list took %d writes", empty.writes)
	}
}

// The texts are bounded in bytes. The one that was not used for longest goes first, and
// failures are not kept.
func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	all, large := newTexts(), newCounted(string(make([]byte, longestText)))
	used := []*generated.LeadChange{{}}
	for range 40 {
		textOf(all, large, used)
		textOf(all, large, []*generated.LeadChange{{}})
		if all.bytes > maxTextBytes || all.bytes != all.lru.Len()*longestText {
			t.Fatalf("%d bytes of %d lists", all.bytes, all.lru.Len())
		}
	}
	if large.writes != 41 || all.lru.Len() != maxTextBytes/longestText {
		t.Errorf("%d writes, %d lists", large.writes, all.lru.Len())
	}
	before := all.bytes
	if textOf(all, newCounted(string(make([]byte, longestText+1))), used); all.bytes != before {
		t.Errorf("%d bytes", all.bytes)
	}
	failing := newCounted("half")
	failing.write = func(o *output, _ any) { failing.writes++; o.fail(ended) }
	textOf(all, failing, used)
	textOf(all, failing, used)
	if failing.writes != 2 {
		t.Error("a failure is kept")
	}
}
