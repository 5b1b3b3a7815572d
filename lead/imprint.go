package lead

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"
)

// Imprint compares leads. It reuses its memory, and is not safe for concurrent use.
type Imprint struct{ a, b []byte }

// Equal reports whether two leads have the same values in their parts. It ignores
// AsOf. It compares addresses only together with their locations.
func (i *Imprint) Equal(a, b *Lead, parts Parts) bool {
	i.a, i.b = imprint(i.a[:0], a, parts), imprint(i.b[:0], b, parts)
	return bytes.Equal(i.a, i.b)
}

// Size estimates the memory of a lead in bytes.
func (i *Imprint) Size(l *Lead) int {
	i.a = imprint(i.a[:0], l, AllParts)
	return 512 + 2*len(i.a)
}

func imprint(into []byte, l *Lead, parts Parts) []byte {
	if !parts.Has(PartLocations) {
		parts &^= PartCivicAddresses
	}
	w := &imprinter{into}
	if parts == AllParts {
		Visit(w, l)
		return w.data
	}
	for i := range LeadFields {
		if parts.Has(LeadFields[i].Part) {
			Walk(w, LeadFields[i:i+1], l)
		}
	}
	return w.data
}

// imprinter appends the values that it visits.
type imprinter struct{ data []byte }

var _ Visitor = (*imprinter)(nil)

func (w *imprinter) size(n int) { w.data = binary.AppendVarint(w.data, int64(n)) }

// Text implements Visitor.
func (w *imprinter) Text(_ Traits, text *string) {
	w.size(len(*text))
	w.data = append(w.data, *text...)
}

// Optional implements Visitor.
func (w *imprinter) Optional(t Traits, text **string) {
	if *text == nil {
		w.size(-1)
		return
	}
	w.Text(t, *text)
}

// Flag implements Visitor.
func (w *imprinter) Flag(flag **bool) {
	switch {
	case *flag == nil:
		w.size(-1)
	case **flag:
		w.size(1)
	default:
		w.size(0)
	}
}

// Moment implements Visitor.
func (w *imprinter) Moment(t *time.Time) {
	w.size(int(t.Unix()))
	w.size(t.Nanosecond())
}

// Texts implements Visitor. An empty list and a missing one mean the same.
func (w *imprinter) Texts(t Traits, texts *[]string) {
	w.size(len(*texts))
	for i := range *texts {
		w.Text(t, &(*texts)[i])
	}
}

// Raw implements Visitor.
func (w *imprinter) Raw(_ Traits, value *json.RawMessage) {
	w.size(len(*value))
	w.data = append(w.data, *value...)
}

// Code implements Visitor.
func (w *imprinter) Code(code *uint8) { w.data = append(w.data, *code) }

// Present implements Visitor.
func (w *imprinter) Present(is bool, _ uintptr) bool {
	w.size(map[bool]int{true: 1}[is])
	return is
}

// Length implements Visitor.
func (w *imprinter) Length(n int, _ uintptr) int {
	w.size(max(n, 0))
	return n
}

// Copy returns a copy of a lead that shares no memory with it.
func Copy(l *Lead) *Lead {
	l = Clone(l)
	Visit(textCopier{}, l)
	return l
}

// textCopier replaces the texts that it visits by copies.
type textCopier struct{}

var _ Visitor = textCopier{}

// Text implements Visitor.
func (textCopier) Text(_ Traits, text *string) { *text = strings.Clone(*text) }

// Optional implements Visitor.
func (textCopier) Optional(_ Traits, text **string) {
	if *text != nil {
		*text = new(strings.Clone(**text))
	}
}

// Texts implements Visitor.
func (textCopier) Texts(_ Traits, texts *[]string) {
	for i := range *texts {
		(*texts)[i] = strings.Clone((*texts)[i])
	}
}

// Raw implements Visitor.
func (textCopier) Raw(_ Traits, value *json.RawMessage) { *value = bytes.Clone(*value) }

// Flag implements Visitor. All leads share the booleans.
func (textCopier) Flag(**bool) {}

// Moment implements Visitor. A time is part of the struct.
func (textCopier) Moment(*time.Time) {}

// Code implements Visitor. A code is part of the struct.
func (textCopier) Code(*uint8) {}

// Present implements Visitor.
func (textCopier) Present(is bool, _ uintptr) bool { return is }

// Length implements Visitor.
func (textCopier) Length(n int, _ uintptr) int { return n }
