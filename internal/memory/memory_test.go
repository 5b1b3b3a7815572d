package memory

import "testing"

func TestPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		usual   int
		reading bool
		live    uint64
		want    int
	}{
		{200, false, 0, 200},
		{200, false, 64 << 20, 200},
		{200, false, 100 << 20, 128},
		{200, false, 2 << 30, leastPercent},
		{200, true, 1 << 20, leastPercent},
		{200, true, 2 << 30, leastPercent},
		{50, false, 2 << 30, 50},
		{-1, true, 2 << 30, -1}, // the collector is off
	} {
		if got := percent(c.usual, c.reading, c.live); got != c.want {
			t.Errorf("percent(%d, %v, %d) = %d, want %d", c.usual, c.reading, c.live, got, c.want)
		}
	}
}

// Readings overlap if there are several catalogues.
func TestTunerCountsReadings(t *testing.T) { //nolint:paralleltest // the percentage is that of the process
	now := func() int { return int(read("/gc/gogc:percent")) }
	usual := now()
	tuner := NewTuner()
	first, second := tuner.Reading(), tuner.Reading()
	first()
	if got := now(); got != leastPercent {
		t.Errorf("%d %% during a reading", got)
	}
	second()
	if got := now(); got != usual {
		t.Errorf("%d %% after the readings, want %d", got, usual)
	}
	var none *Tuner
	none.Reading()()
}
