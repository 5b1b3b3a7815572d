package scan

import (
	"encoding/binary"
	"math/bits"
)

// The literals as the words that binary.LittleEndian reads, "false" without its f.
const (
	nullWord  = 'n' | 'u'<<8 | 'l'<<16 | 'l'<<24
	trueWord  = 't' | 'r'<<8 | 'u'<<16 | 'e'<<24
	falseWord = 'a' | 'l'<<8 | 's'<<16 | 'e'<<24
)

// compactLevels is how deep compact follows, and compactRoom how many bytes must be in
// the buffer where a value or a name begins.
const (
	compactLevels = 64
	compactRoom   = 11 // of a text: its quote, eight bytes that are seen together, its end and what follows
)

// compact skips a value that is written as serialisers write it: without space outside
// texts, and followed by other text. It is about twice as fast as anyValue, and skips
// nothing that anyValue would not. It reports false if that must be asked: the value is
// written in another way, is not well-formed, or ends with the buffer.
func compact(b []byte, i, room int) (next int, ok bool) {
	var objects uint64              // as in anyValue
	depth, name := 0, false         // name: the name of a member follows
	room = min(room, compactLevels) // objects has no more bits
	for i+compactRoom <= len(b) {
		switch c := b[i]; {
		case c == '"':
			i++
			stop := stops(b, i)
			for stop == 0 && i+8+compactRoom <= len(b) {
				i += 8
				stop = stops(b, i)
			}
			if i += bits.TrailingZeros64(stop) >> 3; b[i] == '"' {
				i++
			} else if i = Text(b, i); i < 0 || i == len(b) {
				return 0, false
			}
			if name && b[i] == ':' {
				i, name = i+1, false
				continue
			}
		case name || c != '{' && c != '[':
			if i = compactScalar(b, i); i < 0 {
				return 0, false
			}
		case depth == room:
			return 0, false
		default:
			name = c == '{'
			i, depth, objects = i+1, depth+1, objects<<1|uint64(c>>5&1) // bit 5 tells { from [
			if b[i] != c+2 {
				continue
			}
			name = false // it is empty: c+2 closes either kind
		}
		for depth > 0 && i < len(b) && b[i] == byte(']'+objects&1<<5) {
			i, depth, objects = i+1, depth-1, objects>>1
		}
		if depth == 0 && !name {
			return i, true
		}
		if name || i == len(b) || b[i] != ',' {
			return 0, false
		}
		i, name = i+1, objects&1 != 0
	}
	return 0, false
}

// stops marks the first of the eight bytes at i that is a quote, a backslash or a control
// character, as TextEnd does.
func stops(b []byte, i int) uint64 {
	x := binary.LittleEndian.Uint64(b[i:])
	quote, backslash := x^(eachByte*'"'), x^(eachByte*'\\')
	return ((quote-eachByte)&^quote | (backslash-eachByte)&^backslash | (x-eachByte*' ')&^x) & topBits
}

// compactScalar skips a literal or a number.
func compactScalar(b []byte, i int) int {
	switch word := binary.LittleEndian.Uint32(b[i:]); {
	case word == nullWord, word == trueWord:
		return i + 4
	case b[i] == 'f' && binary.LittleEndian.Uint32(b[i+1:]) == falseWord:
		return i + 5
	}
	return Scalar(b, i)
}
