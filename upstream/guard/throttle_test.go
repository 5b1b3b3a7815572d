package guard

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// throughput returns how many calls a platform answers in half a minute of the
// bubble's time, and the limit at the end. An answer takes 20 ms. It takes longer the
// more the load exceeds the capacity.
func throughput(t *testing.T, adaptive bool, capacity, exponent float64) (calls, limit int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const base = 20 * time.Millisecond
		l := newThrottle(Options{MaxConcurrent: 16, MaxOnline: 1, Timeout: 10 * time.Second, Adaptive: adaptive})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var mu sync.Mutex
		var callers sync.WaitGroup
		for n := range 20 {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			callers.Go(func() {
				for {
					held, err := l.acquire(ctx, false, time.Now().Add(time.Hour))
					if ctx.Err() != nil || err != nil {
						return
					}
					slower := math.Pow(max(1, float64(l.inFlight.Load())/capacity), exponent)
					<-time.After(time.Duration(float64(base) * slower * (0.8 + 0.4*random.Float64())))
					l.release(held, true)
					mu.Lock()
					calls++
					mu.Unlock()
				}
			})
		}
		callers.Wait()
		limit = l.state().Limit
	})
	return calls, limit
}

// A call waits for its turn until its deadline at most.
func TestTurnIsAwaitedUntilTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newThrottle(Options{MaxConcurrent: 1, MaxOnline: 1, Timeout: time.Minute, OnlineTimeout: time.Minute})
		for _, online := range []bool{false, true} {
			held, err := l.acquire(t.Context(), online, time.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if _, err := l.acquire(t.Context(), online, begun.Add(time.Second)); !limited(err) || time.Since(begun) != time.Second {
				t.Errorf("waited %v, %v", time.Since(begun), err)
			}
			if _, err := l.acquire(t.Context(), online, begun); !limited(err) || time.Since(begun) != time.Second {
				t.Errorf("with no time left: waited until %v, %v", time.Since(begun), err)
			}
			l.release(held, true)
		}
	})
}

// On a healthy platform the adaptive limit rises to the maximum. A platform that gets
// slower under load answers more calls with it.
func TestAdaptiveLimit(t *testing.T) {
	t.Parallel()
	plain, _ := throughput(t, false, 16, 0)
	adaptive, limit := throughput(t, true, 16, 0)
	if limit != 16 || adaptive < plain*3/4 {
		t.Errorf("healthy: %d calls, and %d with a limit of %d", plain, adaptive, limit)
	}
	plain, _ = throughput(t, false, 4, 2.5)
	adaptive, limit = throughput(t, true, 4, 2.5)
	if limit >= 16 || adaptive < 2*plain {
		t.Errorf("overloaded: %d calls, and %d with a limit of %d", plain, adaptive, limit)
	}
}
