package flight

import (
	"context"
	"runtime"
	"time"
)

const (
	// paceYield is how long goroutines that are ready wait at most for the processor, and
	// paceWork how long a request that has just arrived does. In between, the work rests
	// for paceRest, or on an idle processor for a millisecond, the runtime's shortest wait.
	paceYield = 200 * time.Microsecond
	paceWork  = time.Millisecond
	paceRest  = 250 * time.Microsecond
	// paceMost is how long work lasts at most that does not look at the network: the
	// scheduler preempts it then.
	paceMost = 10 * time.Millisecond
	// paceSteps is how many steps there are for each look at the clock, which takes as
	// long as several of them.
	paceSteps = 64
)

// Pace keeps a long computation in the background from holding a processor: it yields,
// and after each millisecond of work it sleeps. Yielding alone is not enough: on one
// processor the scheduler would return to the computation without looking at the
// network. Where more goroutines are ready than there are processors, each pause can take
// many times as long as the work between two of them. So work that somebody waits for
// makes none, and other work lasts as long as the pause before it, within bounds. The zero value makes all of them, and nil makes none. A Pace is not safe
// for concurrent use.
type Pace struct {
	urgent  func() bool // nil means never
	steps   int
	resumed time.Time     // when the work went on after a pause
	worked  time.Duration // since the last rest, without what came after the last yield
	pause   time.Duration // how long the last one took, at most paceMost
}

// NewPace returns a Pace for shared work with this context. It makes no pauses while a
// caller waits for the work.
func NewPace(ctx context.Context) *Pace {
	urgent, _ := ctx.Value(urgentKey{}).(func() bool)
	return &Pace{urgent: urgent}
}

// Step is called between pieces of work of less than a microsecond.
func (p *Pace) Step() {
	if p == nil {
		return
	}
	if p.steps++; p.steps%paceSteps == 0 {
		p.Rest()
	}
}

// Rest is called between longer pieces of work.
func (p *Pace) Rest() {
	if p == nil || p.urgent != nil && p.urgent() {
		return
	}
	now := time.Now()
	since := now.Sub(p.resumed)
	switch {
	case p.resumed.IsZero():
	case p.worked+since >= max(paceWork, p.pause):
		<-time.After(paceRest)
		p.worked = 0
	case since >= max(paceYield, p.pause):
		runtime.Gosched()
		p.worked += since
	default:
		return
	}
	p.resumed = time.Now()
	p.pause = min(p.resumed.Sub(now), paceMost)
}
