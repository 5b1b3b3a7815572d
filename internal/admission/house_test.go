package admission_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
		sixth, seventh := c.slot("sixth"), c.slot("greedy")
		c.order = nil
		c.want(admission.State{Inside: 50, Running: 2})
		_, more := reserve("greedy", 30) // would have more than three quarters
		c.order = nil
		c.want(admission.State{Inside: 50, Running: 2, Waiting: 1}) // without a token
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
		for _, slot := range []*admission.Slot{sixth, seventh} {
			if ok, _ := slot.Reserve(t.Context(), 1); ok {
				t.Error("the queue has no bound")
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
// slow platform, and as many others of this caller as may for these. Further ones of this
// caller are refused at once. The cores are idle and a quarter of the house is free, so
// nobody else is refused, now or later.
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
		const ends = 12 // two operations in a second; the server can do more
		for range ends {
			<-time.After(500 * time.Millisecond)
			running[0].Release()
			running = running[1:]
			c.ask(t.Context(), "slow", 1) // would wait for 50 s
		}
		if waiting := c.door.State().Waiting; waiting > queue/4 || len(c.refused) < ends-2 {
			t.Errorf("%d of the slow caller's operations wait, %d are refused", waiting, len(c.refused))
		}
		for range len(c.refused) {
			<-c.refused
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

// TestAFullHouseRefusesAtTheDoor lets each operation take half of the house for 100 ms, so
// that ten of them end in half a second while tokens are free. An operation that
// could not be answered in time is refused at once, and none is that waits.
func TestAFullHouseRefusesAtTheDoor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 10, Queue: 1000, Wait: 2 * time.Second, Tokens: 4})
		var mu sync.Mutex
		answered := map[string]int{}
		come := func(caller string, times int) {
			for range times {
				go func() {
					slot, _ := c.door.Enter(t.Context(), caller)
					if slot == nil {
						c.refused <- 0
						return
					}
					if ok, _ := slot.Reserve(t.Context(), 5); !ok {
						t.Error("an operation is refused after it has waited")
					}
					slot.Away()
					<-time.After(100 * time.Millisecond)
					slot.Back(t.Context())
					slot.Release()
					mu.Lock()
					defer mu.Unlock()
					answered[caller]++
				}()
				synctest.Wait()
			}
		}
		for range 60 {
			come("a", 2) // 20 a second are as many as there can be
			come("b", 1)
			<-time.After(100 * time.Millisecond)
		}
		if waiting := c.door.State().Waiting; waiting < 1 || waiting > 30 {
			t.Errorf("%d wait", waiting)
		}
		<-time.After(4 * time.Second)
		synctest.Wait()
		if got := answered["a"] + answered["b"]; got < 110 || got+len(c.refused) != 180 {
			t.Errorf("%d answered, %d refused", got, len(c.refused))
		}
		if answered["b"] < 40 {
			t.Errorf("b got %d answers of %d", answered["b"], answered["a"]+answered["b"])
		}
	})
}
