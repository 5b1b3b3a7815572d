package flight_test

import (
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead/flight"
)

// Work rests after each millisecond, however long its steps are.
func TestPaceRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p flight.Pace
		rested := func(step func(), work time.Duration) time.Duration {
			<-time.After(work)
			begun := time.Now()
			step()
			return time.Since(begun)
		}
		if got := rested(p.Rest, time.Hour); got != 0 {
			t.Errorf("rests for %v before its work has begun", got)
		}
		for range 3 {
			if got := rested(p.Rest, time.Millisecond-1); got != 0 {
				t.Errorf("rests for %v after less than a millisecond", got)
			}
			if got := rested(p.Rest, 1); got == 0 {
				t.Error("does not rest after a millisecond")
			}
		}
		var total time.Duration
		for range 1000 {
			total += rested(p.Step, 20*time.Microsecond)
		}
		if total == 0 || total > 10*time.Millisecond {
			t.Errorf("rests for %v in 20 ms of small steps", total)
		}
	})
}
