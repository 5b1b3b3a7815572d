// Package heap says when Go collects garbage.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// What the collector's goal is computed from, in bytes, as of its last cycle.
const (
	live    = "/gc/heap/live:bytes"
	stacks  = "/gc/scan/stack:bytes"
	globals = "/gc/scan/globals:bytes"
)

// Keep sets the GC percent for good. While so much garbage would make the heap smaller than
// floor bytes, more is allowed: a cycle costs what lives, and with a small heap there
// would be many. Beside a large heap less is allowed, down to a percent of 100. GOMEMLIMIT
// still applies.
func Keep(percent int, floor uint64) *Keeper {
	k := &Keeper{
		percent: percent, floor: floor,
		samples: []metrics.Sample{{Name: live}, {Name: stacks}, {Name: globals}},
	}
	k.adjust()
	k.watch()
	return k
}

// Keeper adjusts the GC percent after each cycle of the collector.
type Keeper struct {
	percent int
	floor   uint64
	samples []metrics.Sample
	set     int // the present GC percent
	stopped atomic.Bool
}

// Stop leaves the GC percent as it is.
func (k *Keeper) Stop() { k.stopped.Store(true) }

// watch calls adjust after each cycle of the collector.
func (k *Keeper) watch() {
	runtime.AddCleanup(new(mark), func(k *Keeper) {
		if !k.stopped.Load() {
			k.adjust()
			k.watch()
		}
	}, k)
}

// mark is garbage from the beginning. It has a pointer, or several would share a block of
// memory.
type mark struct{ _ *mark }

func (k *Keeper) adjust() {
	metrics.Read(k.samples)
	lives, rest := k.samples[0].Value.Uint64(), k.samples[1].Value.Uint64()+k.samples[2].Value.Uint64()
	want := percentFor(lives, rest, k.percent, k.floor)
	// Changing it stops the program for a moment.
	if want < k.set-k.set/8 || want > k.set+k.set/8 {
		debug.SetGCPercent(want)
		k.set = want
	}
}

// smallestHeap is the size in bytes below which Go does not collect with a GC percent of
// 100. It grows with the percent.
const smallestHeap = 4 << 20

// largePercent is the least GC percent of a large heap. With 200, a catalogue takes three
// times its memory.
const largePercent = 100

// mostGarbage is the garbage in bytes beside which less than percent is allowed.
const mostGarbage = 128 << 20

// percentFor returns the GC percent at which the heap grows to floor bytes, or percent if
// that is more. Beside the heap that lives, stacks and globals count. If percent would mean
// more than mostGarbage, it returns the percent that means as much, but at least
// largePercent.
func percentFor(lives, rest uint64, percent int, floor uint64) int {
	switch {
	case lives > 100*mostGarbage/uint64(percent):
		return min(percent, max(largePercent, int(100*mostGarbage/lives)))
	case lives >= floor:
		return percent
	}
	return max(percent, int(min(100*(floor-lives)/max(lives+rest, 1), 100*floor/smallestHeap)))
}
