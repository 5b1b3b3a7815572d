package report

import (
	"fmt"
	"sync"
	"time"

	"leadgraph/test/soak/oracle"
)

// Tally counts what happens in a soak. It is safe for concurrent use.
type Tally struct {
	mu     sync.Mutex
	kinds  map[string]*kindTally
	codes  map[string]int
	faults map[string]int
	// attacks counts what others did to leadgraph.
	attacks map[string]int
	// violations counts the violations of each sort, and evidence describes the
	// first of them.
	violations map[string]int
	evidence   map[string][]string
	took       []time.Duration
	open       int                   // requests under way
	walks      map[string]*walkTally // that reached the end of a list, by kind
	changes    map[string]int        // of the platform's leads, by kind
	last       string                // what went wrong last, and when
}

// walkTally counts the walks of a kind.
type walkTally struct{ walks, pages, leads, repeats, passed int }

// kindTally counts the requests of a kind.
type kindTally struct {
	served, partial, refused, left int
	took                           []time.Duration
}

// NewTally returns an empty tally.
func NewTally() *Tally {
	return &Tally{kinds: map[string]*kindTally{}, codes: map[string]int{}, faults: map[string]int{}, attacks: map[string]int{}, evidence: map[string][]string{}, violations: map[string]int{},
		walks: map[string]*walkTally{}, changes: map[string]int{}}
}

// Sorts of violations.
const (
	WrongRows  = "wrong rows or errors"
	LostLeads  = "walks that lose leads"
	TwiceMet   = "walks that repeat leads without a reason"
	BackInTime = "walks that go back in time"
	Stuck      = "walks that cannot continue"
	Unending   = "walks that do not end"
	Hung       = "hung requests"
	Late       = "late answers"
	Broken     = "broken answers"
	Unhealthy  = "failed health checks"
	Leaks      = "leaks"
	LogLeaks   = "log lines that must not be there"
	BadEnds    = "disorderly ends"
	Besieged   = "failures under attack"
	TooLittle  = "too little tested"
)

func sorts() []string {
	return []string{WrongRows, LostLeads, TwiceMet, BackInTime, Stuck, Unending, Hung, Late, Broken, Unhealthy, Leaks, LogLeaks, BadEnds, Besieged, TooLittle}
}

// mostEvidence is the number of violations of a sort that the report describes.
const mostEvidence = 5

// Violation notes a violation.
func (t *Tally) Violation(sort, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations[sort]++
	if len(t.evidence[sort]) < mostEvidence {
		t.evidence[sort] = append(t.evidence[sort], time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...)+t.last)
	}
}

// Fault counts a fault.
func (t *Tally) Fault(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults[name]++
	t.last = time.Now().Format("\n(the last fault began at 15:04:05.000: ") + name + ")"
}

// Attack counts what others did to leadgraph.
func (t *Tally) Attack(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attacks[name]++
}

func (t *Tally) kind(name string) *kindTally {
	if t.kinds[name] == nil {
		t.kinds[name] = &kindTally{}
	}
	return t.kinds[name]
}

// Begin counts a request as under way. The caller calls end when it is not any
// more.
func (t *Tally) Begin() (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.open--
	}
}

// UnderWay returns the number of requests under way.
func (t *Tally) UnderWay() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

// Answered counts an answer. The caller says whether it has data for at least
// one root field.
func (t *Tally) Answered(kind string, a oracle.Answer, hasData bool, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kind(kind)
	k.took = append(k.took, took)
	t.took = append(t.took, took)
	switch {
	case len(a.Errors) == 0:
		k.served++
	case hasData:
		k.partial++
	default:
		k.refused++
	}
	for _, f := range a.Errors {
		t.codes[f.Code()]++
	}
}

// Left counts a client that left before it had the whole answer.
func (t *Tally) Left(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kind(kind).left++
}

// Walked counts a walk that reached the end of a list.
func (t *Tally) Walked(kind string, pages int, found oracle.Verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.walks[kind]
	if k == nil {
		k = &walkTally{}
		t.walks[kind] = k
	}
	k.add(walkTally{1, pages, found.Leads, found.Repeats, found.Passed})
}

func (k *walkTally) add(other walkTally) {
	k.walks, k.pages, k.leads = k.walks+other.walks, k.pages+other.pages, k.leads+other.leads
	k.repeats, k.passed = k.repeats+other.repeats, k.passed+other.passed
}

// Changed counts a change of the platform's leads.
func (t *Tally) Changed(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes[kind]++
}

// Failed tells whether there was a violation.
func (t *Tally) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.violations) > 0
}

// Violations returns the number of violations of a sort.
func (t *Tally) Violations(sort string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.violations[sort]
}

// Evidence describes the first violations of each sort.
func (t *Tally) Evidence() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(t.evidence)
}
