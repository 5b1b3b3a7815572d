package persisted

import (
	"context"
	"strings"

	"github.com/maypok86/otter/v2"
)

// Memory is a Store of this process, bounded in bytes. When it is full it keeps
// what is asked for often: documents that a client registers once and never asks
// for do not push out those of the front-ends, as they would with plain LRU.
type Memory struct {
	cache *otter.Cache[string, string]
}

// entryBytes is what an entry takes beside its texts, rounded up.
const entryBytes = 256

// NewMemory makes an empty store of at most maxBytes, which must be positive. Of
// documents that are registered at the same moment it can hold one each above
// that, and only until the next use.
func NewMemory(maxBytes uint64) *Memory {
	return &Memory{cache: otter.Must(&otter.Options[string, string]{
		MaximumWeight: maxBytes,
		Weigher: func(hash, document string) uint32 {
			return uint32(len(hash) + len(document) + entryBytes)
		},
		// Whoever registers waits for the eviction, so that the bound holds however
		// fast documents come.
		Executor: func(evict func()) { evict() },
	})}
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, hash string) (string, bool) {
	return m.cache.GetIfPresent(hash)
}

// Put implements Store.
func (m *Memory) Put(_ context.Context, hash, document string) {
	// The texts may be parts of a request that is much longer, such as a URL, and
	// would keep all of it.
	m.cache.SetIfAbsent(strings.Clone(hash), strings.Clone(document))
}
