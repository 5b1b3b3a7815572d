// Package loader batches the reads of one operation: every lead lookup of a
// GraphQL operation goes through one dataloader, so that equal keys are read
// once and the rest are read together.
//
// A loader lives as long as its operation. graph-gophers/dataloader caches
// errors for a loader's life and answers every caller of a key from the first
// read, so a longer life would serve stale failures, or one caller's rows to
// another.
package loader

import (
	"context"
	"fmt"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"golang.org/x/sync/errgroup"

	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

// safetyWait bounds how long a batch waits when fewer keys arrive than the
// operation announced, as when a field fails before it asks. It is not a
// collection window: a batch starts when its last announced key is in.
const safetyWait = time.Millisecond

// onlineReads is how many lookups of one operation have the platform ask
// Microsoft at a time: they are slow and write on the platform.
const onlineReads = 4

// Key names one lookup. It carries everything that shapes the read, so that no
// caller gets an answer to another question.
type Key struct {
	TenantID    string // canonical, lower case
	CheckOnline bool   // have the platform ask Microsoft when it knows no lead
}

// Reader reads all leads of tenants. Both methods report failures in the
// lookups, are called concurrently and return no later than ctx ends.
type Reader interface {
	// ByTenants answers the tenants in their order.
	ByTenants(ctx context.Context, tenantIDs []string) []lookup.Lookup
	// Online answers one tenant and has the platform ask Microsoft for it.
	Online(ctx context.Context, tenantID string) lookup.Lookup
}

// Leads answers lookups by tenant for one operation. It is safe for concurrent
// use.
type Leads struct {
	loader *dataloader.Loader[Key, []*lead.Lead]
}

// New makes the loader of one operation. Reads run on the operation's context
// rather than on that of the first caller in a batch. keys is the number of
// distinct keys that the operation is going to ask for; the batch starts when
// that many have arrived.
func New(operation context.Context, reader Reader, keys int) *Leads {
	read := func(_ context.Context, keys []Key) []*dataloader.Result[[]*lead.Lead] {
		return readAll(operation, reader, keys)
	}
	return &Leads{dataloader.NewBatchedLoader(read,
		dataloader.WithBatchCapacity[Key, []*lead.Lead](keys),
		dataloader.WithWait[Key, []*lead.Lead](safetyWait),
	)}
}

// Load returns all leads of one tenant.
func (l *Leads) Load(ctx context.Context, key Key) ([]*lead.Lead, error) {
	return l.loader.Load(ctx, key)()
}

// LoadAll returns the leads of every key in the order of the keys, and beside
// each its error or nil.
func (l *Leads) LoadAll(ctx context.Context, keys []Key) ([][]*lead.Lead, []error) {
	// All keys are handed in before the first answer is awaited. LoadMany would
	// start one goroutine a key to do the same.
	thunks := make([]dataloader.Thunk[[]*lead.Lead], len(keys))
	for i, key := range keys {
		thunks[i] = l.loader.Load(ctx, key)
	}
	leads, errs := make([][]*lead.Lead, len(keys)), make([]error, len(keys))
	for i, thunk := range thunks {
		leads[i], errs[i] = thunk()
	}
	return leads, errs
}

// readAll reads the keys and files each answer or error under its key. Every
// slot is filled: a nil result panics in dataloader.
func readAll(ctx context.Context, reader Reader, keys []Key) []*dataloader.Result[[]*lead.Lead] {
	results := make([]*dataloader.Result[[]*lead.Lead], len(keys))
	file := func(place int, found lookup.Lookup) {
		results[place] = &dataloader.Result[[]*lead.Lead]{Data: found.Leads, Error: found.Err}
	}
	var reads errgroup.Group
	reads.SetLimit(onlineReads)
	var plain []string
	var places []int
	for i, key := range keys {
		if !key.CheckOnline {
			plain, places = append(plain, key.TenantID), append(places, i)
		}
	}
	if len(plain) > 0 {
		reads.Go(func() error {
			for i, found := range guarded(len(plain), func() []lookup.Lookup { return reader.ByTenants(ctx, plain) }) {
				file(places[i], found)
			}
			return nil
		})
	}
	for i, key := range keys {
		if key.CheckOnline {
			reads.Go(func() error {
				file(i, guarded(1, func() []lookup.Lookup { return []lookup.Lookup{reader.Online(ctx, key.TenantID)} })[0])
				return nil
			})
		}
	}
	_ = reads.Wait() // no read returns an error here: each is filed under its key
	return results
}

// guarded turns a panic into the error of every key: reads run on goroutines of
// their own, where a panic would end the process. It always returns n lookups.
func guarded(n int, read func() []lookup.Lookup) (found []lookup.Lookup) {
	defer func() {
		cause := recover()
		if cause == nil && len(found) == n {
			return
		}
		found = make([]lookup.Lookup, n)
		for i := range found {
			found[i].Err = fmt.Errorf("lead reader failed: %T", cause)
		}
	}()
	return read()
}
