package flight_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead/flight"
)

// obedient is work that takes a second and ends at once when cancelled.
func obedient(ctx context.Context) (int, error) {
	select {
	case <-time.After(time.Second):
		return 42, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestFlightIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := flight.Start(t.Context(), t.Context(), time.Minute, obedient)
		for range 99 {
			if !f.Join() {
				t.Fatal("Join() = false while the work runs")
			}
			go func() {
				if got, err := f.Wait(t.Context()); got != 42 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
			}()
		}
		if got, err := f.Wait(t.Context()); got != 42 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		synctest.Wait()
		if !f.Ended() || f.Join() {
			t.Error("callers can join a flight that has ended")
		}
	})
}

func TestFlightSurvivesItsStarter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		starter, leave := context.WithCancel(t.Context())
		f := flight.Start(context.WithoutCancel(starter), starter, time.Minute, obedient)
		f.Join()
		leave()
		if _, err := f.Wait(starter); !errors.Is(err, context.Canceled) {
			t.Errorf("the starter got %v", err)
		}
		if got, err := f.Wait(t.Context()); got != 42 || err != nil {
			t.Errorf("the other caller got %d, %v", got, err)
		}
	})
}

func TestFlightIsCancelledWhenTheLastCallerLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		f := flight.Start(t.Context(), t.Context(), time.Minute, obedient)
		f.Join()
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for range 2 {
			if _, err := f.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		if f.Join() {
			t.Error("Join() = true after all callers had left")
		}
		<-f.Done()
		if took := time.Since(begun); took != time.Millisecond {
			t.Errorf("the work ended after %s", took)
		}
	})
}

func TestFlightIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := flight.Start(t.Context(), t.Context(), time.Millisecond, obedient)
		if _, err := f.Wait(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFlightTurnsPanicsIntoErrors(t *testing.T) {
	t.Parallel()
	work := func(context.Context) (int, error) { panic("Dana Levi") }
	_, err := flight.Start(t.Context(), t.Context(), time.Minute, work).Wait(t.Context())
	crash, ok := errors.AsType[*flight.PanicError](err)
	if !ok || crash.Value != "Dana Levi" || len(crash.Stack) == 0 || err.Error() != "panic" {
		t.Errorf("got %#v", err)
	}
}

// The work does not end with the request that caused it, but can ask when that gives up.
func TestDeadlineOfTheCause(t *testing.T) {
	t.Parallel()
	if _, known := flight.CauseDeadline(t.Context()); known {
		t.Error("a context that is not of a flight has a cause")
	}
	synctest.Test(t, func(t *testing.T) {
		request, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want, _ := request.Deadline()
		for cause, known := range map[context.Context]bool{request: true, t.Context(): false} {
			f := flight.Start(t.Context(), cause, time.Minute, func(ctx context.Context) (bool, error) {
				got, ok := flight.CauseDeadline(ctx)
				return ok == known && (!ok || got.Equal(want)), nil
			})
			if right, err := f.Wait(t.Context()); !right || err != nil {
				t.Errorf("known %v: wrong, %v", known, err)
			}
		}
	})
}
