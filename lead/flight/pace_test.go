package flight_test

import (
	"context"
	"errors"
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

// TestPaceOfUrgentWork lets callers come and go, with a seat and without one.
func TestPaceOfUrgentWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		work, rests := make(chan struct{}), make(chan bool)
		f := flight.Start(t.Context(), t.Context(), time.Hour, func(ctx context.Context) (int, error) {
			pace := flight.NewPace(ctx)
			for range work {
				pace.Rest()
				<-time.After(time.Minute)
				begun := time.Now()
				pace.Rest()
				rests <- time.Since(begun) > 0
			}
			return 1, nil
		})
		want := func(rest bool) {
			t.Helper()
			synctest.Wait()
			work <- struct{}{}
			if got := <-rests; got != rest {
				t.Errorf("rests: %v", got)
			}
		}
		want(true)
		ctx, leave := context.WithCancel(flight.Unhurried(t.Context()))
		left := make(chan error)
		go func() { left <- f.Outlast(ctx) }()
		want(true)
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for _, wait := range []func(context.Context) error{
			f.Outlast,
			func(ctx context.Context) error { f.Join(); _, err := f.Wait(ctx); return err },
			func(ctx context.Context) error { f.Join(); _, err := f.WaitOrLetFinish(ctx); return err },
		} {
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error)
			go func() { left <- wait(ctx) }()
			want(false)
			leave()
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			want(true)
		}
		close(work)
		if value, err := f.Wait(t.Context()); value != 1 || err != nil {
			t.Errorf("%d, %v", value, err)
		}
	})
}
