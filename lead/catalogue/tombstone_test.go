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

func TestLocateRemembersForAnHour(t *testing.T) {
	t.Parallel()
	begun := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	s := catalogue.Build(someLeads("a", "b", "c"), begun, nil)
	locate := func() string {
		at, found := s.Select(nil, lead.Order{Field: lead.OrderTenantID}).Locate(lead.AnchorHash("b"), 99)
		return fmt.Sprint(at, found)
	}
	for _, step := range []struct {
		after time.Duration
		leads []*lead.Lead
		want  string
	}{
		{0, someLeads("a", "b", "c"), "1 true"},
		{time.Minute, someLeads("c", "a"), "1 false"},
		{time.Hour, someLeads("c", "aa", "a"), "2 false"},
		{time.Hour + time.Minute, someLeads("c"), "0 false"},
		{time.Hour + time.Minute + 1, someLeads("c"), "1 false"}, // forgotten: the ordinal within the list
		{2 * time.Hour, someLeads("b", "c"), "0 true"},
		{2 * time.Hour, someLeads("c"), "0 false"},
	} {
		s = catalogue.Build(step.leads, begun.Add(step.after), s)
		if got := locate(); got != step.want {
			t.Errorf("after %s at %s, want %s", step.after, got, step.want)
		}
	}
}

// The number of tombstones is limited, and those of the latest leads are kept.
func TestLocateRemembersTenThousand(t *testing.T) {
	t.Parallel()
	const most = 10_000
	gone := make([]string, most+50)
	for i := range gone {
		gone[i] = fmt.Sprint("gone-", i)
	}
	rest := []string{"x", "y", "z"}
	s := catalogue.Build(someLeads(slices.Concat(gone, rest)...), time.Time{}, nil)
	remembers := func(id string) bool { // otherwise Locate returns the ordinal
		at, _ := s.Select(nil, lead.Order{}).Locate(lead.AnchorHash(id), 1)
		return at == 0
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
	if at, found := s.Select(nil, lead.Order{}).Locate(lead.AnchorHash("b"), 0); at != 1 || found {
		t.Errorf("the lead that has disappeared is at %d, %v", at, found)
	}
}
