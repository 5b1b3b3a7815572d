package catalogue_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

func someLeads(ids ...string) []*lead.Lead {
	leads := make([]*lead.Lead, len(ids))
	for i, id := range ids {
		leads[i] = &lead.Lead{ID: id, TenantID: id}
	}
	return leads
}

func TestFindRemembersForAnHour(t *testing.T) {
	t.Parallel()
	begun := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	s := catalogue.Build(someLeads("a", "b", "c"), begun, nil)
	find := func() string { return fmt.Sprint(s.Select(nil, lead.Order{}).Find(lead.AnchorHash("b"))) }
	for _, step := range []struct {
		after time.Duration
		leads []*lead.Lead
		want  string
	}{
		{0, someLeads("a", "b", "c"), "1 true true"},
		{time.Minute, someLeads("c", "a"), "2 false true"}, // after the lead that came before it
		{time.Hour, someLeads("c", "aa", "a"), "3 false true"},
		{time.Hour + time.Minute, someLeads("c"), "1 false true"},
		{time.Hour + time.Minute + 1, someLeads("c"), "0 false false"}, // forgotten
		{2 * time.Hour, someLeads("b", "c"), "0 true true"},
		{2 * time.Hour, someLeads("c"), "0 false true"},
	} {
		s = catalogue.Build(step.leads, begun.Add(step.after), s)
		if got := find(); got != step.want {
			t.Errorf("after %s at %s, want %s", step.after, got, step.want)
		}
	}
}

// The number of tombstones is limited, and those of the latest leads are kept.
func TestFindRemembersTenThousand(t *testing.T) {
	t.Parallel()
	const most = 10_000
	gone := make([]string, most+50)
	for i := range gone {
		gone[i] = fmt.Sprint("gone-", i)
	}
	rest := []string{"x", "y", "z"}
	s := catalogue.Build(someLeads(slices.Concat(gone, rest)...), time.Time{}, nil)
	remembers := func(id string) bool {
		at, _, known := s.Select(nil, lead.Order{}).Find(lead.AnchorHash(id))
		return at == 0 && known
	}
	s = catalogue.Build(someLeads(rest...), time.Time{}, s)
	if !remembers(gone[0]) || !remembers(gone[most-1]) || remembers(gone[most]) {
		t.Errorf("the first %d leads are not the ones remembered", most)
	}
	s = catalogue.Build(someLeads(rest[1:]...), time.Time{}, s)
	if !remembers("x") || !remembers(gone[most-2]) || remembers(gone[most-1]) {
		t.Error("the tombstone of the latest lead did not replace another")
	}
}

// A snapshot must not keep the previous one in memory, nor leads that have
// disappeared.
func TestBuildForgetsThePrevious(t *testing.T) {
	t.Parallel()
	s := catalogue.Build(someLeads("a", "b"), time.Time{}, nil)
	previous, gone := weak.Make(s), weak.Make(s.ByID("b"))
	s = catalogue.Build(someLeads("a"), time.Time{}, s)
	runtime.GC()
	if previous.Value() != nil || gone.Value() != nil {
		t.Error("the previous snapshot or its lead is still in memory")
	}
	if at, found, _ := s.Select(nil, lead.Order{}).Find(lead.AnchorHash("b")); at != 1 || found {
		t.Errorf("the lead that has disappeared is at %d, %v", at, found)
	}
}
