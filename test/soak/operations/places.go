package operations

import (
	"math/rand/v2"
	"sync"

	"leadgraph/test/soak/oracle"
)

// place is a cursor and the id of its lead.
type place struct{ cursor, id string }

// Places remembers some cursors of the list of all leads in the platform's
// order. It is safe for concurrent use.
type Places struct {
	mu   sync.Mutex
	kept []place
}

const keptPlaces = 256

// add remembers the cursors of a page.
func (p *Places) add(random *rand.Rand, page oracle.Object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, edge := range oracle.Elements(page["edges"]) {
		edge := edge.(oracle.Object)
		found := place{edge["cursor"].(string), edge["node"].(oracle.Object)["id"].(string)}
		if len(p.kept) < keptPlaces {
			p.kept = append(p.kept, found)
			continue
		}
		p.kept[random.IntN(keptPlaces)] = found
	}
}

// any returns one of the places at random. It is empty if there is none.
func (p *Places) any(random *rand.Rand) place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) == 0 {
		return place{}
	}
	return pick(random, p.kept)
}
