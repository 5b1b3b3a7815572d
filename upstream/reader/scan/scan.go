// Package scan skips JSON in memory.
//
// Its functions take a position and return the position after what they skipped. If they
// cannot continue at a position p, they return its complement ^p. If p is the length of
// the text, the text only ended too early. They accept exactly what encoding/json
// accepts.
package scan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how many arrays and objects may be open at the same time.
const MaxDepth = 10_000

// TextEnd examines eight bytes at a time. In such a word, the borrow of a subtraction
// marks each byte that is zero, or less than a given n of at most 128. Bytes above the
// first match may be marked by mistake, so only the lowest mark is used.
const (
	eachByte = 0x0101010101010101
	topBits  = 0x8080808080808080
)

// TextEnd returns the position of the first byte from i on that is a quote, a
// backslash or a control character, or len(b) if there is none. It also reports
// whether all bytes before that position are ASCII.
func TextEnd(b []byte, i int) (end int, ascii bool) {
	var seen uint64
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, backslash := x^(eachByte*'"'), x^(eachByte*'\\')
		found := ((quote-eachByte)&^quote | (backslash-eachByte)&^backslash | (x-eachByte*' ')&^x) & topBits
		if found != 0 {
			first := found & -found
			seen |= x & (first>>7 - 1)
			return i + bits.TrailingZeros64(first)>>3, seen&topBits == 0
		}
		seen |= x
	}
	for ; i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' '; i++ {
		seen |= uint64(b[i])
	}
	return i, seen&topBits == 0
}

// Text skips a string whose opening quote is before i.
func Text(b []byte, i int) int {
	for {
		i, _ = TextEnd(b, i)
		if i == len(b) {
			return ^i
		}
		if b[i] == '"' {
			return i + 1
		}
		if b[i] != '\\' {
			return ^i
		}
		if i = skipEscape(b, i+1); i < 0 {
			return i
		}
	}
}

// skipEscape skips the rest of an escape, whose backslash is before i.
func skipEscape(b []byte, i int) int {
	if i == len(b) {
		return ^i
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for end := i + 5; ; {
			if i++; i == end {
				return i
			}
			if i == len(b) || HexValue(b[i]) < 0 {
				return ^i
			}
		}
	}
	return ^i
}

// HexValue returns the value of a hexadecimal digit, or -1.
func HexValue(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c | 0x20 - 'a' + 10)
	}
	return -1
}

// Space skips space.
func Space(b []byte, i int) int {
	if i < len(b) && b[i] > ' ' { // the usual case, which is inlined
		return i
	}
	return skipSpaces(b, i)
}

func skipSpaces(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// Literal skips a literal.
func Literal(b []byte, i int, literal string) int {
	for n := range len(literal) {
		if i+n == len(b) || b[i+n] != literal[n] {
			return ^(i + n)
		}
	}
	return i + len(literal)
}

// skipNumber skips a number. It needs the byte after the number to know that the
// number is complete. The text of an answer never ends with a number.
func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = skipDigits(b, i); i < 0 {
		return i
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return i
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i = skipDigits(b, i); i < 0 {
			return i
		}
	}
	if i == len(b) {
		return ^i
	}
	return i
}

// skipDigits skips one or more digits.
func skipDigits(b []byte, i int) int {
	start := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i == start {
		return ^i
	}
	return i
}

// Scalar skips a string, a number or a literal.
func Scalar(b []byte, i int) int {
	if i == len(b) {
		return ^i
	}
	switch c := b[i]; {
	case c == '"':
		return Text(b, i+1)
	case c == 'n':
		return Literal(b, i, "null")
	case c == 't':
		return Literal(b, i, "true")
	case c == 'f':
		return Literal(b, i, "false")
	case c == '-' || '0' <= c && c <= '9':
		return skipNumber(b, i)
	}
	return ^i
}

// Name skips the name of a member and its colon, up to the member's value.
func Name(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return ^i
	}
	if i = Text(b, i+1); i < 0 {
		return i
	}
	if i+1 < len(b) && b[i] == ':' && b[i+1] > ' ' {
		return i + 1
	}
	return Colon(b, i)
}

// Colon skips the colon after a name, up to the member's value.
func Colon(b []byte, i int) int {
	if i = Space(b, i); i == len(b) || b[i] != ':' {
		return ^i
	}
	return Space(b, i+1)
}

// Value skips any value. At most room arrays and objects in it may be open at
// the same time.
func Value(b []byte, i, room int) int {
	if next, ok := compact(b, i, room); ok {
		return next
	}
	return anyValue(b, i, room)
}

// anyValue is Value for text that compact does not know.
func anyValue(b []byte, i, room int) int {
	// objects has one bit for each open array (0) or object (1), the innermost in the
	// lowest bit. A value nested deeper than levels is skipped by a call of its own.
	const levels = 64
	var objects uint64
	depth := 0
	for {
		switch {
		case i == len(b):
			return ^i
		case b[i] == '"':
			i = Text(b, i+1)
		case b[i] != '{' && b[i] != '[':
			i = Scalar(b, i)
		case depth == room:
			return ^i
		case depth == levels:
			i = anyValue(b, i, room-levels)
		default:
			empty := b[i] + 2 // the closing bracket of either kind
			objects <<= 1
			if b[i] == '{' {
				objects |= 1
			}
			depth++
			i = Space(b, i+1)
			if i < len(b) && b[i] == empty {
				break
			}
			if objects&1 != 0 {
				i = Name(b, i)
			}
			if i < 0 {
				return i
			}
			continue
		}
		if i < 0 {
			return i
		}
		if i, objects, depth = skipClosing(b, i, objects, depth); i < 0 || depth == 0 {
			return i
		}
	}
}

// skipClosing skips what is between two values of anyValue: brackets, a comma, and
// the name of a member. If depth is 0 after it, there is no other value.
func skipClosing(b []byte, i int, objects uint64, depth int) (next int, stillObjects uint64, stillOpen int) {
	for depth > 0 {
		if i = Space(b, i); i == len(b) {
			return ^i, objects, depth
		}
		if b[i] == ',' {
			i = Space(b, i+1)
			if objects&1 != 0 {
				i = Name(b, i)
			}
			return i, objects, depth
		}
		if closing := byte(']' + objects&1<<5); b[i] != closing {
			return ^i, objects, depth
		}
		i++
		objects >>= 1
		depth--
	}
	return i, objects, depth
}

// AppendText appends the value of a well-formed string, given without its quotes.
// It replaces bytes or escapes that are not a valid character with U+FFFD.
func AppendText(out, in []byte) []byte {
	for i := 0; i < len(in); {
		switch c := in[i]; {
		case c == '\\' && in[i+1] == 'u':
			r := escaped(in[i:])
			i += 6
			if utf16.IsSurrogate(r) {
				if r = utf16.DecodeRune(r, escaped(in[i:])); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		case c == '\\':
			out = append(out, unescape(in[i+1]))
			i += 2
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, size := utf8.DecodeRune(in[i:])
			out = utf8.AppendRune(out, r)
			i += size
		}
	}
	return out
}

// escaped returns the UTF-16 unit if b begins with \uXXXX, and -1 otherwise.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		r = r<<4 | HexValue(c)
	}
	return r
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
