package webhook

import (
	"fmt"

	"leadgraph/lead/changes"
)

// textOf returns the text of a position. It is stored, and the id of the event of the change
// before it.
func textOf(log *changes.Log, at changes.Position) string {
	return fmt.Sprintf("%x-%d-%d", log.ID(), at.Revision, at.Index)
}

// positionOf returns the position of a text. It is the zero position, which has expired in
// every log, if the text is of another log or none of textOf.
func positionOf(log *changes.Log, text string) (at changes.Position) {
	var id uint64
	_, err := fmt.Sscanf(text, "%x-%d-%d", &id, &at.Revision, &at.Index)
	if err != nil || id != log.ID() || textOf(log, at) != text {
		return changes.Position{}
	}
	return at
}
