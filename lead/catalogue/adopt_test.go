package catalogue_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// Many requests that need what another replica has read load it once, also while a refresh runs.
func TestAdoptionsAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p leadtest.Platform
		c := catalogue.New(&p, leadtest.Options())
		defer c.Close()
		var loading, loads atomic.Int32
		begun := time.Now().Add(time.Hour)
		newer := func(ctx context.Context) (catalogue.Reading, bool) {
			if s := c.Current(ctx); s != nil && !s.AsOf().Before(begun) {
				return catalogue.Reading{}, false
			}
			if loading.Add(1) > 1 {
				t.Error("two load at a time")
			}
			leadtest.Pass(time.Second)
			loading.Add(-1)
			loads.Add(1)
			return catalogue.Reading{Complete: true, AsOf: begun}, true
		}
		leadtest.Pass(2 * time.Hour)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { c.Adopt(t.Context(), newer) })
		}
		all.Wait()
		if s := c.Current(t.Context()); s == nil || !s.AsOf().Equal(begun) || loads.Load() != 1 {
			t.Errorf("loaded %d times: %v", loads.Load(), s)
		}
	})
}
