package guard

import (
	"sync"
	"time"
)

const (
	// budgetSpan is the time of which repeated calls are held to one in
	// budgetShare, in buckets of a second. budgetFloor of them are always allowed.
	budgetSpan  = 10
	budgetShare = 10
	budgetFloor = 3
)

// retryBudget bounds repeated calls to a share of those made in the last ten
// seconds: of a platform that fails, retries would make the load twice or three
// times as large. (failsafe-go's budget compares what is in flight at a moment;
// that allows any number of retries one after the other.)
type retryBudget struct {
	start time.Time

	mu sync.Mutex
	// One more than the span: the oldest second is partly within it.
	buckets [budgetSpan + 1]budgetBucket
}

type budgetBucket struct {
	second         int
	calls, retries int
}

func newRetryBudget() *retryBudget { return &retryBudget{start: time.Now()} }

// called notes a call that is no repeated one.
func (b *retryBudget) called(now time.Time) {
	b.mu.Lock()
	b.at(now).calls++
	b.mu.Unlock()
}

// take reports whether a call may be repeated, and notes that it is. Of the
// oldest second retries count and calls do not, so the bound is never exceeded.
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

func (b *retryBudget) at(now time.Time) *budgetBucket {
	second := int(now.Sub(b.start) / time.Second)
	bucket := &b.buckets[second%len(b.buckets)]
	if bucket.second != second {
		*bucket = budgetBucket{second: second}
	}
	return bucket
}
