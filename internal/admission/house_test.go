package admission_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/admission"
)

// TestMemoryIsReservedByPlannedCost also checks that nobody gets all of it, and
// that small operations do not overtake a large one forever.
func TestMemoryIsReservedByPlannedCost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 100, Queue: 3, Wait: time.Second, Tokens: 5})
		reserve := func(caller string, weight int) (slot *admission.Slot, reserved chan bool) {
			t.Helper()
			slot, reserved = c.slot(caller), make(chan bool, 1)
			go func() {
				ok, retryAfter := slot.Reserve(t.Context(), weight)
				if ok == (retryAfter > 0) {
					t.Errorf("reserved: %v, retry after %v", ok, retryAfter)
				}
				reserved <- ok
			}()
			synctest.Wait()
			return slot, reserved
		}
		large, _ := reserve("greedy", 1000) // counts as half of the house
		large.Away()
		c.order = nil
		c.want(admission.State{Inside: 50})
		_, more := reserve("greedy", 30) // would have more than three quarters
		c.order = nil
		c.want(admission.State{Inside: 50, Waiting: 1}) // without a token
		_, other := reserve("other", 45)
		if len(other) != 1 || !<-other {
			t.Error("one caller fills the house")
		}
		_, third := reserve("third", 20)
		_, fourth := reserve("fourth", 1) // it would fit
		_, fifth := reserve("fifth", 1)
		if len(more)+len(third)+len(fourth)+len(fifth) != 0 {
			t.Error("small operations overtake large ones")
		}
		for _, caller := range []string{"sixth", "greedy"} {
			slot, refused := reserve(caller, 1)
			if len(refused) != 1 || <-refused {
				t.Errorf("the queue of %s has no bound", caller)
			}
			slot.Release()
		}
		large.Unload()
		if !<-more || !<-third || !<-fourth || !<-fifth {
			t.Error("what was given back is lost")
		}
	})
}

// TestWhoWaitsOnItsOwnAccountGetsNobodyRefused lets one caller's operations wait for a
// slow platform, and as many others of this caller as may for these. The cores are idle
// and a quarter of the house is free, so nobody else is refused, now or later.
func TestWhoWaitsOnItsOwnAccountGetsNobodyRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const queue = 400
		c := newCrowd(t, admission.Options{InFlight: 100, Queue: queue, Wait: 10 * time.Second, Tokens: 1})
		reserved := make(chan bool, 10_000)
		reserve := func(caller string) *admission.Slot {
			t.Helper()
			slot := c.slot(caller)
			go func() {
				ok, _ := slot.Reserve(t.Context(), 1)
				if slot.Away(); !ok {
					slot.Release()
				}
				reserved <- ok
			}()
			synctest.Wait()
			return slot
		}
		var running []*admission.Slot
		for range 75 + queue/4 {
			running = append(running, reserve("slow"))
		}
		for range 12 { // two operations end in a second; the server can do more
			<-time.After(500 * time.Millisecond)
			running[0].Release()
			running = append(running[1:], reserve("slow"))
		}
		if waiting := c.door.State().Waiting; waiting != queue/4 {
			t.Errorf("%d of the slow caller's operations wait", waiting)
		}
		for len(reserved) > 0 {
			if !<-reserved {
				t.Error("one of them is refused")
			}
		}
		if c.door.Refuses("") || c.door.Refuses("other") {
			t.Error("the door refuses everybody")
		}
		for i := range 25 {
			slot := reserve(fmt.Sprint("other ", i))
			if !<-reserved {
				t.Error("no room for another caller")
			}
			running = append(running, slot)
		}
		computing := c.slot("busy")
		const others = queue / 4 // wait for the token, for a moment
		for i := range others {
			c.ask(t.Context(), fmt.Sprint("late ", i), 1)
		}
		if len(c.refused) > 0 {
			t.Errorf("%d of %d others are refused", len(c.refused), others)
		}
		computing.Release()
		for range others {
			c.finish(1, 0)
		}
		for _, slot := range running {
			slot.Release()
		}
		synctest.Wait()
	})
}

// TestWhoWaitsForThePlatformLeavesRoom lets too many operations wait for the
// platform: further ones get an answer only if memory has it.
func TestWhoWaitsForThePlatformLeavesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 4, Queue: 10, Wait: time.Second, Tokens: 4})
		var ends []func()
		for i, caller := range []string{"a", "b", "c", "d"} {
			slot := c.slot(caller)
			if ok, _ := slot.Reserve(t.Context(), 1); !ok {
				t.Fatal("refused")
			}
			slot.Away()
			ctx, done := slot.Calling(t.Context())
			field, fieldDone := slot.Calling(t.Context()) // another field; the operation counts once
			<-time.After(time.Second)
			for _, calling := range []context.Context{ctx, field} {
				if crowded := errors.Is(context.Cause(calling), admission.ErrCrowded); crowded != (i == 3) {
					t.Errorf("operation %d: %v", i, context.Cause(calling))
				}
			}
			fieldDone()
			ends = append(ends, func() { done(); slot.Back(t.Context()); slot.Release() })
		}
		for _, end := range ends {
			end()
		}
		c.order = nil
		c.want(admission.State{})
		slot := c.slot("e")
		ctx, done := slot.Calling(t.Context())
		<-time.After(time.Second)
		if ctx.Err() != nil {
			t.Error("those that have ended still count")
		}
		done()
		slot.Release()
	})
}
