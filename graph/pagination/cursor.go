package pagination

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
)

// ErrCursor refuses a text that is no cursor. Its message is meant for the client.
var ErrCursor = errors.New("is not a cursor of this server")

// Kind says which way of reading leads a cursor belongs to.
type Kind uint8

// The kinds of lists. Their numbers are part of every cursor that clients hold.
const (
	KindUpstream  Kind = 1 // the upstream's own order, read by window
	KindCatalogue Kind = 2 // a list cut from the catalogue
)

// List names the list that a cursor points into. Fingerprint is a hash of filter
// and order, 0 for all leads in their plain order.
type List struct {
	Kind        Kind
	Fingerprint uint64
}

// Cursor points at a row of a list. It holds no personal data.
type Cursor struct {
	List
	// Ordinal is the row's position when the cursor was made, at most 2³¹-1.
	Ordinal int
	// Anchor is the AnchorHash of the row's id.
	Anchor uint64
}

// The layout is version, kind, ordinal, anchor, fingerprint, big-endian: 22
// bytes or 30 characters. With a 16-byte MAC behind it there would be 51
// characters, still below the 64 that are promised to clients.
const (
	cursorVersion = 1
	cursorBytes   = 1 + 1 + 4 + 8 + 8
)

// String encodes the cursor for clients, URL-safe.
func (c Cursor) String() string {
	raw := make([]byte, 0, cursorBytes)
	raw = append(raw, cursorVersion, byte(c.Kind))
	raw = binary.BigEndian.AppendUint32(raw, uint32(c.Ordinal))
	raw = binary.BigEndian.AppendUint64(raw, c.Anchor)
	raw = binary.BigEndian.AppendUint64(raw, c.Fingerprint)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseCursor reads what String wrote. Any other text, even another spelling of
// the same bytes, is ErrCursor.
func ParseCursor(text string) (Cursor, error) {
	// The length is checked first so that a long text costs nothing.
	if len(text) != base64.RawURLEncoding.EncodedLen(cursorBytes) {
		return Cursor{}, ErrCursor
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != cursorBytes || raw[0] != cursorVersion {
		return Cursor{}, ErrCursor
	}
	ordinal := binary.BigEndian.Uint32(raw[2:])
	c := Cursor{
		List:    List{Kind: Kind(raw[1]), Fingerprint: binary.BigEndian.Uint64(raw[14:])},
		Ordinal: int(ordinal),
		Anchor:  binary.BigEndian.Uint64(raw[6:]),
	}
	known := c.Kind == KindUpstream || c.Kind == KindCatalogue
	if !known || ordinal > math.MaxInt32 || c.String() != text {
		return Cursor{}, ErrCursor
	}
	return c, nil
}

// AnchorHash hashes a row's id for a cursor. Clients keep cursors, and any
// replica of any release must read them, so the hash is a fixed one; 64 bits of
// SHA-256 make two equal hashes among 100,000 rows a matter of 1 in 10⁹.
func AnchorHash(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}
