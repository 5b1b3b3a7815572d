package auth

import (
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxKnown bounds the tokens that are remembered. Each takes less than 1 KiB.
const maxKnown = 10_000

// knownTokens remembers whose the tokens are that were verified, by their hashes. A
// signature takes longer to verify than a lookup takes in memory, and clients send
// the same token for an hour. Refused tokens are verified each time.
type knownTokens struct {
	owners *otter.Cache[[sha256.Size]byte, owner]
}

// owner is who owns a token, by the keys that were published when it was verified.
type owner struct {
	Caller
	keys *publishedKeys
}

func newKnownTokens() knownTokens {
	return knownTokens{otter.Must(&otter.Options[[sha256.Size]byte, owner]{
		MaximumSize: maxKnown,
		// Evict before Set returns instead of in a goroutine.
		Executor: func(evict func()) { evict() },
	})}
}

// find returns the owner of a token that was verified by the present keys and has not
// expired since.
func (k knownTokens) find(hash [sha256.Size]byte, keys *publishedKeys, now time.Time) (Caller, bool) {
	found, known := k.owners.GetIfPresent(hash)
	if !known || found.keys != keys || !now.Before(found.Expires) {
		return Caller{}, false
	}
	return found.Caller, true
}

func (k knownTokens) add(hash [sha256.Size]byte, keys *publishedKeys, caller Caller) {
	k.owners.Set(hash, owner{caller, keys})
}
