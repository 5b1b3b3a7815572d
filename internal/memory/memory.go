// Package memory sets how much garbage the process keeps: less, in proportion, if a large
// catalogue lives, and while one is read.
package memory

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// leastPercent is the garbage that is kept beside a large catalogue, in percent of
	// what lives. With 200, 100,000 leads take three times their memory.
	leastPercent = 100
	// plenty is the garbage in bytes that is always kept, so that the collector does not
	// run more often than with a small heap.
	plenty = 128 << 20
)

// Tuner sets the percentage of the garbage collector. Use one in a process. It is safe
// for concurrent use; nil does nothing.
type Tuner struct {
	usual int // percent for small heaps

	mu       sync.Mutex
	readings int
}

// NewTuner returns a tuner that never sets a higher percentage than the present one. Do
// not use it if the operator has chosen a percentage.
func NewTuner() *Tuner { return &Tuner{usual: int(read("/gc/gogc:percent"))} }

// Reading notes that a catalogue refresh begins. The function that it returns notes
// that it has ended.
func (t *Tuner) Reading() (done func()) {
	if t == nil {
		return func() {}
	}
	t.count(1)
	return func() { t.count(-1) }
}

func (t *Tuner) count(change int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readings += change
	debug.SetGCPercent(percent(t.usual, t.readings > 0, read("/gc/heap/live:bytes")))
}

// percent returns how much garbage to keep, in percent of the live bytes.
func percent(usual int, reading bool, live uint64) int {
	if reading {
		return min(usual, leastPercent) // what lives grows
	}
	return min(usual, max(leastPercent, int(100*plenty/max(live, 1))))
}

func read(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
