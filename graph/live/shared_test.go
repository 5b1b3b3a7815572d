package live_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"leadgraph/graph/live"
	"leadgraph/lead"
	"leadgraph/lead/changes"
)

// Streams that show the same changes in the same way get the same list. Whatever makes a
// difference to what is shown makes another list.
func TestStreamsShareLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := changes.NewLog(changes.Options{})
		publish(log, 3, "a")
		shared := live.NewShared()
		for name, test := range map[string]struct {
			adjust func(*live.Stream)
			same   bool
		}{
			"same":                       {func(*live.Stream) {}, true},
			"another caller, no cursors": {func(s *live.Stream) { s.Caller = "other" }, true},
			"no personal data":           {func(s *live.Stream) { s.Personal = false }, false},
			"names of fields":            {func(s *live.Stream) { s.Wants.Changed = true }, false},
			"cursors":                    {func(s *live.Stream) { s.Wants.Cursor = true }, false},
			"edges":                      {func(s *live.Stream) { s.Wants.Edge = true }, false},
			"filter":                     {func(s *live.Stream) { s.Filter = &lead.Filter{TenantIDs: []string{"t"}} }, false},
			"nothing shared":             {func(s *live.Stream) { s.Shared = nil }, false},
			"another server":             {func(s *live.Stream) { s.Shared = live.NewShared() }, false},
		} {
			streams := [2]*live.Stream{newStream(log), newStream(log)}
			for _, s := range streams {
				s.Shared, s.Wants, s.Personal = shared, live.Wants{}, true
			}
			test.adjust(streams[1])
			first, _ := run(t.Context(), streams[0])
			second, _ := run(t.Context(), streams[1])
			<-first
			<-second
			publish(log, 3, name)
			a, b := (<-first).Changes, (<-second).Changes
			if (&a[0] == &b[0]) != test.same {
				t.Errorf("%s: shared %v", name, !test.same)
			}
		}
		callers := [2]*live.Stream{newStream(log), newStream(log)}
		for i, s := range callers {
			s.Shared, s.Caller = shared, strings.Repeat("c", i+1)
		}
		first, _ := run(t.Context(), callers[0])
		second, _ := run(t.Context(), callers[1])
		<-first
		<-second
		publish(log, 1, "cursors")
		if a, b := (<-first).Changes, (<-second).Changes; &a[0] == &b[0] {
			t.Error("callers share the cursors of each other")
		}
	})
}
