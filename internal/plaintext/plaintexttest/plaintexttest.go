// Package plaintexttest writes texts in the encodings that package plaintext reads.
package plaintexttest

import "unicode/utf16"

// Encodings returns the text in every encoding, by name.
func Encodings(text string) map[string]string {
	wide := func(text string, high int) string {
		var out []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			pair := [2]byte{}
			pair[high], pair[1-high] = byte(unit>>8), byte(unit)
			out = append(out, pair[:]...)
		}
		return string(out)
	}
	const mark = "\uFEFF"
	return map[string]string{
		"UTF-8": text, "UTF-8 with a mark": mark + text,
		"UTF-16LE": wide(text, 1), "UTF-16LE with a mark": wide(mark+text, 1),
		"UTF-16BE": wide(text, 0), "UTF-16BE with a mark": wide(mark+text, 0),
	}
}
