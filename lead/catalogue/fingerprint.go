package catalogue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"leadgraph/lead"
)

// Fingerprint identifies the list that a filter and an order make, so that a
// cursor of one list is not taken for one of another. It is the same in every
// process and does not depend on the order or the repetition of values in
// lists, nor on the spelling where the filter does not regard it. It is 0 for,
// and only for, the unfiltered list in the platform's own order.
func Fingerprint(f *lead.Filter, o lead.Order) uint64 {
	o = normalOrder(o)
	if o == (lead.Order{}) && Empty(f) {
		return 0
	}
	direction := byte(0)
	if o.Descending {
		direction = 1
	}
	// The leading byte is the version of this encoding.
	sum := sha256.Sum256(append([]byte{1, byte(o.Field), direction}, canonical(f)...))
	return max(binary.BigEndian.Uint64(sum[:8]), 1)
}

// canonical encodes what the filter means; it is empty if f is.
func canonical(f *lead.Filter) []byte {
	if f == nil {
		return nil
	}
	var e encoding
	for i := range conditions {
		if c := &conditions[i]; c.set(f) {
			c.encode(&e, c.tag, f)
		}
	}
	// A nested filter without a condition adds nothing to "all of these".
	if all := slices.DeleteFunc(canonicals(f.And), func(c []byte) bool { return len(c) == 0 }); len(all) > 0 {
		e.set('&', all)
	}
	if f.Or != nil {
		e.set('|', canonicals(f.Or))
	}
	if f.Not != nil {
		e.field('!', canonical(f.Not))
	}
	return e
}

func canonicals(filters []*lead.Filter) [][]byte {
	all := make([][]byte, len(filters))
	for i, f := range filters {
		all[i] = canonical(f)
	}
	return all
}

// encoding is a sequence of fields, each a tag, a length and as many bytes, so
// that no two different sequences have the same bytes.
type encoding []byte

func (e *encoding) field(tag byte, value []byte) {
	*e = append(*e, tag)
	*e = binary.AppendUvarint(*e, uint64(len(value)))
	*e = append(*e, value...)
}

// Set writes values whose order and repetition mean nothing.
func (e *encoding) set(tag byte, values [][]byte) {
	slices.SortFunc(values, bytes.Compare)
	var members encoding
	for _, v := range slices.CompactFunc(values, bytes.Equal) {
		members.field('.', v)
	}
	e.field(tag, members)
}

func (e *encoding) flag(tag byte, value bool) {
	bit := byte(0)
	if value {
		bit = 1
	}
	e.field(tag, []byte{bit})
}

func (e *encoding) times(tag byte, r lead.TimeRange) {
	var bounds encoding
	for _, t := range []time.Time{r.From, r.To} {
		moment := binary.BigEndian.AppendUint64(nil, uint64(t.Unix()))
		bounds.field('.', binary.BigEndian.AppendUint32(moment, uint32(t.Nanosecond())))
	}
	e.field(tag, bounds)
}
