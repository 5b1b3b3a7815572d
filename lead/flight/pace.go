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
	// paceSteps is how many steps there are for each look at the clock, which takes as
	// long as several of them.
	paceSteps = 64
)

// Pace keeps a long computation in the background from holding a processor: it yields,
// and after each millisecond of work it sleeps. Yielding alone is not enough: on one
// processor the scheduler would return to the computation without looking at the
// network. Where more goroutines are ready than there are processors, each pause can take
// many times as long as the work between two of them, so work that somebody waits for
// makes none. The zero value makes all of them, and nil makes none. A Pace is not safe
// for concurrent use.
type Pace struct {
	urgent  func() bool // nil means never
	steps   int
	rested  time.Time // when the work was last resumed after a rest
	yielded time.Time // the same after a rest or a yield
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
	switch {
	case p.rested.IsZero():
		p.rested, p.yielded = now, now
	case now.Sub(p.rested) >= paceWork:
		<-time.After(paceRest)
		p.rested = time.Now()
		p.yielded = p.rested
	case now.Sub(p.yielded) >= paceYield:
		runtime.Gosched()
		p.yielded = time.Now()
	}
}
