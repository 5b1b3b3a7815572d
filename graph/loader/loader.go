// Package loader batches the reads of one operation. Every lead lookup of a
// GraphQL operation goes through one dataloader, so that equal keys are read
// once and the rest are read together.
//
// A loader lives as long as its operation. graph-gophers/dataloader caches
// errors for a loader's life and answers every caller of a key from the first
// read. If a loader lived longer, it would serve stale failures, or one
// caller's rows to another.
package loader

import (
	"context"
	"errors"
	"time"

	"github.com/graph-gophers/dataloader/v7"
	"golang.org/x/sync/errgroup"

	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

// safetyWait bounds how long a batch waits if fewer keys arrive than the
// operation announced, for example because a field fails before it loads. It is
// not a collection window: a batch starts when its last announced key arrives. On a busy
// server keys take milliseconds to arrive, and more if they are many; a batch that is cut
// costs calls.
func safetyWait(keys int) time.Duration {
	return 10*time.Millisecond + time.Duration(keys)*50*time.Microsecond
}

// mostInput is how many keys may arrive before the batch takes them.
const mostInput = 1000

// onlineReads is the maximum number of concurrent online lookups of one
// operation: they are slow and write on the platform.
const onlineReads = 4

// Key identifies one lookup. It includes everything that affects the read, so
// that no caller gets the result of a different lookup.
type Key struct {
	TenantID    string // canonical, lower case
	CheckOnline bool   // have the platform ask Microsoft if it knows no lead
}

// Reader reads all leads of tenants. Both methods report failures in the
// lookups, are called concurrently and return no later than ctx ends.
type Reader interface {
	// ByTenants returns the lookups of the tenants in their order.
	ByTenants(ctx context.Context, tenantIDs []string) []lookup.Lookup
	// Online returns the lookup of one tenant and has the platform ask
	// Microsoft for it.
	Online(ctx context.Context, tenantID string) lookup.Lookup
}

// Leads loads leads by tenant for one operation. It is safe for concurrent use.
type Leads struct {
	loader *dataloader.Loader[Key, []*lead.Lead]
}

// New returns the loader of one operation. Reads run with the operation's
// context rather than with that of the first caller in a batch. keys is the
// number of distinct keys that the operation will load; the batch starts when
// that many have arrived.
func New(operation context.Context, reader Reader, keys int) *Leads {
	read := func(_ context.Context, keys []Key) []*dataloader.Result[[]*lead.Lead] {
		return readAll(operation, reader, keys)
	}
	return &Leads{dataloader.NewBatchedLoader(read,
		dataloader.WithBatchCapacity[Key, []*lead.Lead](keys),
		// By default there is room for 1,000 keys, which takes 8 KB in each operation.
		dataloader.WithInputCapacity[Key, []*lead.Lead](min(max(keys, 1), mostInput)),
		dataloader.WithWait[Key, []*lead.Lead](safetyWait(keys)),
	)}
}

// Load returns all leads of one tenant.
func (l *Leads) Load(ctx context.Context, key Key) ([]*lead.Lead, error) {
	return l.loader.Load(ctx, key)()
}

// LoadAll returns the leads of every key in the order of the keys, and for each
// key its error or nil.
func (l *Leads) LoadAll(ctx context.Context, keys []Key) ([][]*lead.Lead, []error) {
	// Pass in all keys before waiting for the first result. LoadMany would
	// start one goroutine per key to do the same.
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

// readAll reads the keys and stores each result or error at the index of its
// key. It fills every element: a nil result makes dataloader panic.
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
	_ = reads.Wait() // no read returns an error here: errors are stored with their keys
	return results
}

// errReader replaces a panic, whose value may hold a lead.
var errReader = errors.New("lead reader failed")

// guarded turns a panic into an error for every key: reads run in their own
// goroutines, where a panic would end the process. It always returns n lookups.
func guarded(n int, read func() []lookup.Lookup) (found []lookup.Lookup) {
	defer func() {
		cause := recover()
		if cause == nil && len(found) == n {
			return
		}
		found = make([]lookup.Lookup, n)
		for i := range found {
			found[i].Err = errReader
		}
	}()
	return read()
}
