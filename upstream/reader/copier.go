package reader

import (
	"encoding/json"
	"strings"
	"time"

	"leadgraph/lead"
)

// copier copies leads out of the parser's memory with few allocations: one for all
// texts of a lead, one for the strings that pointers refer to, and one for each kind
// of part. Leads share the texts that many of them have.
type copier struct {
	common map[string]*string

	// text holds all texts of the lead that is being copied, places where they
	// belong, and slots counts the optional ones.
	text   []byte
	places []place
	slots  int
}

// place is where texts of the lead belong. One of the three fields is set.
type place struct {
	text     *string
	optional **string
	list     *[]string
}

var _ lead.Visitor = (*copier)(nil)

const (
	// maxCommon is the largest number of shared texts, and maxCommonLen the largest
	// length of one, in bytes. A UUID has this length.
	maxCommon    = 1 << 10
	maxCommonLen = 36
)

func newCopier() *copier { return &copier{common: map[string]*string{}} }

// copied moves the texts of x to memory of their own and returns x. x must be a copy of
// the record that shares no slice or pointer to a struct with it, and have these fields.
func copied[T any](c *copier, x *T, fields []lead.Field[T]) *T {
	c.text, c.places, c.slots = c.text[:0], c.places[:0], 0
	lead.Walk(c, fields, x)
	c.assign()
	return x
}

// assign copies the collected texts and stores them in their places.
func (c *copier) assign() {
	texts, slots := string(c.text), make([]string, c.slots)
	take := func(text *string) {
		n := len(*text)
		*text, texts = texts[:n], texts[n:]
	}
	for _, at := range c.places {
		switch {
		case at.text != nil:
			take(at.text)
		case at.optional != nil:
			slots[0] = **at.optional
			*at.optional, slots = &slots[0], slots[1:]
			take(*at.optional)
		default:
			for i := range *at.list {
				take(&(*at.list)[i])
			}
		}
	}
}

// Text implements lead.Visitor.
func (c *copier) Text(t lead.Traits, text *string) {
	switch {
	case *text == "":
		*text = "" // the old value still refers to the parser's memory
	case t.Has(lead.Common):
		*text = *c.shared(*text)
	default:
		c.text = append(c.text, *text...)
		c.places = append(c.places, place{text: text})
	}
}

// Optional implements lead.Visitor.
func (c *copier) Optional(t lead.Traits, text **string) {
	switch {
	case *text == nil:
	case t.Has(lead.Common):
		*text = c.shared(**text)
	default:
		c.slots++
		c.text = append(c.text, **text...)
		c.places = append(c.places, place{optional: text})
	}
}

// Texts implements lead.Visitor.
func (c *copier) Texts(t lead.Traits, texts *[]string) {
	for i := range *texts {
		if t.Has(lead.Common) {
			(*texts)[i] = *c.shared((*texts)[i])
		} else {
			c.text = append(c.text, (*texts)[i]...)
		}
	}
	if !t.Has(lead.Common) && len(*texts) > 0 {
		c.places = append(c.places, place{list: texts})
	}
}

// Raw implements lead.Visitor. The parser has allocated the value for this lead.
func (*copier) Raw(lead.Traits, *json.RawMessage) {}

// Flag implements lead.Visitor. All records share the booleans.
func (*copier) Flag(**bool) {}

// Moment implements lead.Visitor. A time refers to no memory of the parser.
func (*copier) Moment(*time.Time) {}

// Code implements lead.Visitor. A code refers to no memory of the parser.
func (*copier) Code(*uint8) {}

// Present implements lead.Visitor.
func (*copier) Present(is bool, _ uintptr) bool { return is }

// Length implements lead.Visitor.
func (*copier) Length(n int, _ uintptr) int { return n }

// shared returns a copy of text. Equal texts have the same copy, as long as there
// are few and short ones.
func (c *copier) shared(text string) *string {
	if known, ok := c.common[text]; ok {
		return known
	}
	own := strings.Clone(text)
	if len(own) <= maxCommonLen && len(c.common) < maxCommon {
		c.common[own] = &own
	}
	return &own
}
