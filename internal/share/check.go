package share

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"leadgraph/lead"
)

// maxRaw bounds the undocumented JSON inside a contact, in bytes. The reader of the
// platform's answers has the same bound.
const maxRaw = 16 << 10

// sound reports whether a lead could come from the platform: its ids exist, its values
// are values of the schema's scalars, its texts are UTF-8 and its JSON is well-formed.
// Whoever can write to the server could store any lead.
func sound(l *lead.Lead) bool {
	c := checker{ok: true}
	lead.Visit(&c, l)
	c.want(isID(l.ID) && isGUID(l.TenantID) && isID(l.TenantID))
	c.want(l.UMPCustomerGUID == nil || isGUID(*l.UMPCustomerGUID))
	c.want(l.Status <= lead.StatusRemoved)
	for _, code := range l.ConsentedCountries {
		c.want(isCountry(code))
	}
	for i := range l.CivicAddresses {
		a := &l.CivicAddresses[i]
		c.want(isID(a.ID) && (a.Country == nil || isCountry(*a.Country)) && a.ValidationStatus <= lead.ValidationNotValidated)
		for j := range a.Locations {
			c.want(isID(a.Locations[j].ID))
		}
	}
	return c.ok
}

// soundOf returns a check for leads of one tenant, whose id is in lower case.
func soundOf(tenantID string) func(*lead.Lead) bool {
	return func(l *lead.Lead) bool { return strings.EqualFold(l.TenantID, tenantID) && sound(l) }
}

// isID reports whether a text can be an id: it is neither blank nor the GUID of zeros.
func isID(text string) bool {
	return strings.TrimSpace(text) != "" && (!isGUID(text) || strings.Trim(text, "0-") != "")
}

// isGUID reports whether the text is 8, 4, 4, 4 and 12 hexadecimal digits.
func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i] | 0x20; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if text[i] != '-' {
				return false
			}
		case (text[i] < '0' || text[i] > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

func isCountry(code string) bool {
	return len(code) == 2 && isLetter(code[0]) && isLetter(code[1])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// checker checks the values of a lead by their types.
type checker struct{ ok bool }

func (c *checker) want(holds bool) { c.ok = c.ok && holds }

// Text implements lead.Visitor.
func (c *checker) Text(_ lead.Traits, text *string) { c.want(utf8.ValidString(*text)) }

// Optional implements lead.Visitor.
func (c *checker) Optional(_ lead.Traits, text **string) {
	c.want(*text == nil || utf8.ValidString(**text))
}

// Texts implements lead.Visitor.
func (c *checker) Texts(_ lead.Traits, texts *[]string) {
	for _, text := range *texts {
		c.want(utf8.ValidString(text))
	}
}

// Raw implements lead.Visitor. JSON is copied into answers as it is, so it must be
// compact: an event of server-sent events cannot have line breaks.
func (c *checker) Raw(_ lead.Traits, raw *json.RawMessage) {
	if *raw == nil {
		return
	}
	if len(*raw) > maxRaw || !utf8.Valid(*raw) {
		c.want(false)
		return
	}
	var compact bytes.Buffer
	c.want(json.Compact(&compact, *raw) == nil && bytes.Equal(compact.Bytes(), *raw))
}

// Flag implements lead.Visitor.
func (*checker) Flag(**bool) {}

// Code implements lead.Visitor.
func (*checker) Code(*uint8) {}

// Moment implements lead.Visitor. Other years have no text form, or mean "unset".
func (c *checker) Moment(at *time.Time) {
	c.want(at.IsZero() || 1 < at.Year() && at.Year() <= 9999)
}

// Present implements lead.Visitor.
func (*checker) Present(is bool, _ uintptr) bool { return is }

// Length implements lead.Visitor.
func (*checker) Length(n int, _ uintptr) int { return n }
