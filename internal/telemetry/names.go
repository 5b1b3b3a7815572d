package telemetry

import (
	"regexp"
	"sync"
)

// maxNames is how many operations have a label of their own: more than the
// front-ends of one operator have, few enough for a Prometheus.
const maxNames = 100

// labelName is what GraphQL lets a name be, but no longer than a label should be.
var labelName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,63}$`)

// names gives labels to the names of operations, which clients choose: to those
// known from the start and, while there is room, to others as they come.
type names struct {
	known map[string]bool
	given sync.Map // name → label

	mu     sync.Mutex
	places int // left
	free   int // of them, for names that are not known
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

// label returns the label of a name; an operation without a name has none.
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
