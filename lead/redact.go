package lead

import (
	"encoding/json"
	"time"
)

// Redacted returns a copy of the lead for callers who may not see personal data. It
// replaces every personal value by the mask, also one that is absent: otherwise the
// mask would tell who has, for example, a telephone number. A list becomes one mask.
// If the mask is nil, the values become absent.
func (l *Lead) Redacted(mask *string) *Lead {
	copied := Clone(l)
	Visit(redactor{mask}, copied)
	return copied
}

// redactor replaces the personal values that it visits.
type redactor struct{ mask *string }

var _ Visitor = redactor{}

// Text implements Visitor.
func (r redactor) Text(t Traits, text *string) {
	switch {
	case !t.Has(Personal):
	case r.mask == nil:
		*text = ""
	default:
		*text = *r.mask
	}
}

// Optional implements Visitor.
func (r redactor) Optional(t Traits, text **string) {
	if t.Has(Personal) {
		*text = r.mask
	}
}

// Texts implements Visitor.
func (r redactor) Texts(t Traits, texts *[]string) {
	switch {
	case !t.Has(Personal):
	case r.mask == nil:
		*texts = nil
	default:
		*texts = []string{*r.mask}
	}
}

// Raw implements Visitor.
func (r redactor) Raw(t Traits, value *json.RawMessage) {
	if !t.Has(Personal) {
		return
	}
	*value = nil
	if r.mask != nil {
		*value, _ = json.Marshal(*r.mask) // never fails for a string
	}
}

// Flag implements Visitor. No flag is personal.
func (redactor) Flag(**bool) {}

// Moment implements Visitor. No time is personal.
func (redactor) Moment(*time.Time) {}

// Code implements Visitor. No status is personal.
func (redactor) Code(*uint8) {}

// Present implements Visitor.
func (redactor) Present(is bool, _ uintptr) bool { return is }

// Length implements Visitor.
func (redactor) Length(n int, _ uintptr) int { return n }
