package httpd_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/internal/httpd"
)

// crowd requests slots from a limiter and holds each until it is released.
type crowd struct {
	t       *testing.T
	limiter *httpd.Limiter
	started chan func() // the release functions, in the order of the slots
	order   []string
	refused chan time.Duration
}

func newCrowd(t *testing.T, o httpd.LimiterOptions) *crowd {
	return &crowd{t, httpd.NewLimiter(o), make(chan func(), 1000), nil, make(chan time.Duration, 1000)}
}

// ask requests a slot and returns when the limiter has decided or the request
// waits.
func (c *crowd) ask(ctx context.Context, caller string, times int) {
	for range times {
		go func() {
			release, retryAfter := c.limiter.Acquire(ctx, caller)
			if release == nil {
				c.refused <- retryAfter
				return
			}
			c.order = append(c.order, caller) // no race: the test waits for each
			c.started <- release
		}()
		synctest.Wait()
	}
}

// finish ends the requests that have run the longest.
func (c *crowd) finish(times int) {
	for range times {
		(<-c.started)()
		synctest.Wait()
	}
}

func (c *crowd) want(state httpd.LimiterState, order ...string) {
	c.t.Helper()
	if got := c.limiter.State(); got != state {
		c.t.Errorf("%+v, want %+v", got, state)
	}
	if !slices.Equal(c.order, order) {
		c.t.Errorf("slots went to %v, want %v", c.order, order)
	}
	c.order = nil
}

func TestGreedyCallerDoesNotStarveOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, httpd.LimiterOptions{InFlight: 4, Queue: 210, Wait: time.Hour})
		c.ask(t.Context(), "greedy", 103)
		c.want(httpd.LimiterState{Running: 3, Waiting: 100}, "greedy", "greedy", "greedy")
		c.ask(t.Context(), "other", 1)
		c.want(httpd.LimiterState{Running: 4, Waiting: 100}, "other") // at once
		c.ask(t.Context(), "other", 2)
		c.ask(t.Context(), "third", 1)
		c.want(httpd.LimiterState{Running: 4, Waiting: 103})
		// Greedy holds three slots and gives back two. The first goes to third, which
		// holds none. Then all hold one, and greedy has waited the longest.
		c.finish(2)
		c.want(httpd.LimiterState{Running: 4, Waiting: 101}, "third", "greedy")
		c.finish(101 + 4)
		if state := c.limiter.State(); state != (httpd.LimiterState{}) || len(c.refused) > 0 {
			t.Errorf("%+v is left, %d refused", state, len(c.refused))
		}
	})
}

func TestSlotsGoRoundOverCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, httpd.LimiterOptions{InFlight: 1, Queue: 100, Wait: time.Hour})
		c.ask(t.Context(), "first", 1)
		for _, caller := range []string{"a", "b", "c"} {
			c.ask(t.Context(), caller, 3)
		}
		c.finish(10)
		c.want(httpd.LimiterState{}, "first", "a", "b", "c", "a", "b", "c", "a", "b", "c")
	})
}

// TestQueueHasRoomForWhoComesLate also checks the bound of the queue.
func TestQueueHasRoomForWhoComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, httpd.LimiterOptions{InFlight: 1, Queue: 8, Wait: time.Hour})
		c.ask(t.Context(), "greedy", 100)
		c.want(httpd.LimiterState{Running: 1, Waiting: 4}, "greedy")
		for i := range 3 {
			c.ask(t.Context(), fmt.Sprint("late ", i), 100)
		}
		c.want(httpd.LimiterState{Running: 1, Waiting: 8})
		if len(c.refused) != 95+98+99+99 {
			t.Errorf("%d refused", len(c.refused))
		}
		for len(c.refused) > 0 {
			if after := <-c.refused; after < time.Second || after >= 2*time.Second {
				t.Errorf("retry after %v", after)
			}
		}
		c.finish(9)
		c.want(httpd.LimiterState{}, "greedy", "late 0", "late 1", "late 2", "greedy", "late 0", "greedy", "greedy")
	})
}

func TestWithoutAQueueWhoFindsNoSlotIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, httpd.LimiterOptions{InFlight: 1, Wait: time.Hour})
		c.ask(t.Context(), "a", 2)
		c.want(httpd.LimiterState{Running: 1}, "a")
		c.finish(1)
		c.ask(t.Context(), "a", 1)
		c.want(httpd.LimiterState{Running: 1}, "a")
		c.finish(1)
	})
}

func TestWhoLeavesTheQueueIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, httpd.LimiterOptions{InFlight: 1, Queue: 8, Wait: time.Minute})
		c.ask(t.Context(), "a", 1)
		gone, leave := context.WithCancel(t.Context())
		c.ask(gone, "b", 3)
		c.ask(t.Context(), "c", 2)
		c.want(httpd.LimiterState{Running: 1, Waiting: 5}, "a")
		leave()
		synctest.Wait()
		c.want(httpd.LimiterState{Running: 1, Waiting: 2})
		<-time.After(time.Minute)
		synctest.Wait()
		c.want(httpd.LimiterState{Running: 1})
		if len(c.refused) != 5 {
			t.Errorf("%d left", len(c.refused))
		}
		c.finish(1)
		c.want(httpd.LimiterState{})
	})
}
