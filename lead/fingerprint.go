package lead

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// Fingerprint identifies the list that a filter and an order make, so that a
// cursor of one list is not taken for one of another. It is the same in every
// process and does not depend on the order or the repetition of values in
// lists, nor on the spelling where the filter does not regard it. It is 0 for,
// and only for, the unfiltered list in the platform's own order.
func Fingerprint(f *Filter, o Order) uint64 {
	o = o.normal()
	filter := f.canonical()
	if len(filter) == 0 && o == (Order{}) {
		return 0
	}
	direction := byte(0)
	if o.Descending {
		direction = 1
	}
	// The leading byte is the version of this encoding.
	sum := sha256.Sum256(append([]byte{1, byte(o.Field), direction}, filter...))
	return max(binary.BigEndian.Uint64(sum[:8]), 1)
}

// canonical encodes what the filter means; it is empty if f has no condition.
func (f *Filter) canonical() []byte {
	if f == nil {
		return nil
	}
	var e encoding
	e.list('t', f.TenantIDs, strings.ToLower)
	if f.Statuses != nil {
		statuses := make([][]byte, len(f.Statuses))
		for i, s := range f.Statuses {
			statuses[i] = []byte{byte(s)}
		}
		e.set('s', statuses)
	}
	e.flag('d', f.IsDirectLead)
	e.flag('u', f.HasCustomer)
	e.list('c', f.ConsentedCountries, strings.ToUpper)
	e.list('h', f.ChannelIDs, verbatim)
	e.times('o', f.ConsentedOn)
	e.times('m', f.LastModifiedOn)
	if needle := newFolder().needle(f.Search); needle != "" {
		e.field('q', []byte(needle))
	}
	if all := canonicals(f.And); len(all) > 0 {
		// A nested filter without a condition adds nothing to "all of these".
		all = slices.DeleteFunc(all, func(c []byte) bool { return len(c) == 0 })
		if len(all) > 0 {
			e.set('&', all)
		}
	}
	if f.Or != nil {
		e.set('|', canonicals(f.Or))
	}
	if f.Not != nil {
		e.field('!', f.Not.canonical())
	}
	return e
}

func canonicals(filters []*Filter) [][]byte {
	all := make([][]byte, len(filters))
	for i, f := range filters {
		all[i] = f.canonical()
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

// set writes values whose order and repetition mean nothing.
func (e *encoding) set(tag byte, values [][]byte) {
	slices.SortFunc(values, bytes.Compare)
	var members encoding
	for _, v := range slices.CompactFunc(values, bytes.Equal) {
		members.field('.', v)
	}
	e.field(tag, members)
}

func (e *encoding) list(tag byte, values []string, normal func(string) string) {
	if values == nil {
		return
	}
	all := make([][]byte, len(values))
	for i, v := range values {
		all[i] = []byte(normal(v))
	}
	e.set(tag, all)
}

func (e *encoding) flag(tag byte, value *bool) {
	switch {
	case value == nil:
	case *value:
		e.field(tag, []byte{1})
	default:
		e.field(tag, []byte{0})
	}
}

func (e *encoding) times(tag byte, r TimeRange) {
	if r.isOpen() {
		return
	}
	var bounds encoding
	for _, t := range []time.Time{r.From, r.To} {
		moment := binary.BigEndian.AppendUint64(nil, uint64(t.Unix()))
		bounds.field('.', binary.BigEndian.AppendUint32(moment, uint32(t.Nanosecond())))
	}
	e.field(tag, bounds)
}

// verbatim is the normal form of values that have only one spelling.
func verbatim(s string) string { return s }
