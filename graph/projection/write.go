package projection

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"time"
)

// output collects the rendered bytes of one field. It is the graphql.Marshaler
// that replaces the field's value.
type output struct {
	ctx       context.Context
	free      *buffers // takes the memory back; nil if it is used elsewhere
	bytes     []byte
	arguments []map[string]any // see compiler.withArguments
	problem   problem
}

// MarshalGQL implements graphql.Marshaler. It frees the memory, so it can be
// called only once, as the executor does.
func (o *output) MarshalGQL(w io.Writer) {
	_, _ = w.Write(o.bytes) // a Marshaler cannot return an error
	if o.free != nil {
		o.free.put(o.bytes)
	}
	o.bytes = nil
}

// fail sets a problem. Lists stop at once; objects continue.
func (o *output) fail(why problem) { o.problem = why }

func (o *output) null() { o.bytes = append(o.bytes, "null"...) }

// rowsPerCheck is the number of rows written between two checks of the context:
// far less than a millisecond.
const rowsPerCheck = 256

func (o *output) list(length int, element func(int)) {
	o.bytes = append(o.bytes, '[')
	for i := range length {
		if i > 0 {
			o.bytes = append(o.bytes, ',')
		}
		if i%rowsPerCheck == rowsPerCheck-1 && o.ctx.Err() != nil {
			o.fail(ended)
		}
		if o.problem != none {
			return
		}
		element(i)
	}
	o.bytes = append(o.bytes, ']')
}

// The following functions turn a writer of one value into a writer of another
// shape. Nil lists are null only where the name says so, otherwise empty.

// optional writes null for nil.
func optional[V any](value write[V]) write[*V] {
	return func(o *output, v *V) {
		if v == nil {
			o.null()
			return
		}
		value(o, *v)
	}
}

// list writes every element.
func list[V any](value write[V]) write[[]V] {
	return func(o *output, all []V) { o.list(len(all), func(i int) { value(o, all[i]) }) }
}

// nullable writes null for nil.
func nullable[T any](object write[*T]) write[*T] {
	return func(o *output, v *T) {
		if v == nil {
			o.null()
			return
		}
		object(o, v)
	}
}

// required fails for nil: the executor knows which parent becomes null.
func required[T any](object write[*T]) write[*T] {
	return func(o *output, v *T) {
		if v == nil {
			o.fail(forbiddenNull)
			return
		}
		object(o, v)
	}
}

// values writes every element without copying it.
func values[T any](object write[*T]) write[[]T] {
	return func(o *output, all []T) { o.list(len(all), func(i int) { object(o, &all[i]) }) }
}

// pointers fails for nil elements.
func pointers[T any](object write[*T]) write[[]*T] { return list(required(object)) }

// nullableLists writes null for a nil list and fails for nil elements.
func nullableLists[T any](object write[*T]) write[[][]*T] {
	inner := pointers(object)
	return list(func(o *output, all []*T) {
		if all == nil {
			o.null()
			return
		}
		inner(o, all)
	})
}

func boolean(o *output, v bool) { o.bytes = strconv.AppendBool(o.bytes, v) }

func integer(o *output, v int) { o.bytes = strconv.AppendInt(o.bytes, int64(v), 10) }

// raw writes JSON unchanged, and null if it is absent.
func raw(o *output, v json.RawMessage) {
	if len(v) == 0 {
		o.null()
		return
	}
	o.bytes = append(o.bytes, v...)
}

// moment writes a time as scalar.MarshalDateTime does; the zero time is null.
func moment(o *output, t time.Time) {
	if t.IsZero() {
		o.null()
		return
	}
	o.bytes = append(o.bytes, '"')
	o.bytes = t.UTC().AppendFormat(o.bytes, time.RFC3339Nano)
	o.bytes = append(o.bytes, '"')
}

// requiredMoment fails for the zero time.
func requiredMoment(o *output, t time.Time) {
	if t.IsZero() {
		o.fail(forbiddenNull)
		return
	}
	moment(o, t)
}

// text writes a string as graphql.MarshalString does: it escapes control
// characters, quotes and backslashes, and copies every other byte, valid UTF-8
// or not.
func text(o *output, s string) {
	b := o.bytes
	b = append(b, '"')
	for {
		plain := plainPrefix(s)
		b = append(b, s[:plain]...)
		if plain == len(s) {
			break
		}
		b = appendEscaped(b, s[plain])
		s = s[plain+1:]
	}
	b = append(b, '"')
	o.bytes = b
}

// plainPrefix returns the number of bytes in s before the first one that needs
// an escape. It checks eight bytes at a time with the arithmetic of "Bit
// Twiddling Hacks": the top bit of a byte of below(x, n) is set if that byte is
// less than n, and no top bit is set if no byte is.
func plainPrefix(s string) int {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, backslash := x^ones*'"', x^ones*'\\'
		if ((x-ones*' ')&^x|(quote-ones)&^quote|(backslash-ones)&^backslash)&tops != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\t':
		return append(b, `\t`...)
	case '\r':
		return append(b, `\r`...)
	case '\n':
		return append(b, `\n`...)
	default:
		const hex = "0123456789ABCDEF"
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}
