package admission

import "time"

const (
	// firstRate is assumed for each token until the rate is measured.
	firstRate = 1000.0
	// rateWindow is how long operations must have waited without a break for their
	// rate to count: without a queue it would be the rate of arrivals.
	rateWindow = 100 * time.Millisecond
	// rateEnds is how many operations must have ended in the window, unless it is as long
	// as longestWindow: operations that have begun together end together, so few of them
	// say little.
	rateEnds      = 16
	longestWindow = time.Second
)

// rate measures how many operations end in a second while others wait.
type rate struct {
	perSecond float64
	since     time.Time // zero while nothing waits
	ended     int
	known     bool // perSecond was measured at least once
}

// line judges how many operations may wait for the same thing.
type line struct {
	rate    rate
	flooded bool // some were refused since operations have begun to wait
}

// press begins to measure the rate when operations wait, and ends it when none does.
func (l *line) press(waits bool) {
	switch {
	case !waits:
		l.rate.pause()
		l.flooded = false
	case l.rate.since.IsZero():
		l.rate.begin(time.Now())
	}
}

// The parts of the time that callers wait for which operations may wait to begin. With
// all of it, some would be refused because their time has passed in the queue, and not
// at once.
const (
	usualPart   = 0.75
	floodedPart = 0.25
)

// part returns the part of the time for which operations may wait now. Once one was
// refused it is less until nobody waits: where more come than can be answered, a long
// queue makes all of them wait and answers no more of them.
func (l *line) part() float64 {
	if l.flooded {
		return floodedPart
	}
	return usualPart
}

func (r *rate) begin(now time.Time) { r.since, r.ended = now, 0 }

func (r *rate) pause() { r.since = time.Time{} }

func (r *rate) count(now time.Time) {
	if r.since.IsZero() {
		return
	}
	r.ended++
	if took := now.Sub(r.since); took >= rateWindow && r.ended >= rateEnds || took >= longestWindow {
		measured := float64(r.ended) / took.Seconds()
		if r.known {
			measured = (measured + r.perSecond) / 2
		}
		r.perSecond, r.known = measured, true
		r.begin(now)
	}
}
