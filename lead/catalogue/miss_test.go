package catalogue_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// A lead that is not found causes one refresh, however many requests miss one, and at
// most one in MissAge.
func TestMissesCauseOneRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &leadtest.Platform{}
		c := catalogue.New(platform, leadtest.Options())
		defer c.Close()
		old, _, err := c.Snapshot(t.Context(), lead.Freshness{})
		if err != nil {
			t.Fatal(err)
		}
		if newer, _ := c.AfterMiss(t.Context(), old); newer != nil {
			t.Error("a young catalogue was refreshed")
		}
		platform.WantReads(t, 1, 0)

		<-time.After(catalogue.MissAge)
		calls := make(chan int, 20)
		var misses sync.WaitGroup
		for range cap(calls) {
			misses.Go(func() {
				newer, state := c.AfterMiss(t.Context(), old)
				if newer == nil || newer == old {
					t.Error("a miss got no newer snapshot")
				}
				calls <- state.Calls
			})
		}
		misses.Wait()
		close(calls)
		sum := 0
		for n := range calls {
			sum += n
		}
		if sum != 3 {
			t.Errorf("%d calls were counted, want those of one refresh", sum)
		}
		platform.WantReads(t, 2, 0)

		// A refresh that fails is not repeated within MissAge.
		newest := c.Current(t.Context())
		platform.Fail(leadtest.ErrDown)
		<-time.After(catalogue.MissAge)
		for range 3 {
			if newer, _ := c.AfterMiss(t.Context(), newest); newer != nil {
				t.Error("a failed refresh gave a snapshot")
			}
			<-time.After(2 * time.Second)
		}
		platform.WantReads(t, 3, 0)
	})
}

func TestAgeOfSnapshots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		platform := &leadtest.Platform{}
		c := catalogue.New(platform, leadtest.Options())
		defer c.Close()
		want := func(age lead.Age) {
			t.Helper()
			if _, state, err := c.Snapshot(t.Context(), lead.Freshness{}); err != nil || state.Age() != age {
				t.Errorf("age %v, error %v, want %v", state.Age(), err, age)
			}
		}
		want(lead.AgeFresh)
		want(lead.AgeFresh)
		<-time.After(leadtest.TTL)
		want(lead.AgeRevalidating)
		synctest.Wait()
		<-time.After(2 * leadtest.ReadTime)
		want(lead.AgeFresh)
		platform.Fail(leadtest.ErrDown)
		<-time.After(leadtest.TTL + leadtest.Revalidate)
		want(lead.AgeStale)
		want(lead.AgeStale)
	})
}
