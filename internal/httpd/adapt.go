package httpd

import (
	"context"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

const (
	// lookEvery is how often the slots follow the cores: often enough to be in time,
	// and less than a microsecond of work.
	lookEvery = 10 * time.Millisecond
	// looks are how many the smallest is taken of: what arrives and is refused makes
	// peaks, what has a slot and queues for a core stands.
	looks = 5
	// readyEach is how many goroutines may stand in the queue of each core. With more
	// the cores do hardly more, with fewer they idle.
	readyEach = 4
)

// Follow lets the slots follow the cores until ctx ends. Operations that wait for
// the platform cost nothing and may be as many as InFlight. Those that compute
// queue for the cores in Go's scheduler, in order of arrival and before any code
// of ours sees a request, so that those who are refused wait behind them.
func (l *Limiter) Follow(ctx context.Context) {
	if l.options.InFlight == 0 {
		return
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	ready, standing := runnable(), [looks]int{}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		standing[i%looks] = ready()
		l.follow(slices.Min(standing[:]), readyEach*runtime.GOMAXPROCS(0))
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
// gives them back two at a time.
func (l *Limiter) follow(ready, should int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ready <= should {
		l.slots = min(l.slots+2, l.options.InFlight)
		l.admit()
		return
	}
	// Those that do not wait for a core wait for the platform.
	enough := max(l.running-ready, 0) + should
	if enough < l.slots {
		l.slots -= (l.slots - enough + 1) / 2
	}
}
