package admission_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/internal/admission"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// crowd lets operations enter and keeps their slots.
type crowd struct {
	t       *testing.T
	door    *admission.Door
	order   []string // the callers, as they got their tokens
	slots   chan *admission.Slot
	refused chan time.Duration
}

func newCrowd(t *testing.T, o admission.Options) *crowd {
	return &crowd{t, admission.New(o), nil, make(chan *admission.Slot, 10_000), make(chan time.Duration, 10_000)}
}

// ask lets operations of a caller enter one after the other, and returns when each
// has a token, waits or is refused.
func (c *crowd) ask(ctx context.Context, caller string, times int) {
	for range times {
		go func() {
			slot, retryAfter := c.door.Enter(ctx, caller)
			if slot == nil {
				c.refused <- retryAfter
				return
			}
			c.order = append(c.order, caller) // no race: the test waits for each
			c.slots <- slot
		}()
		synctest.Wait()
	}
}

// finish ends the operations that got their tokens first.
func (c *crowd) finish(times int, each time.Duration) {
	for range times {
		<-time.After(each)
		(<-c.slots).Release()
		synctest.Wait()
	}
}

// finishAll ends all operations, also those that get their tokens meanwhile.
func (c *crowd) finishAll(each time.Duration) {
	for len(c.slots) > 0 {
		c.finish(1, each)
	}
}

func (c *crowd) want(state admission.State, order ...string) {
	c.t.Helper()
	if got := c.door.State(); got != state {
		c.t.Errorf("%+v, want %+v", got, state)
	}
	if !slices.Equal(c.order, order) {
		c.t.Errorf("tokens went to %v, want %v", c.order, order)
	}
	c.order = nil
}

func one(wait time.Duration) admission.Options {
	return admission.Options{InFlight: 1000, Queue: 10_000, Wait: wait, Tokens: 1}
}

// TestTimeIsSharedByCallers lets one caller ask for much more than another, whose
// operations take a quarter of the time.
func TestTimeIsSharedByCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		c.ask(t.Context(), "greedy", 200)
		c.ask(t.Context(), "modest", 200)
		used := map[string]time.Duration{}
		for range 100 {
			took := time.Millisecond
			if c.order[len(c.order)-1] == "greedy" {
				took *= 4
			}
			used[c.order[len(c.order)-1]] += took
			c.finish(1, took)
		}
		if ratio := float64(used["greedy"]) / float64(used["modest"]); ratio < 0.8 || ratio > 1.25 {
			t.Errorf("used %v", used)
		}
		c.finishAll(0)
	})
}

// TestCallersTakeTurns also checks that a latecomer does not wait for those who
// came before.
func TestCallersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Hour))
		c.ask(t.Context(), "first", 1)
		c.ask(t.Context(), "a", 100)
		c.want(admission.State{Running: 1, Waiting: 100}, "first")
		c.finish(11, time.Millisecond)
		c.order = nil
		c.ask(t.Context(), "late", 1)
		c.finish(2, time.Millisecond)
		if !slices.Contains(c.order, "late") {
			t.Errorf("tokens went to %v", c.order)
		}
		c.finishAll(time.Millisecond)
		c.order = nil
		c.want(admission.State{})
	})
}

// measured lets the door measure a rate of ten operations in a second.
func (c *crowd) measured() {
	c.t.Helper()
	refused := len(c.refused)
	c.ask(c.t.Context(), "a", 2)
	for range 100 {
		c.ask(c.t.Context(), "a", 1)
		c.finish(1, 100*time.Millisecond)
	}
	if len(c.refused) > refused {
		c.t.Fatal("operations were refused although they could be answered")
	}
}

// TestWhatCannotBeAnsweredInTimeIsRefused measures the rate first: ten operations
// in a second. Then not more may wait, and what waits is never refused.
func TestWhatCannotBeAnsweredInTimeIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Second))
		c.measured()
		c.ask(t.Context(), "a", 100)
		waiting := c.door.State().Waiting
		if waiting < 6 || waiting > 10 {
			t.Errorf("%d wait", waiting)
		}
		refused := len(c.refused)
		if !c.door.Refuses("a") || c.door.Refuses("b") {
			t.Error("the door refuses a latecomer or not those who have their share")
		}
		for range refused {
			if after := <-c.refused; after < time.Second || after >= 2*time.Second {
				t.Errorf("retry after %v", after)
			}
		}
		for range waiting {
			c.finish(1, 100*time.Millisecond)
		}
		if len(c.refused) > 0 {
			t.Errorf("%d were refused after they had waited", len(c.refused))
		}
		c.finishAll(0)
	})
}

// TestLatecomersHaveRoom fills the queue of one caller. Others still get their share, until
// there are twice as many as can be answered in time.
func TestLatecomersHaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Second))
		c.measured()
		c.ask(t.Context(), "a", 100)
		waiting := c.door.State().Waiting
		for i := range 100 {
			c.ask(t.Context(), fmt.Sprint("late ", i), 1)
		}
		if all := c.door.State().Waiting; all < waiting || all > 2*waiting+2 {
			t.Errorf("%d wait", all)
		}
		if !c.door.Refuses("") {
			t.Error("there is room for anybody")
		}
		<-time.After(time.Second)
		synctest.Wait()
		if waiting := c.door.State().Waiting; waiting != 0 {
			t.Errorf("%d wait after their time", waiting)
		}
		c.finishAll(0)
	})
}

// TestQueueIsShortWhileMoreComeThanCanBeAnswered keeps asking after operations were
// refused. Until nobody waits, a quarter of the time is enough to wait.
func TestQueueIsShortWhileMoreComeThanCanBeAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Second))
		c.measured()
		for range 50 {
			c.ask(t.Context(), "a", 10)
			c.finish(1, 100*time.Millisecond)
		}
		c.ask(t.Context(), "a", 10)
		if waiting := c.door.State().Waiting; waiting < 1 || waiting > 3 {
			t.Errorf("%d wait", waiting)
		}
		c.finishAll(100 * time.Millisecond)
		c.measured()
		c.ask(t.Context(), "a", 5)
		if waiting := c.door.State().Waiting; waiting < 5 {
			t.Errorf("%d wait although the server is no longer overloaded", waiting)
		}
		c.finishAll(0)
	})
}

func TestWithoutAQueueWhoFindsNoTokenIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, admission.Options{InFlight: 10, Wait: time.Hour, Tokens: 1})
		c.ask(t.Context(), "a", 2)
		c.want(admission.State{Running: 1}, "a")
		c.finish(1, 0)
		c.ask(t.Context(), "a", 1)
		c.want(admission.State{Running: 1}, "a")
		c.finish(1, 0)
	})
}

func TestWhoLeavesIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, one(time.Minute))
		c.ask(t.Context(), "a", 1)
		gone, leave := context.WithCancel(t.Context())
		c.ask(gone, "b", 3)
		c.ask(t.Context(), "c", 2)
		c.want(admission.State{Running: 1, Waiting: 5}, "a")
		leave()
		synctest.Wait()
		c.want(admission.State{Running: 1, Waiting: 2})
		<-time.After(time.Minute)
		synctest.Wait()
		c.want(admission.State{Running: 1})
		if len(c.refused) != 5 {
			t.Errorf("%d left", len(c.refused))
		}
		c.finish(1, 0)
		c.want(admission.State{})
	})
}
