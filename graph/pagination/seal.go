package pagination

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// CursorError says why a text is refused as a cursor.
type CursorError struct {
	// Reason is the reason for programs: malformed, foreign, list or expired.
	Reason  string
	message string
}

// Error returns the reason in words for the client.
func (e *CursorError) Error() string { return e.message }

// The reasons why a cursor is refused.
var (
	// ErrMalformed is the error for a text that is not a cursor.
	ErrMalformed = &CursorError{"malformed", "is not a cursor"}
	// ErrForeign is the error for a cursor of another caller, account or key.
	ErrForeign = &CursorError{"foreign", "is not a cursor that this server gave to this caller"}
	// ErrOtherList is the error for a cursor of another filter or order.
	ErrOtherList = &CursorError{"list", "belongs to another filter or order"}
	// ErrExpired is the error for a cursor of an earlier format, or one that was
	// sealed with the previous key and is older than a day.
	ErrExpired = &CursorError{"expired", "has expired: start the list again"}
)

// A text is base64 of the version, a nonce and the encrypted cursor with its tag.
const (
	cursorVersion = 2
	nonceBytes    = 12
	tagBytes      = 16
	// MaxCursorLength is the maximum number of characters of a cursor.
	MaxCursorLength = 512
	// previousLife is how long cursors of a previous key are accepted. Nobody
	// pages through one list for longer.
	previousLife = 24 * time.Hour
	// mostPrevious is the number of keys that stay accepted after their renewal.
	mostPrevious = 3
	// A cursor of version 1 had this length.
	firstVersionBytes = 38
)

// Seal encodes cursors as encrypted texts for clients and decodes them. A text is
// valid only for the account and the caller it was made for. Seal is safe for
// concurrent use.
type Seal struct {
	account string
	keys    atomic.Pointer[[]*sealKey] // the first one seals

	renew   func() []byte // the key as it is now; nil if it never changes
	renewal sync.Mutex
	renewed time.Time
}

// sealKey encrypts with one key. Equal cursors have equal texts, because client
// caches compare them. So the nonce is a MAC of all that the text depends on.
type sealKey struct {
	secret []byte
	aead   cipher.AEAD
	macs   sync.Pool // of hash.Hash: making one costs more than using it
}

// NewSeal returns a seal for the cursors into one account's leads. It seals with
// the key, at least 32 secret random bytes, and still accepts cursors of the
// previous keys for a day. Replicas with the same account and key accept each
// other's cursors.
func NewSeal(account string, key []byte, previous ...[]byte) *Seal {
	s := &Seal{account: account}
	keys := []*sealKey{newSealKey(key)}
	for _, secret := range previous {
		keys = append(keys, newSealKey(secret))
	}
	s.keys.Store(&keys)
	return s
}

// Renewing makes the seal ask for its key again once a minute, and before it refuses a
// cursor. A new key seals from then on, and the former becomes a previous key. The
// function returns nil if the key is not known. Call Renewing before the seal is used.
func (s *Seal) Renewing(key func() []byte) *Seal {
	s.renew, s.renewed = key, time.Now()
	return s
}

// The ages at which the key is asked for again.
const (
	renewEvery   = time.Minute
	renewRefused = time.Second
)

// current returns the keys. It asks for the key if that has not happened for as long.
func (s *Seal) current(age time.Duration) []*sealKey {
	if s.renew == nil || !s.renewal.TryLock() {
		return *s.keys.Load()
	}
	defer s.renewal.Unlock()
	keys := *s.keys.Load()
	if time.Since(s.renewed) < age {
		return keys
	}
	s.renewed = time.Now()
	if secret := s.renew(); secret != nil {
		s.replace(secret)
	}
	return *s.keys.Load()
}

// Renew replaces the key, unless it is nil, and accepts cursors of the previous keys for a
// day, as well as those of the keys before. A seal with a Renewing function keeps it.
func (s *Seal) Renew(key []byte, previous ...[]byte) {
	s.renewal.Lock()
	defer s.renewal.Unlock()
	for _, secret := range slices.Backward(previous) {
		s.accept(secret)
	}
	if key != nil {
		s.replace(key)
	}
}

// replace seals with the key from now on. The former key becomes a previous one.
func (s *Seal) replace(secret []byte) {
	keys := *s.keys.Load()
	if keys[0].is(secret) {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(keys), func(k *sealKey) bool { return k.is(secret) })
	keys = append([]*sealKey{newSealKey(secret)}, rest[:min(len(rest), mostPrevious)]...)
	s.keys.Store(&keys)
}

// accept makes the key the latest of the previous ones.
func (s *Seal) accept(secret []byte) {
	keys := *s.keys.Load()
	if slices.ContainsFunc(keys, func(k *sealKey) bool { return k.is(secret) }) {
		return
	}
	keys = slices.Insert(slices.Clone(keys), 1, newSealKey(secret))
	keys = keys[:min(len(keys), 1+mostPrevious)]
	s.keys.Store(&keys)
}

func newSealKey(secret []byte) *sealKey {
	derive := func(purpose string) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "leadgraph cursor "+purpose, 32)
		if err != nil {
			panic(err) // only for a length that SHA-256 cannot give
		}
		return key
	}
	block, err := aes.NewCipher(derive("encryption"))
	if err != nil {
		panic(err) // only for a key of another length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a cipher of another block size
	}
	nonces := derive("nonce")
	return &sealKey{secret: secret, aead: aead, macs: sync.Pool{New: func() any { return hmac.New(sha256.New, nonces) }}}
}

func (k *sealKey) is(secret []byte) bool { return bytes.Equal(k.secret, secret) }

// nonce appends the nonce of a plaintext and its context.
func (k *sealKey) nonce(dst, plain, bound []byte) []byte {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(plain)))
	_, _ = mac.Write(length[:]) // hashes never fail
	_, _ = mac.Write(plain)
	_, _ = mac.Write(bound)
	var room [sha256.Size]byte
	return append(dst, mac.Sum(room[:0])[:nonceBytes]...)
}

// bound returns what a text is bound to without holding it.
func (s *Seal) bound(version byte, caller string) []byte {
	bound := append(make([]byte, 0, 16+len(s.account)+len(caller)), version)
	bound = binary.AppendUvarint(bound, uint64(len(s.account)))
	bound = append(bound, s.account...)
	return append(bound, caller...)
}

// Text encodes the cursor for a caller. The text is URL-safe.
func (s *Seal) Text(c Cursor, caller string) string {
	return s.text(cursorVersion, c.marshal(), caller)
}

// text encrypts a plaintext of this version for a caller.
func (s *Seal) text(version byte, plain []byte, caller string) string {
	bound, key := s.bound(version, caller), s.current(renewEvery)[0]
	raw := append(make([]byte, 0, 1+nonceBytes+len(plain)+tagBytes), version)
	raw = key.nonce(raw, plain, bound)
	return base64.RawURLEncoding.EncodeToString(key.aead.Seal(raw, raw[1:], plain, bound))
}

// Open decodes a text that Text made for the same caller. For any other text,
// even another encoding of the same bytes, it returns a *CursorError.
func (s *Seal) Open(text, caller string) (Cursor, error) {
	raw, err := decodeText(text)
	switch {
	case err != nil:
		return Cursor{}, err
	case raw[0] == 1 && len(raw) == firstVersionBytes:
		return Cursor{}, ErrExpired
	}
	var c Cursor
	former, err := s.open(cursorVersion, raw, caller, c.unmarshal)
	switch {
	case err != nil:
		return Cursor{}, err
	case former && !c.AsOf.IsZero() && time.Since(c.AsOf) > previousLife:
		return Cursor{}, ErrExpired
	}
	return c, nil
}

// openDated decodes a text of this version. One that was made with a former key is valid for a
// day after asOf.
func (s *Seal) openDated(version byte, text, caller string, unmarshal func([]byte) bool, asOf *time.Time) error {
	raw, err := decodeText(text)
	if err != nil {
		return err
	}
	former, err := s.open(version, raw, caller, unmarshal)
	if err == nil && former && time.Since(*asOf) > previousLife {
		return ErrExpired
	}
	return err
}

// decodeText returns the bytes of a text, which are not empty.
func decodeText(text string) ([]byte, error) {
	if len(text) > MaxCursorLength { // a long text costs nothing
		return nil, ErrMalformed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) == 0 || base64.RawURLEncoding.EncodedLen(len(raw)) != len(text) {
		return nil, ErrMalformed
	}
	return raw, nil
}

// open decrypts the bytes of a text of this version and passes them to unmarshal, which
// reports whether they are well formed. former says that they were sealed with a previous
// key.
func (s *Seal) open(version byte, raw []byte, caller string, unmarshal func([]byte) bool) (former bool, err error) {
	if raw[0] != version || len(raw) < 1+nonceBytes+fillBytes+tagBytes {
		return false, ErrMalformed
	}
	nonce, sealed, bound := raw[1:1+nonceBytes], raw[1+nonceBytes:], s.bound(version, caller)
	for _, age := range []time.Duration{renewEvery, renewRefused} {
		for i, key := range s.current(age) {
			plain, err := key.aead.Open(nil, nonce, sealed, bound)
			if err != nil {
				continue
			}
			if !unmarshal(plain) {
				return false, ErrMalformed
			}
			return i > 0, nil
		}
	}
	return false, ErrForeign
}
