package persisted

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// Memory is an in-memory Store with a limit in bytes. When it is full, it keeps
// the documents that are requested often. Documents that a client registers
// once and never requests do not evict those of the front-ends, as they would
// with plain LRU.
type Memory struct {
	cache *otter.Cache[string, *entry]
}

// entry is a document in memory.
type entry struct {
	document string
	shared   atomic.Int64 // when the replicas last got it from here, in ns since 1970; see Shared
}

// entryBytes is the size of an entry without its texts, rounded up.
const entryBytes = 256

// NewMemory returns an empty store of at most maxBytes, which must be positive.
// It can exceed that by the documents that are being registered concurrently,
// one each, until it is next used.
func NewMemory(maxBytes uint64) *Memory {
	return &Memory{cache: otter.Must(&otter.Options[string, *entry]{
		MaximumWeight: maxBytes,
		Weigher: func(hash string, e *entry) uint32 {
			return uint32(len(hash) + len(e.document) + entryBytes)
		},
		// Evict before Put returns, so that the bound holds however fast
		// documents arrive.
		Executor: func(evict func()) { evict() },
	})}
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, hash string) (string, bool) {
	e, ok := m.cache.GetIfPresent(hash)
	if !ok {
		return "", false
	}
	return e.document, true
}

// Put implements Store.
func (m *Memory) Put(_ context.Context, hash, document string) { m.put(hash, document) }

// put returns the entry of the document. It may be evicted already.
func (m *Memory) put(hash, document string) *entry {
	// The texts may be substrings of a much longer request, such as a URL, and
	// would keep all of it in memory.
	e, _ := m.cache.SetIfAbsent(strings.Clone(hash), &entry{document: strings.Clone(document)})
	return e
}
