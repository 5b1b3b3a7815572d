package lead

import (
	"crypto/sha256"
	"encoding/binary"
)

// AnchorHash returns the hash by which a cursor remembers a lead: the first
// eight bytes of the SHA-256 of its id. Clients keep cursors, and every replica
// of every release must read them, so the hash never changes. The chance of two
// equal hashes among 100,000 leads is about 1 in 10⁹.
func AnchorHash[T string | []byte](id T) uint64 {
	var room [64]byte // enough for a GUID, which then needs no allocation
	sum := sha256.Sum256(append(room[:0], id...))
	return binary.BigEndian.Uint64(sum[:8])
}
