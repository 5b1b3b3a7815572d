package lead

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// obedient is work that takes a second and ends at once when it is cancelled.
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
		f := takeOff(t.Context(), time.Minute, obedient)
		for range 99 {
			if !f.join() {
				t.Fatal("no seat in a flight under way")
			}
			go func() {
				if got, err := f.wait(t.Context()); got != 42 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
			}()
		}
		if got, err := f.wait(t.Context()); got != 42 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		synctest.Wait()
		if !f.over() || f.join() {
			t.Error("a flight that is over takes callers")
		}
	})
}

func TestFlightSurvivesItsStarter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		starter, leave := context.WithCancel(t.Context())
		f := takeOff(context.WithoutCancel(starter), time.Minute, obedient)
		f.join()
		leave()
		if _, err := f.wait(starter); !errors.Is(err, context.Canceled) {
			t.Errorf("the starter got %v", err)
		}
		if got, err := f.wait(t.Context()); got != 42 || err != nil {
			t.Errorf("the other caller got %d, %v", got, err)
		}
	})
}

func TestFlightIsCancelledWhenTheLastCallerLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		f := takeOff(t.Context(), time.Minute, obedient)
		f.join()
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for range 2 {
			if _, err := f.wait(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		if f.join() {
			t.Error("joined a flight that was given up")
		}
		<-f.done
		if took := time.Since(begun); took != time.Millisecond {
			t.Errorf("the work went on for %s", took)
		}
	})
}

func TestFlightIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := takeOff(t.Context(), time.Millisecond, obedient)
		if _, err := f.wait(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFlightTurnsPanicsIntoErrors(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(context.Context) (int, error){
		"own goroutine": func(context.Context) (int, error) { panic("Dana Levi") },
		"its goroutine": func(context.Context) (int, error) {
			inParallel(func() {}, func() { panic("Dana Levi") })
			return 0, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := takeOff(t.Context(), time.Minute, work).wait(t.Context())
			crash, ok := errors.AsType[*PanicError](err)
			if !ok || crash.Value != "Dana Levi" || len(crash.Stack) == 0 || err.Error() != "panic with a string" {
				t.Errorf("got %#v", err)
			}
		})
	}
}
