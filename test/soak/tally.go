package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// tally counts what happened. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	kinds  map[string]*kindTally
	codes  map[string]int
	faults map[string]int
	// evidence of each sort of violation, and how many there were.
	evidence   map[string][]string
	violations map[string]int
	took       []time.Duration
	open       int // requests under way
	walks      int // that came to the end of a list
}

// kindTally counts the requests of a kind.
type kindTally struct {
	served, partial, refused, left int
	took                           []time.Duration
}

func newTally() *tally {
	return &tally{kinds: map[string]*kindTally{}, codes: map[string]int{}, faults: map[string]int{}, evidence: map[string][]string{}, violations: map[string]int{}}
}

// Sorts of violations.
const (
	wrongRows  = "wrong rows or errors"
	hung       = "hung requests"
	late       = "late answers"
	broken     = "broken answers"
	unhealthy  = "health checks that failed"
	leaks      = "leaks"
	indiscreet = "lines of the log that say too much"
	disorderly = "disorderly ends"
	vacuous    = "proofs of too little"
)

func sorts() []string {
	return []string{wrongRows, hung, late, broken, unhealthy, leaks, indiscreet, disorderly, vacuous}
}

// mostEvidence is how many violations of a sort are shown.
const mostEvidence = 5

// violation notes one.
func (t *tally) violation(sort, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations[sort]++
	if len(t.evidence[sort]) < mostEvidence {
		t.evidence[sort] = append(t.evidence[sort], time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	}
}

func (t *tally) fault(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults[name]++
}

func (t *tally) kind(name string) *kindTally {
	if t.kinds[name] == nil {
		t.kinds[name] = &kindTally{}
	}
	return t.kinds[name]
}

// begin counts a request that is under way until the function is called that it
// returns.
func (t *tally) begin() (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.open--
	}
}

func (t *tally) underWay() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

// answered counts an answer.
func (t *tally) answered(o operation, a answer, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kind(o.kind)
	k.took = append(k.took, took)
	t.took = append(t.took, took)
	whole := slices.ContainsFunc(o.parts, func(p part) bool { return a.Data[p.key] != nil })
	switch {
	case len(a.Errors) == 0:
		k.served++
	case whole:
		k.partial++
	default:
		k.refused++
	}
	for _, f := range a.Errors {
		t.codes[f.code()]++
	}
}

// left counts a client that left before it had its answer.
func (t *tally) left(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kind(kind).left++
}

func (t *tally) walked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.walks++
}

// failed tells whether anything was wrong.
func (t *tally) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.violations) > 0
}
