package loader_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leadgraph/graph/loader"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// readerFunc answers lookups as a platform would.
type readerFunc func(ctx context.Context, key loader.Key) ([]*lead.Lead, error)

func (f readerFunc) ByTenants(ctx context.Context, tenantIDs []string) []lookup.Lookup {
	found := make([]lookup.Lookup, len(tenantIDs))
	for i, id := range tenantIDs {
		found[i].Leads, found[i].Err = f(ctx, loader.Key{TenantID: id})
	}
	return found
}

func (f readerFunc) Online(ctx context.Context, tenantID string) lookup.Lookup {
	leads, err := f(ctx, loader.Key{TenantID: tenantID, CheckOnline: true})
	return lookup.Lookup{Leads: leads, Err: err}
}

func named(id string) []*lead.Lead { return []*lead.Lead{{ID: id, TenantID: id}} }

func TestConcurrentLoadsAreOneBatchWithoutATimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int32
		leads := loader.New(t.Context(), readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) {
			reads.Add(1)
			return named(key.TenantID), nil
		}), 3)
		start := time.Now()
		var group sync.WaitGroup
		for i := range 30 {
			group.Go(func() {
				id := fmt.Sprint("tenant-", i%3)
				got, err := leads.Load(t.Context(), loader.Key{TenantID: id})
				if err != nil || len(got) != 1 || got[0].ID != id {
					t.Errorf("%s: %v, %v", id, got, err)
				}
			})
		}
		group.Wait()
		if reads.Load() != 3 {
			t.Errorf("%d reads, want 3", reads.Load())
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the batch waited %v for its timer", waited)
		}
	})
}

// TestAnnouncedKeysThatNeverComeDelayShortly also checks that many keys get more time to
// arrive than two.
func TestAnnouncedKeysThatNeverComeDelayShortly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for keys, most := range map[int]time.Duration{2: 20 * time.Millisecond, 500: 50 * time.Millisecond} {
			leads := loader.New(t.Context(), readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) {
				return named(key.TenantID), nil
			}), keys)
			start := time.Now()
			if _, err := leads.Load(t.Context(), loader.Key{TenantID: "a"}); err != nil {
				t.Error(err)
			}
			if waited := time.Since(start); waited < time.Duration(keys)*20*time.Microsecond || waited > most {
				t.Errorf("%d keys: waited %v", keys, waited)
			}
		}
	})
}

func TestAnErrorStaysWithItsKey(t *testing.T) {
	t.Parallel()
	failure := errors.New("no answer")
	leads := loader.New(t.Context(), readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) {
		switch key.TenantID {
		case "bad":
			return nil, failure
		case "none":
			return nil, nil // a nil result would make dataloader panic
		}
		return named(key.TenantID), nil
	}), 3)
	lists, errs := leads.LoadAll(t.Context(), []loader.Key{{TenantID: "a"}, {TenantID: "bad"}, {TenantID: "none"}, {TenantID: "a"}})
	if errs[0] != nil || errs[2] != nil || errs[3] != nil || !errors.Is(errs[1], failure) {
		t.Errorf("errors %v", errs)
	}
	if lists[0][0].ID != "a" || lists[3][0] != lists[0][0] || len(lists[2]) != 0 {
		t.Errorf("leads %v", lists)
	}
}

func TestAPanicIsAnErrorOfItsKeys(t *testing.T) {
	t.Parallel()
	leads := loader.New(t.Context(), readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) {
		if !key.CheckOnline {
			panic("no lead")
		}
		return named(key.TenantID), nil
	}), 3)
	_, errs := leads.LoadAll(t.Context(), []loader.Key{{TenantID: "a"}, {TenantID: "b"}, {TenantID: "a", CheckOnline: true}})
	if errs[0] == nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
}

func TestKeysCarryTheirOptions(t *testing.T) {
	t.Parallel()
	leads := loader.New(t.Context(), readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) {
		return named(fmt.Sprint(key.TenantID, key.CheckOnline)), nil
	}), 2)
	lists, errs := leads.LoadAll(t.Context(), []loader.Key{{TenantID: "a"}, {TenantID: "a", CheckOnline: true}})
	if errs[0] != nil || errs[1] != nil || lists[0][0].ID != "afalse" || lists[1][0].ID != "atrue" {
		t.Errorf("%v %v", lists, errs)
	}
}

func TestOnlineReadsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, peak atomic.Int32
		leads := loader.New(t.Context(), readerFunc(func(ctx context.Context, key loader.Key) ([]*lead.Lead, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for seen := peak.Load(); now > seen && !peak.CompareAndSwap(seen, now); seen = peak.Load() {
			}
			<-time.After(time.Second)
			return named(key.TenantID), ctx.Err()
		}), 10)
		keys := make([]loader.Key, 10)
		for i := range keys {
			keys[i] = loader.Key{TenantID: fmt.Sprint(i), CheckOnline: true}
		}
		start := time.Now()
		leads.LoadAll(t.Context(), keys)
		if peak.Load() != 4 || time.Since(start) != 3*time.Second {
			t.Errorf("%d reads at a time over %v, want 4 and 3s", peak.Load(), time.Since(start))
		}
	})
}

func TestReadsEndWithTheOperation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		operation, cancel := context.WithCancel(t.Context())
		leads := loader.New(operation, readerFunc(func(ctx context.Context, _ loader.Key) ([]*lead.Lead, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), 2)
		time.AfterFunc(time.Second, cancel)
		// The context of the first caller ends at once; the batch does not use
		// it.
		caller, leave := context.WithCancel(t.Context())
		leave()
		_, errs := leads.LoadAll(caller, []loader.Key{{TenantID: "a"}, {TenantID: "b"}})
		if !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[1], context.Canceled) {
			t.Errorf("errors %v", errs)
		}
	})
}

func TestAnotherOperationAsksAnew(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	reader := readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) {
		if reads.Add(1) == 1 {
			return nil, errors.New("no answer")
		}
		return named(key.TenantID), nil
	})
	if _, err := loader.New(t.Context(), reader, 1).Load(t.Context(), loader.Key{TenantID: "a"}); err == nil {
		t.Error("the first read did not fail")
	}
	if _, err := loader.New(t.Context(), reader, 1).Load(t.Context(), loader.Key{TenantID: "a"}); err != nil {
		t.Errorf("the error outlived its operation: %v", err)
	}
}
