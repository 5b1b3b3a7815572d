package httpd

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// lookEvery is how often the slots follow the cores: often enough to be in time,
	// and some microseconds of work.
	lookEvery = 10 * time.Millisecond
	// readyEach is how many goroutines may wait for each core. Operations that
	// compute take one to three milliseconds, so that who comes next, if only to be
	// refused, waits for less than ten.
	readyEach = 4
)

// Follow lets the slots follow the cores until ctx ends. Operations that wait for
// the platform cost nothing and may be as many as InFlight. Those that compute
// queue for the cores in Go's scheduler, in order of arrival and before any code
// of ours sees a request: more of them at a time get no more done, and have those
// who are refused wait as well.
func (l *Limiter) Follow(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	ready := runnable()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		l.follow(ready(), readyEach*runtime.GOMAXPROCS(0))
	}
}

// runnable counts the goroutines that wait for a core.
func runnable() (count func() int) {
	sample := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	return func() int {
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}
}

// follow takes slots away while more goroutines wait for a core than should, and
// gives them back one at a time.
func (l *Limiter) follow(ready, should int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ready <= should {
		l.slots = min(l.slots+1, l.options.InFlight)
		l.admit()
		return
	}
	// Those that do not wait for a core wait for the platform.
	enough := max(l.running-ready, 0) + should
	if enough < l.slots {
		l.slots -= (l.slots - enough + 1) / 2
	}
}
