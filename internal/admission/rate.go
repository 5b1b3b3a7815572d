package admission

import "time"

const (
	// firstRate is assumed for each token until the rate is measured.
	firstRate = 1000.0
	// rateWindow is how long operations must have waited without a break for their
	// rate to count: without a queue it would be the rate of arrivals.
	rateWindow = 100 * time.Millisecond
)

// rate measures how many operations end in a second while others wait.
type rate struct {
	perSecond float64
	since     time.Time // zero while nothing waits
	ended     int
}

func (r *rate) begin(now time.Time) { r.since, r.ended = now, 0 }

func (r *rate) pause() { r.since = time.Time{} }

func (r *rate) count(now time.Time) {
	if r.since.IsZero() {
		return
	}
	r.ended++
	if took := now.Sub(r.since); took >= rateWindow {
		r.perSecond += (float64(r.ended)/took.Seconds() - r.perSecond) / 2
		r.begin(now)
	}
}
