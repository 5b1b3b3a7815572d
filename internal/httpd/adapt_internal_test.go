package httpd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestSlotsFollowTheCores simulates an overloaded server. Operations that hold a
// slot wait for the platform or for a core, and at any time only as many get a core
// as there are cores.
func TestSlotsFollowTheCores(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cores := rapid.IntRange(1, 8).Draw(t, "cores")
		compute := rapid.Float64Range(0.1, 5).Draw(t, "ms of a core that an operation takes")
		waits := rapid.Float64Range(0, 50).Draw(t, "ms that it waits for the platform")
		most := rapid.IntRange(1, 500).Draw(t, "slots")
		l := NewLimiter(LimiterOptions{InFlight: most})
		should := readyEach * cores
		enough := float64(cores) * (1 + waits/compute) // enough slots to keep the cores busy
		for look := range 2000 {
			l.running = l.slots
			ready := int(max(0, float64(l.slots)-enough))
			if look > 1000 && (ready > 2*should || float64(l.slots) < min(enough, float64(most))-1) {
				t.Fatalf("%d slots, %d wait for %d cores", l.slots, ready, cores)
			}
			l.follow(ready, should)
		}
		for range most {
			l.follow(0, should)
		}
		if l.slots != most {
			t.Errorf("%d slots in the end", l.slots)
		}
	})
}

func TestSlotsThatComeBackGoToThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{InFlight: 100, Queue: 10, Wait: time.Hour})
		l.follow(1000, 4)
		l.follow(1000, 4)
		for l.slots > 4 {
			l.follow(1000, 4)
		}
		admitted := make(chan func(), 10)
		for _, caller := range []string{"a", "b", "c", "d", "e"} {
			go func() {
				release, _ := l.Acquire(t.Context(), caller)
				admitted <- release
			}()
		}
		synctest.Wait()
		if len(admitted) != 4 || l.State() != (LimiterState{Running: 4, Waiting: 1}) {
			t.Errorf("%d admitted, %+v", len(admitted), l.State())
		}
		l.follow(0, 4)
		synctest.Wait()
		if len(admitted) != 5 || l.Slots() != 6 {
			t.Errorf("%d admitted, %d slots", len(admitted), l.Slots())
		}
		for range 5 {
			(<-admitted)()
		}
	})
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(LimiterOptions{InFlight: 3})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); l.Follow(ctx) }()
		<-time.After(10 * lookEvery)
		cancel()
		<-ended
		if l.Slots() != 3 {
			t.Errorf("%d slots of an idle server", l.Slots())
		}
	})
}

func BenchmarkLook(b *testing.B) {
	l := NewLimiter(LimiterOptions{InFlight: 64})
	ready := runnable()
	for b.Loop() {
		l.follow(ready(), readyEach)
	}
}
