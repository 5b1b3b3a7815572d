// Package loader batches the reads of one operation: every lead lookup of a
// GraphQL operation goes through one set of dataloaders, so that equal keys are
// read once and the rest are read together.
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
)

// safetyWait bounds how long a batch waits when fewer keys arrive than the
// operation announced, as when a field fails before it asks. It is not a
// collection window: a batch starts when its last announced key is in.
const safetyWait = time.Millisecond

// Key names one lookup. It carries everything that shapes the read, so that no
// caller gets an answer to another question.
type Key struct {
	TenantID    string // canonical, lower case
	CheckOnline bool   // have the platform ask Microsoft when it knows no lead
}

// Reader reads all leads of one tenant; none is an empty list. It is called
// concurrently.
type Reader interface {
	LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error)
}

// Leads answers lookups by tenant for one operation. It is safe for concurrent
// use.
type Leads struct {
	loader *dataloader.Loader[Key, []*lead.Lead]
}

// New makes the loader of one operation. Reads run on the operation's context
// rather than on that of the first caller in a batch. keys is the number of
// distinct keys that the operation is going to ask for; the batch starts when
// that many have arrived. At most fanOut reads run at a time.
func New(operation context.Context, reader Reader, keys, fanOut int) *Leads {
	read := func(_ context.Context, keys []Key) []*dataloader.Result[[]*lead.Lead] {
		return readAll(operation, reader, keys, fanOut)
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

// readAll reads the keys, at most fanOut at a time, and files each answer or
// error under its key. Every slot is filled: a nil result panics in dataloader.
func readAll(ctx context.Context, reader Reader, keys []Key, fanOut int) []*dataloader.Result[[]*lead.Lead] {
	results := make([]*dataloader.Result[[]*lead.Lead], len(keys))
	var reads errgroup.Group
	reads.SetLimit(fanOut)
	for i, key := range keys {
		reads.Go(func() error {
			leads, err := readOne(ctx, reader, key)
			results[i] = &dataloader.Result[[]*lead.Lead]{Data: leads, Error: err}
			return nil
		})
	}
	_ = reads.Wait() // no read returns an error here: each is filed under its key
	return results
}

// readOne turns a panic into the key's error: it runs on a goroutine of its
// own, where a panic would end the process.
func readOne(ctx context.Context, reader Reader, key Key) (leads []*lead.Lead, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic in lead reader: %T", cause)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return reader.LeadsByTenant(ctx, key.TenantID, key.CheckOnline)
}

type contextKey struct{}

// With puts the operation's loader into its context.
func With(ctx context.Context, leads *Leads) context.Context {
	return context.WithValue(ctx, contextKey{}, leads)
}

// For returns the loader of the operation that ctx belongs to. It panics
// outside an operation.
func For(ctx context.Context) *Leads { return ctx.Value(contextKey{}).(*Leads) }
