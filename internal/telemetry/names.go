package telemetry

import (
	"regexp"
	"sync"
)

// maxNames is the maximum number of operation names with a label of their own.
// This is more than one operator's front ends use, and few enough for Prometheus.
const maxNames = 100

// labelName matches a GraphQL name of at most 64 characters.
var labelName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,63}$`)

// names assigns labels to operation names, which clients choose. Names known from
// the start always have room. Other names get a label in the order of arrival,
// while there is room.
type names struct {
	known map[string]bool
	given sync.Map // name → label

	mu     sync.Mutex
	places int // labels left
	free   int // labels left for names that are not known
}

func newNames(known []string) *names {
	n := &names{known: map[string]bool{}, places: maxNames}
	for _, name := range known {
		if labelName.MatchString(name) {
			n.known[name] = true
		}
	}
	n.free = max(0, maxNames-len(n.known))
	return n
}

// label returns the label of a name. The label of an empty name is empty.
func (n *names) label(name string) string {
	if name == "" {
		return ""
	}
	if label, ok := n.given.Load(name); ok {
		return label.(string)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if label, ok := n.given.Load(name); ok {
		return label.(string)
	}
	switch known := n.known[name]; {
	case n.places == 0, !known && n.free == 0, !labelName.MatchString(name):
		return other
	case !known:
		n.free--
	}
	n.places--
	n.given.Store(name, name)
	return name
}
