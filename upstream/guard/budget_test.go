package guard

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// In any ten seconds the retries are at most a tenth of the calls, or three. They are
// never limited to less than a tenth of the calls of the last nine seconds.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newRetryBudget()
		now := b.start
		var calls, retries []time.Time
		since := func(times []time.Time, span time.Duration) int {
			n := 0
			for _, at := range times {
				if now.Sub(at) < span {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4_000).Draw(t, "pause")) * time.Millisecond)
			for range rapid.IntRange(0, 60).Draw(t, "calls") {
				b.called(now)
				calls = append(calls, now)
			}
			for range rapid.IntRange(0, 12).Draw(t, "failures") {
				spent := since(retries, budgetSpan*time.Second)
				if !b.take(now) {
					if least := max(budgetFloor, since(calls, (budgetSpan-1)*time.Second)/budgetShare); since(retries, (budgetSpan+1)*time.Second) < least {
						t.Fatalf("refused after %d of %d", spent, least)
					}
					continue
				}
				if most := max(budgetFloor, since(calls, budgetSpan*time.Second)/budgetShare); spent+1 > most {
					t.Fatalf("retry %d of %d", spent+1, most)
				}
				retries = append(retries, now)
			}
		}
	})
}
