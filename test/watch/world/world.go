// Package world is the platform of those who watch: a sandbox whose leads change all the
// time, and the truth about each state that a lead ever had.
package world

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"leadgraph/test/soak/pace"
	"leadgraph/upstream/sandbox"
)

// pageLatency is how long the platform takes for a page, so that a reading can be caught
// in the middle.
const pageLatency = 10 * time.Millisecond

// World is a platform that serves on the loopback, and everything that it ever had. It is
// safe for concurrent use.
type World struct {
	stand  *sandbox.Server
	origin string
	server *http.Server
	reader atomic.Pointer[call]

	mu      sync.RWMutex
	random  *rand.Rand
	version int
	lives   map[string]*life
	present []string // ids, in no order
}

// call is a request for a page of all leads.
type call struct {
	at   time.Time
	from string // address and port of who made it
}

// life is all that a lead ever was.
type life struct {
	states []State
	gone   bool
}

// State is what a lead was at a time: Label is another one after each change.
type State struct {
	Label, Status string
	Since         time.Time
}

// statuses are those of the platform, by their names in GraphQL.
var statuses = map[string]string{"ACTIVE": "Active", "SUSPENDED": "Suspended", "REMOVED": "Removed", "NOT_ACTIVE": "Not Active"}

// Start returns a world of so many leads. Close it after use.
func Start(ctx context.Context, leads int, seed uint64) (*World, error) {
	stand, err := sandbox.New(sandbox.Options{Leads: leads})
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &World{stand: stand, origin: "http://" + listener.Addr().String(), random: rand.New(rand.NewPCG(seed, 1)), lives: map[string]*life{}}
	for _, id := range stand.IDs() {
		w.born(id)
	}
	w.server = &http.Server{Handler: http.HandlerFunc(w.serve), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.server.Serve(listener) }() // until Close
	return w, nil
}

// Close ends the platform.
func (w *World) Close() error { return w.server.Close() }

func (w *World) serve(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("tenantId") == "" && r.URL.Path != sandbox.TokenPath {
		w.reader.Store(&call{time.Now(), r.RemoteAddr})
		if !pace.Rest(r.Context(), pageLatency) {
			return
		}
	}
	w.mu.RLock() // no page shows half of a change
	defer w.mu.RUnlock()
	w.stand.ServeHTTP(rw, r)
}

// Reader returns the address of who has asked for a page in the last moment; "" if nobody
// has.
func (w *World) Reader(moment time.Duration) string {
	if c := w.reader.Load(); c != nil && time.Since(c.at) < moment {
		return c.from
	}
	return ""
}

// Flags returns the flags that make leadgraph use the platform.
func (w *World) Flags() []string {
	return []string{
		"--upstream-url", w.origin + sandbox.BasePath, "--token-url", w.origin + sandbox.TokenPath, "--client-id", sandbox.DefaultClientID,
		"--client-secret", sandbox.DefaultClientSecret, "--scope", sandbox.DefaultScope,
	}
}

// born gives a lead its first label.
func (w *World) born(id string) {
	w.lives[id] = &life{}
	w.present = append(w.present, id)
	w.edit(id, w.status())
}

func (w *World) status() string {
	names := []string{"ACTIVE", "ACTIVE", "SUSPENDED", "REMOVED", "NOT_ACTIVE"}
	return names[w.random.IntN(len(names))]
}

// edit gives a lead another label, and a status. The truth is told first.
func (w *World) edit(id, status string) {
	w.version++
	label := fmt.Sprint("v", w.version)
	w.lives[id].states = append(w.lives[id].states, State{label, status, time.Now()})
	w.stand.Edit(id, map[string]any{"operatorId": label, "status": statuses[status], "isNotActive": nil})
}

// Change changes one lead: one comes, goes, moves in the list or is edited.
func (w *World) Change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.random.IntN(len(w.present))
	id := w.present[at]
	switch n := w.random.IntN(20); {
	case n == 0:
		w.born(w.stand.Insert(w.random.IntN(len(w.present)), 1)[0])
	case n == 1 && len(w.present) > 10:
		w.lives[id].gone = true
		w.present = slices.Delete(w.present, at, at+1)
		w.stand.Remove(slices.Index(w.stand.IDs(), id), 1)
	case n == 2:
		w.stand.Move(at, w.random.IntN(len(w.present)))
	case n < 10:
		w.edit(id, w.status())
	default:
		states := w.lives[id].states
		w.edit(id, states[len(states)-1].Status)
	}
}

// ErrNever is the error for what the platform never had.
var ErrNever = errors.New("the platform never had it")

// At returns the place of a state in the life of a lead, and when it began.
func (w *World) At(id, label, status string) (place int, since time.Time, err error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if l := w.lives[id]; l != nil {
		for i, s := range slices.Backward(l.states) {
			if s.Label == label && s.Status == status {
				return i, s.Since, nil
			}
		}
	}
	return 0, time.Time{}, fmt.Errorf("lead %s with %s and %s: %w", id, label, status, ErrNever)
}

// Gone tells whether a lead was removed.
func (w *World) Gone(id string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	l := w.lives[id]
	return l != nil && l.gone
}

// States returns all states of a lead until now.
func (w *World) States(id string) []State {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if l := w.lives[id]; l != nil {
		return slices.Clone(l.states)
	}
	return nil
}

// Now returns the place of the present state in the life of each lead that has one of the
// statuses, or of all leads if there are none.
func (w *World) Now(statuses []string) map[string]int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	places := map[string]int{}
	for _, id := range w.present {
		states := w.lives[id].states
		if last := states[len(states)-1]; len(statuses) == 0 || slices.Contains(statuses, last.Status) {
			places[id] = len(states) - 1
		}
	}
	return places
}
