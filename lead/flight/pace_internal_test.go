package flight

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLongPausesMakeLongWork: the clock of synctest cannot make a pause longer, so the test
// sets how long the last one took.
func TestLongPausesMakeLongWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p Pace
		p.Rest()
		p.pause = 5 * time.Millisecond
		for i := range 6 {
			begun := time.Now()
			p.Rest()
			if rested := time.Since(begun) > 0; rested != (i == 5) {
				t.Errorf("rests: %v, after %d ms", rested, i)
			}
			<-time.After(time.Millisecond)
		}
		if p.pause > paceWork {
			t.Errorf("a short pause counts as %v", p.pause)
		}
	})
}
