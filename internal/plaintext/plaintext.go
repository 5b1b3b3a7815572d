// Package plaintext reads texts in the encodings that programs on Windows write: UTF-8
// or UTF-16, with or without a byte order mark.
package plaintext

import (
	"bytes"

	"golang.org/x/text/encoding/unicode"
)

// Decode returns a text in UTF-8 without a byte order mark. UTF-16 without a mark is
// recognised by a zero byte in its first unit, so the text must start with an ASCII
// character then. Text in UTF-8 without a mark is returned as it is.
func Decode(text []byte) []byte {
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(text, []byte("\xEF\xBB\xBF")):
		return text[3:]
	case bytes.HasPrefix(text, []byte("\xFF\xFE")), len(text) >= 2 && text[0] != 0 && text[1] == 0:
	case bytes.HasPrefix(text, []byte("\xFE\xFF")), len(text) >= 2 && text[0] == 0 && text[1] != 0:
		order = unicode.BigEndian
	default:
		return text
	}
	decoded, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(text)
	if err != nil { // not reached: bad units become U+FFFD
		return text
	}
	return decoded
}

// Trimmed decodes a text and removes the white space around it.
func Trimmed(text []byte) string { return string(bytes.TrimSpace(Decode(text))) }
