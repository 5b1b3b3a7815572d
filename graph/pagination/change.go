package pagination

import (
	"encoding/binary"
	"time"
)

// changeVersion is the first byte of a change cursor. Texts of different versions are
// encrypted for different contexts, so none is ever taken for another kind of cursor.
const changeVersion = 3

// ChangeCursor is a position in a log of changes, as a client keeps it.
type ChangeCursor struct {
	// Log, Revision, Tag and Index are the position; see changes.Position.
	Log, Revision uint64
	Index         int
	// Fingerprint is that of the filter.
	Fingerprint uint64
	// AsOf is when the leads at the position were read.
	AsOf time.Time
	Tag  uint64
}

// changeBytes is the length of the plaintext: log, revision, index, fingerprint, asOf in
// nanoseconds and tag, big-endian, filled up with zeros.
const changeBytes = 2 * fillBytes

func (c ChangeCursor) marshal() []byte {
	raw := make([]byte, 0, changeBytes)
	for _, number := range []uint64{c.Log, c.Revision, uint64(c.Index), c.Fingerprint, uint64(c.AsOf.UnixNano()), c.Tag} {
		raw = binary.BigEndian.AppendUint64(raw, number)
	}
	return raw[:changeBytes]
}

// unmarshal decodes what marshal has encoded. It reports false for anything else.
func (c *ChangeCursor) unmarshal(raw []byte) bool {
	if len(raw) != changeBytes {
		return false
	}
	number := func(i int) uint64 { return binary.BigEndian.Uint64(raw[8*i:]) }
	*c = ChangeCursor{
		Log: number(0), Revision: number(1), Index: int(number(2)), Fingerprint: number(3),
		AsOf: time.Unix(0, int64(number(4))).UTC(), Tag: number(5),
	}
	return true
}

// ChangeText encodes the cursor for a caller. The text is URL-safe.
func (s *Seal) ChangeText(c ChangeCursor, caller string) string {
	return s.text(changeVersion, c.marshal(), caller)
}

// OpenChange decodes a text that ChangeText made for the same caller. For any other text it
// returns a *CursorError.
func (s *Seal) OpenChange(text, caller string) (c ChangeCursor, err error) {
	if err = s.openDated(changeVersion, text, caller, c.unmarshal, &c.AsOf); err != nil {
		return ChangeCursor{}, err
	}
	return c, nil
}
