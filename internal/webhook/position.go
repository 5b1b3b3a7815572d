package webhook

import (
	"fmt"

	"leadgraph/lead/changes"
)

// textOf returns the text of a position. It is stored; that of changes.Entry.Nth is the id of
// an event.
func textOf(at changes.Position) string {
	r := at.Revision
	return fmt.Sprintf("%x-%d-%x-%d", r.Log, r.Number, r.Tag, at.Index)
}

// positionOf returns the position of a text. It is the zero position, which has expired in
// every log, if the text is none of textOf.
func positionOf(text string) (at changes.Position) {
	r := &at.Revision
	_, err := fmt.Sscanf(text, "%x-%d-%x-%d", &r.Log, &r.Number, &r.Tag, &at.Index)
	if err != nil || textOf(at) != text {
		return changes.Position{}
	}
	return at
}
