package httpd

import (
	"context"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

const (
	// lookEvery is how often Follow adapts the number of slots. It is short enough to
	// react in time; each time takes less than a microsecond.
	lookEvery = 10 * time.Millisecond
	// looks is the number of samples whose minimum Follow uses. Requests that arrive
	// and are refused cause short peaks; operations that hold a slot and queue for a
	// core show up in every sample.
	looks = 5
	// readyEach is how many goroutines may wait for each core. With more the cores
	// hardly do more work; with fewer they are idle at times.
	readyEach = 4
)

// Follow adapts the number of slots to the load of the cores until ctx ends.
// Operations that wait for the platform use no core, and up to InFlight of them
// may run. Operations that compute queue for the cores in Go's scheduler, in order
// of arrival. New requests queue there too before any of our code runs, so a long
// queue would also delay the refusals.
func (l *Limiter) Follow(ctx context.Context) {
	if l.options.InFlight == 0 {
		return
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	ready, recent := runnable(), [looks]int{}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		recent[i%looks] = ready()
		l.follow(slices.Min(recent[:]), readyEach*runtime.GOMAXPROCS(0))
	}
}

// runnable returns a function that counts the goroutines waiting for a core.
func runnable() (count func() int) {
	sample := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	return func() int {
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}
}

// follow removes slots while more goroutines wait for a core than should. It
// restores them two at a time.
func (l *Limiter) follow(ready, should int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ready <= should {
		l.slots = min(l.slots+2, l.options.InFlight)
		l.admit()
		return
	}
	// Operations that do not wait for a core wait for the platform.
	enough := max(l.running-ready, 0) + should
	if enough < l.slots {
		l.slots -= (l.slots - enough + 1) / 2
	}
}
