package operations

import (
	"time"

	"leadgraph/test/soak/oracle"
)

// Walk returns a walk through a list at random, at its start.
func (m *Maker) Walk() *oracle.Walk {
	w := oracle.Window{Size: 100 + m.random.IntN(400), Selected: pick(m.random, m.flat), Next: true, Previous: true, Backward: m.one(3)}
	if m.one(2) {
		w.Query, w.Size = randomQuery(m.random, m.history), 20+m.random.IntN(200)
	}
	w.Count = w.Backward || m.one(2) // only the catalogue knows the end of the list
	w.Edges = true
	return &oracle.Walk{Window: w, Begun: time.Now()}
}

// RoundWalk returns a walk with small pages through a list of any kind, at its start.
func (m *Maker) RoundWalk() *oracle.Walk {
	w := oracle.Window{Size: 4 + m.random.IntN(38), Selected: pick(m.random, m.flat), Next: true, Previous: true, Edges: true, Backward: m.one(3)}
	switch m.random.IntN(5) {
	case 0: // all leads in the platform's own order
	case 1:
		w.Filter, w.Matches = randomFilter(m.random, m.history, true)
	case 2:
		w.Query = m.ofSomeTenants()
	case 3:
		w.Field, w.Descending = randomOrder(m.random)
	default:
		w.Query = randomQuery(m.random, m.history)
		w.Field, w.Descending = randomOrder(m.random)
	}
	return &oracle.Walk{Window: w, Begun: time.Now()}
}

// Step returns the operation that asks for the next page of a walk.
func (m *Maker) Step(w *oracle.Walk) Operation {
	return newOperation(m.random, "walk", false, m.window("leads", w.Window))
}
