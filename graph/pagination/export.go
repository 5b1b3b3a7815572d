package pagination

import (
	"encoding/binary"
	"time"
)

// exportVersion is the first byte of an export cursor; see changeVersion.
const exportVersion = 4

// ErrOtherExport is the error for a cursor of an export of other rows, fields or format.
var ErrOtherExport = &CursorError{"list", "belongs to an export with other fields, filter, order or format"}

// ExportCursor is a place in an export of all leads of one revision, as a client keeps it.
type ExportCursor struct {
	// Log, Revision and Tag name the revision; see catalogue.Revision.
	Log, Revision, Tag uint64
	// Content is a hash of all else that decides what is exported.
	Content uint64
	// Rows is the number of rows before the place.
	Rows int
	// AsOf is when the leads were read.
	AsOf time.Time
}

// exportBytes is the length of the plaintext: log, revision, tag, content, rows and asOf in
// nanoseconds, big-endian, filled up with zeros.
const exportBytes = 2 * fillBytes

func (c ExportCursor) marshal() []byte {
	raw := make([]byte, 0, exportBytes)
	for _, number := range []uint64{c.Log, c.Revision, c.Tag, c.Content, uint64(c.Rows), uint64(c.AsOf.UnixNano())} {
		raw = binary.BigEndian.AppendUint64(raw, number)
	}
	return raw[:exportBytes]
}

// unmarshal decodes what marshal has encoded. It reports false for anything else.
func (c *ExportCursor) unmarshal(raw []byte) bool {
	if len(raw) != exportBytes {
		return false
	}
	number := func(i int) uint64 { return binary.BigEndian.Uint64(raw[8*i:]) }
	*c = ExportCursor{
		Log: number(0), Revision: number(1), Tag: number(2), Content: number(3), Rows: int(number(4)),
		AsOf: time.Unix(0, int64(number(5))).UTC(),
	}
	return true
}

// ExportText encodes the cursor for a caller. The text is URL-safe.
func (s *Seal) ExportText(c ExportCursor, caller string) string {
	return s.text(exportVersion, c.marshal(), caller)
}

// OpenExport decodes a text that ExportText made for the same caller. For any other text it
// returns a *CursorError.
func (s *Seal) OpenExport(text, caller string) (c ExportCursor, err error) {
	if err = s.openDated(exportVersion, text, caller, c.unmarshal, &c.AsOf); err != nil {
		return ExportCursor{}, err
	}
	return c, nil
}
