package reader

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions of this file walk over JSON in memory. They take a position and
// return the one behind what they read. Where they cannot go on, they return the
// complement ^p of the position p that stopped them; if p is the length of the
// text, it merely ended too early. They accept exactly what encoding/json does.

// maxDepth is how many arrays and objects may be open at once.
const maxDepth = 10_000

// Eight bytes are looked at together: a byte of such a word that is zero, or
// less than some n up to 128, is found by the borrow of a subtraction. Bytes
// above the first such one may be found by mistake, which the lowest bit hides.
const (
	eachByte = 0x0101010101010101
	topBits  = 0x8080808080808080
)

// textEnd returns the first position from i of a byte that is no plain part of a
// string: a quote, a backslash or a control character; len(b) if there is none.
// It also tells whether all bytes before are ASCII.
func textEnd(b []byte, i int) (end int, ascii bool) {
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

// skipText reads a string from behind its opening quote.
func skipText(b []byte, i int) int {
	for {
		i, _ = textEnd(b, i)
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

// skipEscape reads what follows a backslash.
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
			if i == len(b) || hexValue(b[i]) < 0 {
				return ^i
			}
		}
	}
	return ^i
}

func hexValue(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c | 0x20 - 'a' + 10)
	}
	return -1
}

func skipSpace(b []byte, i int) int {
	if i < len(b) && b[i] > ' ' { // mostly: this much is inlined
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

func skipLiteral(b []byte, i int, literal string) int {
	for n := range len(literal) {
		if i+n == len(b) || b[i+n] != literal[n] {
			return ^(i + n)
		}
	}
	return i + len(literal)
}

// skipNumber needs the byte behind the number to know that it is complete. A
// number never ends the text of an answer.
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

// skipDigits reads one digit or more.
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

// skipScalar reads a string, a number or a literal.
func skipScalar(b []byte, i int) int {
	if i == len(b) {
		return ^i
	}
	switch c := b[i]; {
	case c == '"':
		return skipText(b, i+1)
	case c == 'n':
		return skipLiteral(b, i, "null")
	case c == 't':
		return skipLiteral(b, i, "true")
	case c == 'f':
		return skipLiteral(b, i, "false")
	case c == '-' || '0' <= c && c <= '9':
		return skipNumber(b, i)
	}
	return ^i
}

// skipName reads the name of a member and its colon, to the member's value.
func skipName(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return ^i
	}
	if i = skipText(b, i+1); i < 0 {
		return i
	}
	if i+1 < len(b) && b[i] == ':' && b[i+1] > ' ' {
		return i + 1
	}
	return skipColon(b, i)
}

func skipColon(b []byte, i int) int {
	if i = skipSpace(b, i); i == len(b) || b[i] != ':' {
		return ^i
	}
	return skipSpace(b, i+1)
}

// skipValue reads any value, in which at most room arrays and objects may be
// open at once.
func skipValue(b []byte, i, room int) int {
	// The kinds of the open ones are bits, the innermost the lowest. Where a word
	// is too small, the next level has its own.
	const levels = 64
	var objects uint64
	depth := 0
	for {
		switch {
		case i == len(b):
			return ^i
		case b[i] == '"':
			i = skipText(b, i+1)
		case b[i] != '{' && b[i] != '[':
			i = skipScalar(b, i)
		case depth == room:
			return ^i
		case depth == levels:
			i = skipValue(b, i, room-levels)
		default:
			empty := b[i] + 2 // the closing bracket of either kind
			objects <<= 1
			if b[i] == '{' {
				objects |= 1
			}
			depth++
			i = skipSpace(b, i+1)
			if i < len(b) && b[i] == empty {
				break
			}
			if objects&1 != 0 {
				i = skipName(b, i)
			}
			if i < 0 {
				return i
			}
			continue
		}
		if i < 0 {
			return i
		}
		// Behind a value, or at the end of an empty array or object.
		for {
			if depth == 0 {
				return i
			}
			if i = skipSpace(b, i); i == len(b) {
				return ^i
			}
			if b[i] == ',' {
				i = skipSpace(b, i+1)
				if objects&1 != 0 {
					i = skipName(b, i)
				}
				break
			}
			if closing := byte(']' + objects&1<<5); b[i] != closing {
				return ^i
			}
			i++
			objects >>= 1
			depth--
		}
		if i < 0 {
			return i
		}
	}
}

// appendText appends what the inside of a well-formed string stands for. Where
// bytes or escapes make no character, it appends U+FFFD in their place.
func appendText(out, in []byte) []byte {
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

// escaped returns the UTF-16 unit that b begins with as \uXXXX, else -1.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		r = r<<4 | hexValue(c)
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
