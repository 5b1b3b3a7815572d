package guard

import (
	"context"
	"sync"
	"time"
)

// limit is the context of an attempt. It ends with its parent and at its deadline, like
// one from context.WithDeadline, but it starts a timer only when somebody asks for Done. A
// transport that gives its connection the deadline does not: see Unlimited.
type limit struct {
	context.Context // the parent
	end             time.Time
	attempt         attemptInfo // a value of the context, without a context for it

	mu sync.Mutex
	// timed has the deadline too, and a timer. It is nil until somebody asks for Done.
	timed  context.Context
	cancel context.CancelFunc
	over   bool // stop was called
}

// Unlimited returns the parent and when the attempt must end, for a transport that keeps
// that time by itself. A deadline of the parent is not included: when it passes, the
// parent ends, and only then is it the caller who has left.
func (l *limit) Unlimited() (parent context.Context, end time.Time) { return l.Context, l.end }

// Deadline implements context.Context.
func (l *limit) Deadline() (time.Time, bool) {
	if parents, ok := l.Context.Deadline(); ok && parents.Before(l.end) {
		return parents, true
	}
	return l.end, true
}

// Done implements context.Context.
func (l *limit) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed == nil {
		l.timed, l.cancel = context.WithDeadline(l.Context, l.end)
		if l.over {
			l.cancel()
		}
	}
	return l.timed.Done()
}

// Err implements context.Context. It does not wait for the timer, which may be late on a
// busy machine: a transport that has kept the deadline has ended by then.
func (l *limit) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.Context.Err() != nil:
		return l.Context.Err()
	case l.over && l.timed == nil:
		return context.Canceled
	case l.timed != nil && l.timed.Err() != nil:
		return l.timed.Err()
	case !time.Now().Before(l.end):
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. Package context finds the parent of a context with it.
func (l *limit) Value(key any) any {
	if key == (attemptKey{}) {
		return &l.attempt
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed != nil {
		return l.timed.Value(key)
	}
	return l.Context.Value(key)
}

// stop ends the context when the attempt is over.
func (l *limit) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over = true; l.cancel != nil {
		l.cancel()
	}
}
