package backend

import (
	"leadgraph/graph/persisted"
	"leadgraph/internal/share"
)

// renewals is how often a document in use is shared again before it would expire.
const renewals = 4

// ShareDocuments returns a store that shares the documents in memory with the other replicas:
// those of up to longest bytes each, and bytes in all. It returns the memory if replicas share
// nothing. Use the store no longer than the platform.
func (p *Platform) ShareDocuments(memory *persisted.Memory, longest int, bytes uint64) persisted.Store {
	if p.shared == nil {
		return memory
	}
	return persisted.NewShared(memory, p.shared.Documents(longest, bytes), share.DocumentTTL/renewals)
}
