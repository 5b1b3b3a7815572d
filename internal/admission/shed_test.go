package admission_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/admission"
)

// TestFewOperationsAreRefusedLate has the operations of one caller queue for the platform
// all the time, more of them than may be refused after they have begun. Another caller's
// are not refused.
func TestFewOperationsAreRefusedLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := admission.New(admission.Options{InFlight: 4, Queue: 100, Wait: time.Second, Tokens: 100})
		enter := func(caller string) *admission.Slot {
			slot, _ := door.Enter(t.Context(), caller)
			return slot
		}
		for range 3 {
			slot := enter("greedy")
			_, done := slot.Calling(t.Context())
			t.Cleanup(done)
		}
		const perSecond = 20_000
		late, early := 0, 0
		second := func() {
			late, early = 0, 0
			for range perSecond {
				<-time.After(time.Second / perSecond)
				slot := enter("greedy")
				if slot == nil {
					early++
					continue
				}
				calling, done := slot.Calling(t.Context())
				admission.Queue(calling)
				if context.Cause(calling) == admission.ErrCrowded { //nolint:errorlint // it is compared with itself
					late++
				}
				done()
				slot.Release()
			}
		}
		second()
		second()
		if most := 2 * 200 * runtime.GOMAXPROCS(0); late > most || late < 10 {
			t.Errorf("%d of %d were refused late, %d before they began", late, perSecond, early)
		}
		if other := enter("modest"); other == nil {
			t.Error("another caller is refused")
		} else {
			calling, done := other.Calling(t.Context())
			admission.Queue(calling)
			if calling.Err() != nil {
				t.Error("another caller may not wait for the platform")
			}
			done()
			other.Release()
		}
		<-time.After(10 * time.Second)
		for range 2 {
			if slot := enter("greedy"); slot != nil {
				slot.Release()
			}
		}
		if door.Sheds("greedy") {
			t.Error("the caller is refused although nothing is refused late any more")
		}
	})
}
