package persisted

import (
	"context"
	"time"
)

// Shared is a Store in memory in front of one that the replicas of the server share. The
// latter is asked only for documents that the memory does not have.
type Shared struct {
	memory  *Memory
	common  Store
	renewal time.Duration
}

// NewShared returns a store of the documents in memory and in common. Documents in use are
// put into common again after each renewal, so that they do not expire there.
func NewShared(memory *Memory, common Store, renewal time.Duration) *Shared {
	return &Shared{memory: memory, common: common, renewal: renewal}
}

// Get implements Store.
func (s *Shared) Get(ctx context.Context, hash string) (string, bool) {
	if e, ok := s.memory.cache.GetIfPresent(hash); ok {
		s.renew(ctx, hash, e)
		return e.document, true
	}
	document, ok := s.common.Get(ctx, hash)
	if ok {
		s.memory.put(hash, document).shared.Store(time.Now().UnixNano())
	}
	return document, ok
}

// Put implements Store.
func (s *Shared) Put(ctx context.Context, hash, document string) {
	s.renew(ctx, hash, s.memory.put(hash, document))
}

// renew puts a document into common if that was not done for a while.
func (s *Shared) renew(ctx context.Context, hash string, e *entry) {
	last, now := e.shared.Load(), time.Now().UnixNano()
	if now-last >= s.renewal.Nanoseconds() && e.shared.CompareAndSwap(last, now) {
		s.common.Put(ctx, hash, e.document)
	}
}
