package guard

import (
	"sync"
	"time"
)

const (
	// Retries may be one in budgetShare of the calls of the last budgetSpan seconds.
	// budgetFloor retries in that time are always allowed.
	budgetSpan  = 10
	budgetShare = 10
	budgetFloor = 3
)

// retryBudget limits retries to a share of the calls of the last ten seconds.
// Without it, retries would double or triple the load on a platform that fails.
// failsafe-go's budget is not used: it compares retries and calls in flight at one
// moment, which allows any number of retries one after the other.
type retryBudget struct {
	start time.Time

	mu sync.Mutex
	// Each bucket is one second. There is one more than the span has seconds, because
	// the oldest second is partly within the span.
	buckets [budgetSpan + 1]budgetBucket
}

type budgetBucket struct {
	second         int
	calls, retries int
}

func newRetryBudget() *retryBudget { return &retryBudget{start: time.Now()} }

// called counts a call. It is not called for retries.
func (b *retryBudget) called(now time.Time) {
	b.mu.Lock()
	b.at(now).calls++
	b.mu.Unlock()
}

// take reports whether a call may be retried, and if so counts the retry. The bucket
// that is only partly within the span counts for retries but not for calls, so that
// the limit is never exceeded.
func (b *retryBudget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	current := b.at(now)
	calls, retries := 0, 0
	for _, bucket := range b.buckets {
		age := current.second - bucket.second
		if age < budgetSpan {
			calls += bucket.calls
		}
		if age <= budgetSpan {
			retries += bucket.retries
		}
	}
	if retries >= max(budgetFloor, calls/budgetShare) {
		return false
	}
	current.retries++
	return true
}

// at returns the bucket of the present second.
func (b *retryBudget) at(now time.Time) *budgetBucket {
	second := int(now.Sub(b.start) / time.Second)
	bucket := &b.buckets[second%len(b.buckets)]
	if bucket.second != second {
		*bucket = budgetBucket{second: second}
	}
	return bucket
}
