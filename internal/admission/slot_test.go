package admission_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/admission"
)

func (c *crowd) slot(caller string) *admission.Slot {
	c.t.Helper()
	c.ask(c.t.Context(), caller, 1)
	select {
	case slot := <-c.slots:
		return slot
	default:
		c.t.Fatal("no token")
		return nil
	}
}

// TestWhoWaitsHoldsNothing lets operations wait for the platform. Others get the
// token meanwhile, and those that come back go first.
func TestWhoWaitsHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slow := c.slot("slow")
		slow.Away()
		c.want(admission.State{}, "slow")
		quick := c.slot("quick")
		c.ask(t.Context(), "quick", 1)
		back := make(chan struct{})
		go func() {
			slow.Back(t.Context())
			close(back)
		}()
		synctest.Wait()
		c.want(admission.State{Running: 1, Waiting: 2}, "quick")
		quick.Release()
		<-back
		c.want(admission.State{Running: 1, Waiting: 1})
		slow.Release()
		synctest.Wait()
		c.want(admission.State{Running: 1}, "quick")
		c.finish(1, 0)
		slow.Release() // has no effect
		c.want(admission.State{})
	})
}

// TestOperationsThatBeginAreNotHeldUp lets a hundred operations go on together.
func TestOperationsThatBeginAreNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		first := c.slot("a")
		for range 100 {
			go func() {
				section := first.Section()
				section.Enter(t.Context())
				section.Leave()
			}()
		}
		synctest.Wait()
		order := make(chan int, 2)
		go func() {
			slot, _ := c.door.Enter(t.Context(), "b")
			order <- c.door.State().Waiting
			slot.Release()
		}()
		synctest.Wait()
		first.Release()
		if left := <-order; left < 80 {
			t.Errorf("%d of 100 were still waiting", left)
		}
		synctest.Wait()
		c.order = nil
		c.want(admission.State{})
	})
}

// TestTokenIsHeldWhileAnyFieldComputes resolves two fields concurrently.
func TestTokenIsHeldWhileAnyFieldComputes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		running := func(want int) {
			t.Helper()
			if got := c.door.State().Running; got != want {
				t.Errorf("%d tokens are held, want %d", got, want)
			}
		}
		endA, endB := slot.Field(t.Context()), slot.Field(t.Context())
		slot.Away()
		running(1)
		slot.Away()
		running(0)
		endC := slot.Field(t.Context())
		running(1)
		endC()
		running(0)
		slot.Back(t.Context())
		running(1)
		endA()
		running(0) // the other one still waits
		slot.Back(t.Context())
		running(1)
		endB()
		running(1) // the operation itself goes on
		slot.Release()
		running(0)
	})
}

func TestTokenComesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		slot.Away()
		other := c.slot("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slot.Back(ctx)
		if ctx.Err() == nil {
			t.Error("it did not wait")
		}
		slot.Release()
		c.order = nil
		c.want(admission.State{Running: 1})
		other.Release()
		c.want(admission.State{})
	})
}

// TestMemoryIsReservedByPlannedCost also checks that nobody gets all of it, and
// that small operations do not overtake a large one forever.
func TestMemoryIsReservedByPlannedCost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 100, Queue: 3, Wait: time.Second, Tokens: 4})
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
		if len(more)+len(third)+len(fourth) != 0 {
			t.Error("small operations overtake large ones")
		}
		slot, refused := reserve("fifth", 1)
		if len(refused) != 1 || <-refused {
			t.Error("the queue has no bound")
		}
		slot.Release()
		large.Unload()
		if !<-more || !<-third || !<-fourth {
			t.Error("what was given back is lost")
		}
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

// wire answers with a body whose reads wait.
type wire struct{ reads chan struct{} }

func (w wire) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(w)}, nil
}

func (w wire) Read(p []byte) (int, error) {
	<-w.reads
	return len(p), nil
}

func TestAnswersOfThePlatformAreDecodedWithAToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		slot := c.slot("a")
		slot.Away()
		wire := wire{make(chan struct{})}
		request, err := http.NewRequestWithContext(admission.With(t.Context(), slot), http.MethodGet, "http://platform/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := admission.Wrap(wire).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		running := func(want int) {
			t.Helper()
			if got := c.door.State().Running; got != want {
				t.Errorf("%d tokens are held, want %d", got, want)
			}
		}
		for range 3 {
			go func() { _, _ = answer.Body.Read(make([]byte, 1)) }()
			synctest.Wait()
			running(0)
			wire.reads <- struct{}{}
			synctest.Wait()
			running(1)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
		running(0)
		slot.Release()
	})
}
