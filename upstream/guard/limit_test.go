package guard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// key is a key of context values.
type key struct{}

// The context of an attempt behaves like one from context.WithDeadline, whoever looks
// first.
func TestLimitIsAContextWithADeadline(t *testing.T) {
	t.Parallel()
	cause := errors.New("a cause")
	for name, end := range map[string]func(l *limit, parent context.CancelCauseFunc) (err, cause error){
		"time": func(*limit, context.CancelCauseFunc) (error, error) {
			return context.DeadlineExceeded, context.DeadlineExceeded
		},
		"parent": func(_ *limit, cancel context.CancelCauseFunc) (error, error) {
			cancel(cause)
			return context.Canceled, cause
		},
		"stop": func(l *limit, _ context.CancelCauseFunc) (error, error) {
			l.stop()
			return context.Canceled, context.Canceled
		},
	} {
		for _, watched := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, name))
				defer cancel(nil)
				l := &limit{Context: parent, end: time.Now().Add(time.Second)}
				defer l.stop()
				child := context.Context(l)
				if watched {
					var release context.CancelFunc
					child, release = context.WithCancel(l)
					defer release()
				}
				if child.Err() != nil || child.Value(key{}) != name {
					t.Errorf("%s: at first the error is %v, the value %v", name, child.Err(), child.Value(key{}))
				}
				want, because := end(l, cancel)
				if want == context.DeadlineExceeded { //nolint:errorlint // as it is
					time.Sleep(time.Second) //nolint:forbidigo // in synctest's time
				}
				if watched {
					<-child.Done()
				}
				if got := child.Err(); !errors.Is(got, want) {
					t.Errorf("%s, watched %v: the error is %v, want %v", name, watched, got, want)
				}
				if got := context.Cause(child); !errors.Is(got, because) {
					t.Errorf("%s, watched %v: the cause is %v, want %v", name, watched, got, because)
				}
				<-l.Done() // also if it is asked late
			})
		}
	}
}

// A deadline of the caller that is earlier counts.
func TestLimitHasTheEarlierDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		soon := time.Now().Add(time.Second)
		parent, cancel := context.WithDeadline(t.Context(), soon)
		defer cancel()
		for end, want := range map[time.Time]time.Time{soon.Add(time.Second): soon, soon.Add(-time.Millisecond): soon.Add(-time.Millisecond)} {
			l := &limit{Context: parent, end: end}
			if got, ok := l.Deadline(); !ok || !got.Equal(want) {
				t.Errorf("the deadline is %v, want %v", got, want)
			}
			l.stop()
		}
	})
}

// The timer of a deadline can be late. A connection that has kept the deadline has then
// ended for no other reason.
func TestLimitDoesNotWaitForItsTimer(t *testing.T) {
	t.Parallel()
	l := &limit{Context: t.Context(), end: time.Now().Add(time.Hour)}
	defer l.stop()
	if done := l.Done(); l.Err() != nil || done == nil {
		t.Fatal("it has ended")
	}
	l.end = time.Now()
	if err := l.Err(); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(context.Cause(l), context.DeadlineExceeded) {
		t.Errorf("the error is %v, the cause %v", err, context.Cause(l))
	}
}
