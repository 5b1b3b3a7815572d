package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		lives, rest uint64
		want        int
	}{
		{0, 0, 1600}, {mib, mib, 1600}, {4 * mib, 0, 1500}, {4 * mib, 4 * mib, 750}, {16 * mib, 0, 300},
		{22 * mib, 0, 200}, {33 * mib, 0, 200}, {64 * mib, 0, 200}, {66 * mib, 0, 193}, {100 * mib, 0, 128}, {128 * mib, 0, 100}, {1 << 40, mib, 100},
	} {
		if got := percentFor(c.lives, c.rest, 200, 64*mib); got != c.want {
			t.Errorf("%d and %d bytes: %d %%, want %d %%", c.lives, c.rest, got, c.want)
		}
	}
}

// TestHeapGrowsToTheFloor makes garbage and counts the cycles of the collector. It runs
// alone, because the percent is that of the process.
func TestHeapGrowsToTheFloor(t *testing.T) { //nolint:paralleltest // see above
	const floor, garbage = 64 << 20, 1 << 30
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	k := Keep(100, floor)
	defer k.Stop()
	runtime.GC()
	cycles := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(cycles)
	before := cycles[0].Value.Uint64()
	for range garbage >> 16 {
		sink = make([]byte, 1<<16)
	}
	metrics.Read(cycles)
	// With 100 % and next to nothing that lives, there would be one in 4 MiB: 256.
	if n := cycles[0].Value.Uint64() - before; n > 2*garbage/floor || n == 0 {
		t.Errorf("%d cycles", n)
	}
}

var sink []byte
