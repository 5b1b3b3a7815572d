package pagination

import (
	"encoding/binary"
	"time"
)

// Kind is the way of reading leads that a cursor belongs to.
type Kind uint8

// The kinds of lists. Their numbers are part of every cursor that clients hold.
const (
	KindUpstream  Kind = 1 // all leads in the platform's own order
	KindCatalogue Kind = 2 // a list with a filter or an order
)

// List identifies the list that a cursor points into. Fingerprint is a hash of
// filter and order, or 0 for all leads in the platform's own order.
type List struct {
	Kind        Kind
	Fingerprint uint64
}

// Key is the place of a row in a list with an order. Rows are ordered by value,
// and rows of equal value by id.
type Key struct{ Value, ID string }

// Cursor points at a row of a list.
type Cursor struct {
	List
	// Log names the log that revisions are counted in. It is 0 until revisions
	// are counted; AsOf alone then tells which of two copies is older.
	Log uint64
	// AsOf is when reading the row began; zero means unknown.
	AsOf time.Time
	// Ordinal is the row's position when the cursor was made, at most 2³¹-1.
	Ordinal int
	// Anchor is a hash of the row's id; 0 with a Key.
	Anchor uint64
	// Key is the row's place in a list with an order, or nil for the platform's
	// own order.
	Key *Key
	// Before and After are the anchors of rows on both sides, the nearest first,
	// and Turns counts the pages of the walk that found anchors out of order.
	// They are only set in the platform's own order.
	Before, After []uint64
	Turns         int
}

// The kinds of places in a cursor's text.
const (
	placeAnchors = 1
	placeKey     = 2
)

// The plaintext is kind, kind of place, fingerprint, log, asOf in nanoseconds,
// ordinal, turns and anchor, big-endian, then the place. Zeros fill it up, so
// that the length of a text says little about the length of a name.
const (
	headBytes = 1 + 1 + 8 + 8 + 8 + 4 + 1 + 8
	fillBytes = 32
)

func (c Cursor) marshal() []byte {
	raw := make([]byte, 0, 384)
	place := byte(placeAnchors)
	if c.Key != nil {
		place = placeKey
	}
	raw = append(raw, byte(c.Kind), place)
	raw = binary.BigEndian.AppendUint64(raw, c.Fingerprint)
	raw = binary.BigEndian.AppendUint64(raw, c.Log)
	moment := int64(0)
	if !c.AsOf.IsZero() {
		moment = c.AsOf.UnixNano()
	}
	raw = binary.BigEndian.AppendUint64(raw, uint64(moment))
	raw = binary.BigEndian.AppendUint32(raw, uint32(c.Ordinal))
	raw = append(raw, byte(c.Turns))
	raw = binary.BigEndian.AppendUint64(raw, c.Anchor)
	if c.Key != nil {
		for _, text := range []string{c.Key.Value, c.Key.ID} {
			raw = binary.AppendUvarint(raw, uint64(len(text)))
			raw = append(raw, text...)
		}
	} else {
		for _, anchors := range [][]uint64{c.Before, c.After} {
			raw = append(raw, byte(len(anchors)))
			for _, anchor := range anchors {
				raw = binary.BigEndian.AppendUint64(raw, anchor)
			}
		}
	}
	return append(raw, make([]byte, (fillBytes-len(raw)%fillBytes)%fillBytes)...)
}

// unmarshal decodes what marshal has encoded. It reports false for anything else.
func (c *Cursor) unmarshal(raw []byte) bool {
	if len(raw) < headBytes {
		return false
	}
	c.List = List{Kind: Kind(raw[0]), Fingerprint: binary.BigEndian.Uint64(raw[2:])}
	c.Log = binary.BigEndian.Uint64(raw[10:])
	if moment := int64(binary.BigEndian.Uint64(raw[18:])); moment != 0 {
		c.AsOf = time.Unix(0, moment).UTC()
	}
	c.Ordinal = int(binary.BigEndian.Uint32(raw[26:]))
	c.Turns = int(raw[30])
	c.Anchor = binary.BigEndian.Uint64(raw[31:])
	place, raw := raw[1], raw[headBytes:]
	var ok bool
	switch place {
	case placeAnchors:
		for _, anchors := range []*[]uint64{&c.Before, &c.After} {
			if *anchors, raw, ok = cutAnchors(raw); !ok {
				return false
			}
		}
	case placeKey:
		c.Key = &Key{}
		for _, text := range []*string{&c.Key.Value, &c.Key.ID} {
			if *text, raw, ok = cutText(raw); !ok {
				return false
			}
		}
	default:
		return false
	}
	return len(raw) < fillBytes
}

func cutAnchors(raw []byte) (anchors []uint64, rest []byte, ok bool) {
	if len(raw) == 0 || len(raw) < 1+8*int(raw[0]) {
		return nil, nil, false
	}
	count, rest := int(raw[0]), raw[1:]
	for range count {
		anchors = append(anchors, binary.BigEndian.Uint64(rest))
		rest = rest[8:]
	}
	return anchors, rest, true
}

func cutText(raw []byte) (text string, rest []byte, ok bool) {
	length, n := binary.Uvarint(raw)
	if n <= 0 || length > uint64(len(raw)-n) {
		return "", nil, false
	}
	rest = raw[n:]
	return string(rest[:length]), rest[length:], true
}
