package flight

import "time"

// A pace rests for a fifth of the time. Requests wait for a processor at most as long as
// it works in one piece. The clock is read once in several steps, because that takes as
// long as many of them.
const (
	paceWork  = time.Millisecond
	paceRest  = 250 * time.Microsecond
	paceSteps = 64
)

// Pace keeps a long computation in the background from holding a processor: after each
// millisecond of work it sleeps. Yielding is not enough: on one processor the scheduler
// would continue the computation without looking at the network. The zero value is
// ready. A Pace is not safe for concurrent use.
type Pace struct {
	steps int
	since time.Time // when the current piece of work began
}

// Step is called between small pieces of work, each of at most a few µs.
func (p *Pace) Step() {
	if p.steps++; p.steps%paceSteps == 0 {
		p.Rest()
	}
}

// Rest is like Step, for a piece of work of any length.
func (p *Pace) Rest() {
	now := time.Now()
	switch {
	case p.since.IsZero():
		p.since = now
	case now.Sub(p.since) >= paceWork:
		time.Sleep(paceRest)
		p.since = time.Now()
	}
}
