// Package pace says how long the clients and the faults of a soak wait.
package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

// Rest waits for d. It returns false, at once, if ctx ends.
func Rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// UpTo returns a random time that is shorter than most.
func UpTo(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(most)))
}

// Between returns a random time of at least least that is shorter than most.
func Between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + UpTo(random, most-least)
}
