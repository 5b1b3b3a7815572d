package reader

import (
	"strings"

	"leadgraph/upstream/reader/scan"
)

// .NET writes a GUID in one of four forms: N has the 32 digits alone, D, the usual
// one, has hyphens, and B and P have braces or parentheses around D.

// guid returns the GUID in a text, in form D. It keeps the case of the digits. The
// result may lie in the parser's memory.
func (p *parser) guid(text string) (string, bool) {
	text = bareGUID(text)
	if len(text) == 32 && digitsOnly(text) {
		start := len(p.unescaped)
		for i, length := range []int{8, 4, 4, 4, 12} {
			if i > 0 {
				p.unescaped = append(p.unescaped, '-')
			}
			p.unescaped = append(p.unescaped, text[:length]...)
			text = text[length:]
		}
		text = view(p.unescaped[start:])
	}
	return text, isGUID(text)
}

// bareGUID removes space and the brackets of forms B and P.
func bareGUID(text string) string {
	text = strings.TrimSpace(text)
	if n := len(text); n == 38 && (text[0] == '{' && text[n-1] == '}' || text[0] == '(' && text[n-1] == ')') {
		return text[1 : n-1]
	}
	return text
}

// isGUID reports whether the text is a GUID in form D.
func isGUID(text string) bool {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return false
	}
	return digitsOnly(text[:8]) && digitsOnly(text[9:13]) && digitsOnly(text[14:18]) && digitsOnly(text[19:23]) && digitsOnly(text[24:])
}

// notHex has 1 for each byte that is no hexadecimal digit. Digits and letters alternate
// at random, so a branch for each would be mispredicted.
var notHex = func() (table [256]uint8) {
	for c := range table {
		if scan.HexValue(byte(c)) < 0 {
			table[c] = 1
		}
	}
	return table
}()

func digitsOnly(text string) bool {
	var other uint8
	for i := range len(text) {
		other |= notHex[text[i]]
	}
	return other == 0
}

const unsetGUID = "00000000-0000-0000-0000-000000000000"

// isZeroGUID reports whether the text is the GUID of zeros in any form. .NET uses it
// for an id that was never set.
func isZeroGUID(text string) bool {
	text = bareGUID(text)
	return text == unsetGUID || text == "00000000000000000000000000000000"
}

// optionalID reads an id. A blank one and the zero GUID mean that there is none.
func (p *parser) optionalID(i int, into **string) int {
	next := p.optionalText(i, into)
	if *into != nil && noID(**into) {
		*into = nil
	}
	return next
}

// optionalGUID reads an id that must be a GUID.
func (p *parser) optionalGUID(i int, into **string) int {
	next := p.optionalID(i, into)
	if *into == nil {
		return next
	}
	if id, ok := p.guid(**into); ok {
		**into = id
	} else {
		*into = nil
		p.note(p.path)
	}
	return next
}

// plainID reads an id that is empty if absent.
func (p *parser) plainID(i int, into *string) int {
	next := p.plainText(i, into)
	if noID(*into) {
		*into = ""
	}
	return next
}

func noID(text string) bool { return strings.TrimSpace(text) == "" || isZeroGUID(text) }
