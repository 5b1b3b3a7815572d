package projection

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"leadgraph/graph/generated"
)

const (
	// maxTextBytes is what the texts of a projector may have together, in bytes, and maxTexts
	// is their number. Each also holds its plan and a change.
	maxTextBytes, maxTexts = 8 << 20, 256
	// longestText is about what 100 changed leads with all fields take, in bytes. Longer
	// texts are not kept, since they would displace most others.
	longestText = maxTextBytes / 8
)

// texts keeps rendered lists of changes, since many subscribers get the same list. It is
// safe for concurrent use.
type texts struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[textKey, []byte]
	bytes int
}

// textKey identifies a list by its first change, which belongs to no other list of that
// length. The list must not change.
type textKey struct {
	plan      *plan
	first     *generated.LeadChange
	length    int
	arguments string
}

func newTexts() *texts {
	t := &texts{}
	t.lru, _ = simplelru.NewLRU(maxTexts, func(_ textKey, text []byte) { t.bytes -= len(text) }) // fails only without room
	return t
}

func (t *texts) get(key textKey) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lru.Get(key)
}

func (t *texts) add(key textKey, text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(text) > longestText || t.lru.Contains(key) {
		return
	}
	t.lru.Add(key, slices.Clone(text))
	for t.bytes += len(text); t.bytes > maxTextBytes; {
		t.lru.RemoveOldest()
	}
}

// once writes a list of changes, or what it has written of the same list before.
func (t *texts) once(plan *plan, out *output, list []*generated.LeadChange) {
	arguments, err := json.Marshal(out.arguments)
	if err != nil || len(list) == 0 {
		plan.fill(out, list)
		return
	}
	key := textKey{plan, list[0], len(list), string(arguments)}
	text, known := t.get(key)
	if known {
		out.bytes, out.free = text, nil
		return
	}
	plan.fill(out, list)
	if out.problem == none {
		t.add(key, out.bytes)
	}
}
