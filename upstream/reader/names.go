package reader

import (
	"strings"

	"leadgraph/upstream/reader/scan"
)

// memberNames finds the members of one kind of object by name. Rows usually have
// their members in the same order, so it first tries the member that came next in
// the last object.
type memberNames struct {
	list []string
	// next[n] is the index of the member that last followed member n-1. next[0] is
	// the member that an object last started with.
	next []uint8
	last int // 1 + the index of the member found last; 0 at the start of an object
}

func namesOf[T any](members []member[T]) memberNames {
	n := memberNames{list: make([]string, len(members)), next: make([]uint8, len(members)+1)}
	for i, m := range members {
		n.list[i] = m.name
		n.next[i] = uint8(i)
	}
	return n
}

// find reads a member's name at i and its colon. It returns the index of the member,
// or -1 if it is unknown, and the position of its value.
func (n *memberNames) find(b []byte, i int) (found, value int) {
	if i == len(b) || b[i] != '"' {
		return -1, ^i
	}
	guess := n.next[n.last]
	name := n.list[guess]
	end := i + 1 + len(name)
	if end+2 < len(b) && b[end] == '"' && b[end+1] == ':' && b[end+2] > ' ' && string(b[i+1:end]) == name {
		n.last = int(guess) + 1
		return int(guess), end + 2
	}
	return n.search(b, i+1)
}

func (n *memberNames) search(b []byte, i int) (found, value int) {
	end := scan.Text(b, i)
	if end < 0 {
		return -1, end
	}
	value = scan.Colon(b, end)
	if value == len(b) {
		value = ^value
	}
	found = n.index(b[i : end-1])
	if found >= 0 {
		n.next[n.last] = uint8(found)
		n.last = found + 1
	}
	return found, value
}

// separators are what .NET's naming policies put between the words of a name.
var separators = strings.NewReplacer("_", "", "-", "")

// index returns the index of a name in any case, or -1. It ignores underscores and
// hyphens, because .NET has naming policies for snake_case and kebab-case. text is the
// inside of a JSON string.
func (n *memberNames) index(text []byte) int {
	for i, name := range n.list {
		if string(text) == name {
			return i
		}
	}
	if _, ascii := scan.TextEnd(text, 0); !ascii || strings.IndexByte(view(text), '\\') >= 0 {
		text = scan.AppendText(nil, text)
	}
	for i, name := range n.list {
		if strings.EqualFold(view(text), name) {
			return i
		}
	}
	if bare := separators.Replace(view(text)); len(bare) < len(text) {
		for i, name := range n.list {
			if strings.EqualFold(bare, name) {
				return i
			}
		}
	}
	return -1
}
