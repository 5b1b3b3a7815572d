package share

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

const (
	// keyBytes is the length of Options.Key, as for AES-256.
	keyBytes = 32
	// sealBytes is by how much a sealed value is longer, at most: a nonce and a tag.
	sealBytes = 12 + 16
)

var (
	errSealed    = errors.New("sealed with another key, or forged")
	errKeyNeeded = errors.New("there must be one before and after a change, or none")
)

// vault encrypts values, hides names and signs texts that the server must be able to
// read. The zero vault does nothing of this.
type vault struct {
	aead         cipher.AEAD
	names, texts []byte // keys
}

func newVault(key []byte) (vault, error) {
	if len(key) == 0 {
		return vault{}, nil
	}
	if len(key) != keyBytes {
		return vault{}, errors.New("must be 32 bytes long")
	}
	var keys [3][]byte
	for i, purpose := range []string{"leadgraph values", "leadgraph names", "leadgraph texts"} {
		var err error
		if keys[i], err = hkdf.Key(sha256.New, key, nil, purpose, keyBytes); err != nil {
			return vault{}, err
		}
	}
	block, err := aes.NewCipher(keys[0])
	if err != nil {
		return vault{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return vault{aead: aead, names: keys[1], texts: keys[2]}, err
}

// seal encrypts a value. It can be opened only with the same place, so that a value
// that was moved to another key is refused.
func (v vault) seal(value []byte, place string) []byte {
	if v.aead == nil {
		return value
	}
	return v.aead.Seal(nil, nil, value, []byte(place))
}

func (v vault) open(sealed []byte, place string) ([]byte, error) {
	if v.aead == nil {
		return sealed, nil
	}
	value, err := v.aead.Open(nil, nil, sealed, []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return value, nil
}

// name returns the text that replaces an id in a key.
func (v vault) name(id string) string {
	if v.names == nil {
		return id
	}
	mac := hmac.New(sha256.New, v.names)
	mac.Write([]byte(id)) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// sign returns what proves that a text is of a replica with this key and belongs to
// the place. It is "-" without a key, so that the number of fields is the same.
func (v vault) sign(text, place string) string {
	if v.texts == nil {
		return "-"
	}
	mac := hmac.New(sha256.New, v.texts)
	mac.Write([]byte(place + "\x00" + text)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// verify reports whether sign returned the proof.
func (v vault) verify(text, place, proof string) bool {
	return hmac.Equal([]byte(v.sign(text, place)), []byte(proof))
}

func (s *Store) vault() vault { return *s.vaults.Load() }

// Rekey replaces Options.Key. Values that were stored with the former key are then not
// used and are overwritten. If there was no key before, or there is none now, Rekey returns
// an error and changes nothing: whether values are believed is decided at the start.
func (s *Store) Rekey(key []byte) error {
	next, err := newVault(key)
	if err == nil && (next.aead == nil) != (s.vault().aead == nil) {
		err = errKeyNeeded
	}
	if err != nil {
		return fmt.Errorf("the key of the shared state: %w", err)
	}
	s.vaults.Store(&next)
	s.doubts.mu.Lock()
	s.doubts.sealed = sync.Once{} // replicas that still have the former key are worth a warning
	s.doubts.mu.Unlock()
	return nil
}
