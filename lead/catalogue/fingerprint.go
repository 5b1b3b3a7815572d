package catalogue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"leadgraph/lead"
)

// Fingerprint returns a hash of a filter and orders, so that a cursor of one
// list is refused for another. The hash is the same in every process. It ignores
// the order and repetition of values in lists, and spelling that makes no
// difference to the filter. It is 0 only for all leads in the platform's own order.
func Fingerprint(f *lead.Filter, orders ...lead.Order) uint64 {
	orders = normalOrder(orders)
	if len(orders) == 0 && Empty(f) {
		return 0
	}
	// The leading byte is the version of this encoding. The first one has one order.
	head := []byte{1}
	if len(orders) == 0 {
		orders = []lead.Order{{}}
	} else if len(orders) > 1 {
		head = []byte{2, byte(len(orders))}
	}
	for _, o := range orders {
		direction := byte(0)
		if o.Descending {
			direction = 1
		}
		head = append(head, byte(o.Field), direction)
	}
	sum := sha256.Sum256(append(head, canonical(f)...))
	return max(binary.BigEndian.Uint64(sum[:8]), 1)
}

// canonical encodes the meaning of a filter. It is empty if f is.
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
	// A nested filter without a condition does not change an and.
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

// encoding is a sequence of fields. Each is a tag, a length and as many bytes, so
// that different sequences never have the same bytes.
type encoding []byte

func (e *encoding) field(tag byte, value []byte) {
	*e = append(*e, tag)
	*e = binary.AppendUvarint(*e, uint64(len(value)))
	*e = append(*e, value...)
}

// set writes values whose order and repetition have no meaning.
func (e *encoding) set(tag byte, values [][]byte) {
	slices.SortFunc(values, bytes.Compare)
	var members encoding
	for _, v := range slices.CompactFunc(values, bytes.Equal) {
		members.field('.', v)
	}
	e.field(tag, members)
}

// encodeValues writes a list of values in their normal form.
func encodeValues[K any](e *encoding, tag byte, values []K, normal func(K) K, encoded func(K) []byte) {
	members := make([][]byte, 0, len(values))
	for _, v := range values {
		members = append(members, encoded(normal(v)))
	}
	e.set(tag, members)
}

func (e *encoding) addresses(tag byte, f *lead.AddressFilter) {
	var inner encoding
	if f.Countries != nil {
		encodeValues(&inner, 'c', f.Countries, strings.ToUpper, textBytes)
	}
	if f.ValidationStatuses != nil {
		encodeValues(&inner, 'v', f.ValidationStatuses, verbatim, func(v lead.ValidationStatus) []byte { return []byte{byte(v)} })
	}
	if f.Missing != nil {
		inner.flag('m', *f.Missing)
	}
	e.field(tag, inner)
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
	for _, bound := range []*time.Time{r.From, r.To} {
		var t time.Time // an open bound is written as the zero time
		if bound != nil {
			t = *bound
		}
		moment := binary.BigEndian.AppendUint64(nil, uint64(t.Unix()))
		moment = binary.BigEndian.AppendUint32(moment, uint32(t.Nanosecond()))
		if bound != nil && t.IsZero() {
			moment = append(moment, 1)
		}
		bounds.field('.', moment)
	}
	e.field(tag, bounds)
}
