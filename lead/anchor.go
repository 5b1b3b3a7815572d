package lead

import (
	"crypto/sha256"
	"encoding/binary"
)

// AnchorHash is the hash of a lead's id by which a cursor remembers the lead:
// the first eight bytes of its SHA-256. Package pagination, which knows no
// leads, has the same; neither may change, because clients keep cursors.
func AnchorHash(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:8])
}
