package persisted

import (
	"context"
	"strings"

	"github.com/maypok86/otter/v2"
)

// Memory is an in-memory Store with a limit in bytes. When it is full, it keeps
// the documents that are requested often. Documents that a client registers
// once and never requests do not evict those of the front-ends, as they would
// with plain LRU.
type Memory struct {
	cache *otter.Cache[string, string]
}

// entryBytes is the size of an entry without its texts, rounded up.
const entryBytes = 256

// NewMemory returns an empty store of at most maxBytes, which must be positive.
// It can exceed that by the documents that are being registered concurrently,
// one each, until it is next used.
func NewMemory(maxBytes uint64) *Memory {
	return &Memory{cache: otter.Must(&otter.Options[string, string]{
		MaximumWeight: maxBytes,
		Weigher: func(hash, document string) uint32 {
			return uint32(len(hash) + len(document) + entryBytes)
		},
		// Evict before Put returns, so that the bound holds however fast
		// documents arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, hash string) (string, bool) {
	return m.cache.GetIfPresent(hash)
}

// Put implements Store.
func (m *Memory) Put(_ context.Context, hash, document string) {
	// The texts may be substrings of a much longer request, such as a URL, and
	// would keep all of it in memory.
	m.cache.SetIfAbsent(strings.Clone(hash), strings.Clone(document))
}
