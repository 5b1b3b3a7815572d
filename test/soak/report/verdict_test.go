package report

import (
	"strings"
	"testing"

	"leadgraph/test/soak/child"
)

var walked = map[string]*walkTally{"tenants": {walks: 1}}

func TestLeaksAreNoticed(t *testing.T) {
	t.Parallel()
	before := child.Vitals{Goroutines: 20, Files: 10, Heap: 20 << 20, RSS: 80 << 20}
	for name, test := range map[string]struct {
		change func(*Summary)
		sort   string
	}{
		"none":       {func(*Summary) {}, ""},
		"goroutines": {func(s *Summary) { s.After.Goroutines = 30 }, Leaks},
		"files":      {func(s *Summary) { s.After.Files = 30 }, Leaks},
		"heap":       {func(s *Summary) { s.After.Heap = 100 << 20 }, Leaks},
		"memory":     {func(s *Summary) { s.Peak.RSS = 300 << 20 }, Leaks},
		"too much":   {func(s *Summary) { s.MostRSS, s.Limit = 513<<20, 512<<20 }, Leaks},
		"enough":     {func(s *Summary) { s.Peak.RSS, s.MostRSS, s.Limit = 500<<20, 512<<20, 512<<20 }, ""},
	} {
		tally := NewTally()
		tally.walks, tally.faults = walked, map[string]int{"a": 1, "b": 1, "c": 1}
		s := Summary{Before: before, Early: before, Peak: before, After: before}
		test.change(&s)
		tally.Conclude(s)
		if test.sort == "" && tally.Failed() || test.sort != "" && tally.Violations(test.sort) != 1 {
			t.Errorf("%s: %s", name, tally.Evidence())
		}
	}
}

func TestSoaksThatTestTooLittleAreNoticed(t *testing.T) {
	t.Parallel()
	faults := map[string]int{"a": 1, "b": 1, "c": 1}
	for name, test := range map[string]struct {
		tally *Tally
		want  string
	}{
		"enough":           {&Tally{walks: walked, faults: faults, kinds: map[string]*kindTally{"lead": {served: 5, refused: 5}}}, ""},
		"few are answered": {&Tally{walks: walked, faults: faults, kinds: map[string]*kindTally{"lead": {served: 4, refused: 5}}}, "4 of 9"},
		"no walk":          {&Tally{faults: faults}, "walk"},
		"no fault":         {&Tally{walks: walked}, "wrong"},
	} {
		if got := test.tally.tooLittle(); !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
