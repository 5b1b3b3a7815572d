package admission

import (
	"context"
	"sync"
	"time"
)

// Slot is an operation's place in the server. It has a token while at least one
// of the operation's goroutines computes. The methods of a nil Slot do nothing. A
// Slot is safe for concurrent use.
type Slot struct {
	door   *Door
	name   string
	queued bool // it waited for its first token

	mu     sync.Mutex
	held   bool
	since  time.Time // when it got the token
	used   time.Duration
	fields int // goroutines that resolve a field; 0 means the operation's own
	away   int // goroutines that wait
	calls  int // goroutines that call the platform
	here   int // answers of the platform that have arrived and are computed
	weight int // as reserved
	over   bool
	// refused says that the operation is refused although it has begun.
	refused bool

	counted int  // the weight that is counted for the calls; 0 if none is
	crowded bool // too many called already when it was counted
	ended   func()
}

type slotKey struct{}

// With returns a context that carries the slot.
func With(ctx context.Context, slot *Slot) context.Context {
	return context.WithValue(ctx, slotKey{}, slot)
}

// Of returns the slot that ctx carries, or nil.
func Of(ctx context.Context) *Slot {
	slot, _ := ctx.Value(slotKey{}).(*Slot)
	return slot
}

// bounded reports whether there are bounds at all.
func (s *Slot) bounded() bool { return s != nil && s.door.options.InFlight > 0 }

// Away must be called before a goroutine of the operation waits for anything but
// a short lock. Back must be called afterwards.
func (s *Slot) Away() {
	if !s.bounded() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away++
	s.rest()
}

// rest returns the token if all goroutines of the operation wait.
func (s *Slot) rest() {
	if s.held && s.away >= max(s.fields, 1) {
		s.put()
	}
}

func (s *Slot) put() {
	s.held = false
	s.used += time.Since(s.since)
	s.door.leave()
}

// Back takes the token again, and waits for it if necessary. If ctx ends first the
// goroutine goes on without a token, because the operation is about to end.
func (s *Slot) Back(ctx context.Context) {
	if !s.bounded() {
		return
	}
	s.mu.Lock()
	s.away--
	s.mu.Unlock()
	s.compute(ctx)
}

// compute sees to it that the slot has the token.
func (s *Slot) compute(ctx context.Context) {
	s.mu.Lock()
	enough := s.held || s.over
	s.mu.Unlock()
	if enough || !s.door.goOn(ctx) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held || s.over { // another goroutine was faster
		s.door.leave()
		return
	}
	s.held, s.since = true, time.Now()
}

// Calling returns the context for a call to the platform, which ends with done. If
// too many operations wait for the platform, the context ends with ErrCrowded as its
// cause if no request was sent within crowdedWait: the call succeeds only if memory or
// another call answers it, or if the platform has room by then.
func (s *Slot) Calling(ctx context.Context) (calling context.Context, done func()) {
	if !s.bounded() {
		return ctx, func() {}
	}
	s.mu.Lock()
	s.calls++
	s.count()
	crowded := s.crowded
	s.mu.Unlock()
	end := func() {}
	if crowded {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		timer := time.AfterFunc(crowdedWait, func() { cancel(ErrCrowded) })
		ctx = context.WithValue(ctx, hurryKey{}, timer)
		end = func() { timer.Stop(); cancel(nil) }
	}
	return ctx, func() {
		end()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls--
		s.count()
	}
}

type hurryKey struct{}

// sent says that a request is sent to the platform in this context.
func sent(ctx context.Context) {
	if timer, ok := ctx.Value(hurryKey{}).(*time.Timer); ok {
		timer.Stop()
	}
}

// count counts the operation among those that wait for the platform, if it does. While
// it computes what has arrived, it waits for a core: this must not look like a slow
// platform.
func (s *Slot) count() {
	waits := s.calls > s.here
	switch {
	case waits && s.counted == 0:
		s.counted = max(s.weight, 1)
		s.crowded = !s.door.call(s.name, s.counted)
	case !waits && s.counted > 0:
		s.door.call(s.name, -s.counted)
		s.counted = 0
	}
}

// arrived says that an answer of the platform, or another piece of it, has arrived.
func (s *Slot) arrived(answers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.here += answers
	s.count()
}

// Wait is like Away for the goroutine that answers the operation, while others may
// still resolve fields of it. It must call back afterwards.
func (s *Slot) Wait(ctx context.Context) (back func()) {
	if !s.bounded() {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fields > 0 {
		return func() {}
	}
	s.away++
	s.rest()
	return func() { s.Back(ctx) }
}

// Field must be called when a goroutine begins to resolve a field of the operation.
// It must call end when it has resolved it.
func (s *Slot) Field(ctx context.Context) (end func()) {
	if !s.bounded() {
		return func() {}
	}
	s.mu.Lock()
	s.fields++
	s.mu.Unlock()
	s.compute(ctx)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.fields--; s.fields > 0 { // the last one goes on with the operation
			s.rest()
		}
	}
}

// Reserve reserves memory for an operation whose planned cost is known. The weights
// of all operations together are bounded. Reserve returns false if the operation is
// refused. It reserves the greatest weight that it was called with.
func (s *Slot) Reserve(ctx context.Context, weight int) (reserved bool, retryAfter time.Duration) {
	if !s.bounded() {
		return true, 0
	}
	weight = min(weight, max(1, s.door.options.InFlight/2))
	s.mu.Lock()
	more := weight - s.weight
	s.mu.Unlock()
	if more <= 0 {
		return true, 0
	}
	waited := false
	reserved = s.door.reserve(ctx, s.name, more, func() { waited = true; s.Away() })
	if waited {
		s.Back(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !reserved {
		s.refused = true
		return false, Later()
	}
	s.weight = weight
	return true, 0
}

// Unload gives the reserved memory back. It is called before the answer is written,
// since answers that wait for their clients have a bound of their own.
func (s *Slot) Unload() {
	if !s.bounded() {
		return
	}
	s.mu.Lock()
	weight := s.weight
	s.weight = 0
	s.mu.Unlock()
	if weight > 0 {
		s.door.mu.Lock()
		defer s.door.mu.Unlock()
		s.door.inHouse.leave(s.name, weight)
		s.door.press()
	}
}

// OnRelease has end called when the slot is released.
func (s *Slot) OnRelease(end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = end
}

// Release gives everything back. Calling it again does nothing.
func (s *Slot) Release() {
	if s == nil {
		return
	}
	s.Unload()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.over = true
	if !s.refused {
		s.door.ended(s.name)
	}
	if s.ended != nil {
		s.ended()
	}
	if s.held {
		s.put()
	}
	if s.queued {
		s.door.charge(s.name, s.used)
	}
}
