package follower

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// The sorts of violations.
const (
	Lost     = "lost"
	Disorder = "out of order"
	Foreign  = "foreign"
	Repeated = "repeated without a reason"
	Resets   = "resets"
	BadEnds  = "disorderly ends of servers"
)

// Tally counts what happens. It is safe for concurrent use.
type Tally struct {
	mu         sync.Mutex
	counts     map[string]int
	violations map[string][]string
	took       []time.Duration
}

// NewTally returns an empty tally.
func NewTally() *Tally { return &Tally{counts: map[string]int{}, violations: map[string][]string{}} }

// Count counts an event that is no violation.
func (t *Tally) Count(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what]++
}

// Add notes a violation.
func (t *Tally) Add(sort, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations[sort] = append(t.violations[sort], time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// Took notes the time from a change of the platform until a follower has it.
func (t *Tally) Took(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took = append(t.took, d)
}

// Failed tells whether there were violations.
func (t *Tally) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.violations) > 0
}

// evidence is how many violations of a sort are shown.
const evidence = 10

// Show returns everything as a text in Markdown.
func (t *Tally) Show() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	b.WriteString("| what | times |\n|---|---|\n")
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		fmt.Fprintf(&b, "| %s | %d |\n", what, t.counts[what])
	}
	for _, sort := range []string{Lost, Disorder, Foreign, Repeated, Resets, BadEnds} {
		fmt.Fprintf(&b, "| **%s** | %d |\n", sort, len(t.violations[sort]))
	}
	if slices.Sort(t.took); len(t.took) > 0 {
		at := func(part float64) time.Duration {
			return t.took[int(part*float64(len(t.took)-1))].Round(time.Millisecond)
		}
		fmt.Fprintf(&b, "\nFrom a change of the platform until a follower has it: %v in the median, %v for 99 of 100, %v at most.\n", at(.5), at(.99), at(1))
	}
	for sort, texts := range t.violations {
		for _, text := range texts[:min(len(texts), evidence)] {
			fmt.Fprintf(&b, "\n- %s: %s", sort, text)
		}
	}
	return b.String() + "\n"
}
