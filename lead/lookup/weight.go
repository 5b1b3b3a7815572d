package lookup

import (
	"encoding/json"
	"math"
	"time"
	"unsafe"

	"leadgraph/lead"
)

// slotBytes is about the number of bytes that the cache itself needs for an entry.
const slotBytes = 256

// weigh estimates the memory of a remembered answer in bytes. It counts texts and
// structs, without the allocator's overhead.
func weigh(key string, r remembered) uint32 {
	bytes := slotBytes + len(key) + int(unsafe.Sizeof(r)) + len(r.Leads)*int(unsafe.Sizeof((*lead.Lead)(nil)))
	for _, l := range r.Leads {
		bytes += leadBytes(l)
	}
	return uint32(min(bytes, math.MaxUint32))
}

func leadBytes(l *lead.Lead) int {
	s := scale{bytes: int(unsafe.Sizeof(*l))}
	lead.Visit(&s, l)
	return s.bytes
}

// scale adds up the memory of the fields that it visits, in bytes. It does not count
// the struct that contains a field.
type scale struct{ bytes int }

var _ lead.Visitor = (*scale)(nil)

// Text implements lead.Visitor.
func (s *scale) Text(_ lead.Traits, text *string) { s.bytes += len(*text) }

// Optional implements lead.Visitor.
func (s *scale) Optional(_ lead.Traits, text **string) {
	if *text != nil {
		s.bytes += int(unsafe.Sizeof(**text)) + len(**text)
	}
}

// Texts implements lead.Visitor.
func (s *scale) Texts(_ lead.Traits, texts *[]string) {
	for _, text := range *texts {
		s.bytes += int(unsafe.Sizeof(text)) + len(text)
	}
}

// Raw implements lead.Visitor.
func (s *scale) Raw(_ lead.Traits, value *json.RawMessage) { s.bytes += len(*value) }

// Present implements lead.Visitor.
func (s *scale) Present(is bool, size uintptr) bool {
	if is {
		s.bytes += int(size)
	}
	return is
}

// Length implements lead.Visitor.
func (s *scale) Length(n int, size uintptr) int {
	s.bytes += max(n, 0) * int(size)
	return n
}

// Flag implements lead.Visitor. All leads share the booleans.
func (*scale) Flag(**bool) {}

// Moment implements lead.Visitor. A time is part of the struct.
func (*scale) Moment(*time.Time) {}

// Code implements lead.Visitor. A code is part of the struct.
func (*scale) Code(*uint8) {}
