package pagination

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"sync"
)

// ErrCursor is the error for a text that is not a cursor. Its message is for
// the client.
var ErrCursor = errors.New("is not a cursor of this server")

// Kind is the way of reading leads that a cursor belongs to.
type Kind uint8

// The kinds of lists. Their numbers are part of every cursor that clients hold.
const (
	KindUpstream  Kind = 1 // the upstream's own order, read in windows
	KindCatalogue Kind = 2 // a list from the catalogue
)

// List identifies the list that a cursor points into. Fingerprint is a hash of
// filter and order, or 0 for all leads in the platform's own order.
type List struct {
	Kind        Kind
	Fingerprint uint64
}

// Cursor points at a row of a list. It holds no personal data.
type Cursor struct {
	List
	// Ordinal is the row's position when the cursor was made, at most 2³¹-1.
	Ordinal int
	// Anchor is a hash of the row's id: Source.Hash or the hash given to Cut.
	Anchor uint64
}

// The layout is version, kind, ordinal, anchor and fingerprint, big-endian, and
// a MAC of these: 38 bytes or 51 characters, below the 64 that are promised to
// clients.
const (
	cursorVersion = 1
	cursorBytes   = 1 + 1 + 4 + 8 + 8
	macBytes      = 16
)

// Seal encodes cursors as texts for clients and decodes them. A text is valid
// only for the caller it was made for. Others cannot make one: a forged cursor
// could make the upstream search for a row that does not exist. Seal is safe
// for concurrent use.
type Seal struct {
	macs sync.Pool // of hash.Hash: making one costs more than using it
}

// NewSeal returns a seal with a secret key of at least 32 random bytes.
// Replicas with the same key accept each other's cursors.
func NewSeal(key []byte) *Seal {
	return &Seal{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// mac appends the MAC of raw for the caller.
func (s *Seal) mac(raw []byte, caller string) []byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	_, _ = mac.Write(raw) // hashes never fail
	_, _ = io.WriteString(mac, caller)
	var room [sha256.Size]byte
	return append(raw, mac.Sum(room[:0])[:macBytes]...)
}

// Text encodes the cursor for a caller. The text is URL-safe.
func (s *Seal) Text(c Cursor, caller string) string {
	raw := make([]byte, 0, cursorBytes+macBytes)
	raw = append(raw, cursorVersion, byte(c.Kind))
	raw = binary.BigEndian.AppendUint32(raw, uint32(c.Ordinal))
	raw = binary.BigEndian.AppendUint64(raw, c.Anchor)
	raw = binary.BigEndian.AppendUint64(raw, c.Fingerprint)
	return base64.RawURLEncoding.EncodeToString(s.mac(raw, caller))
}

// Open decodes a text that Text made for the same caller. For any other text,
// even another encoding of the same bytes, it returns ErrCursor.
func (s *Seal) Open(text, caller string) (Cursor, error) {
	// Check the length first, so that a long text costs nothing.
	if len(text) != base64.RawURLEncoding.EncodedLen(cursorBytes+macBytes) {
		return Cursor{}, ErrCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != cursorBytes+macBytes || raw[0] != cursorVersion {
		return Cursor{}, ErrCursor
	}
	sealed := s.mac(append(make([]byte, 0, len(raw)), raw[:cursorBytes]...), caller)
	if !hmac.Equal(sealed, raw) {
		return Cursor{}, ErrCursor
	}
	return Cursor{
		List:    List{Kind: Kind(raw[1]), Fingerprint: binary.BigEndian.Uint64(raw[14:])},
		Ordinal: int(binary.BigEndian.Uint32(raw[2:])),
		Anchor:  binary.BigEndian.Uint64(raw[6:]),
	}, nil
}
