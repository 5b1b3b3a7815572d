// Package follower watches leads as clients do, over each transport, and checks every
// change against the truth.
package follower

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"leadgraph/test/soak/pace"
	"leadgraph/test/watch/world"
)

// Batch is what a server sends at once.
type Batch struct {
	Changes []Change
	Cursor  string
	Reset   bool
}

// Change is a change of one lead as it arrives.
type Change struct {
	Kind         string
	Lead, Before *Lead
	RemovedID    string
}

// Lead is what a follower selects of a lead.
type Lead struct{ ID, OperatorID, Status string }

// stream yields batches until it fails or ends.
type stream interface {
	next() (Batch, error)
	close()
}

// errCode is the code of an error of GraphQL.
type errCode string

// Error implements error.
func (e errCode) Error() string { return "error " + string(e) }

// expired is the code of a cursor whose changes are no longer known.
const expired = errCode("CHANGE_CURSOR_EXPIRED")

// Follower keeps a copy of a list in step.
type Follower struct {
	// Transport is one of Transports.
	Transport string
	// Statuses is the filter; empty means all leads.
	Statuses []string
	// Reset asks for a reset instead of an error if the cursor has expired.
	Reset bool
	// Forgives says that the log of changes may be lost, so that a reset is no violation.
	Forgives bool
	// Slow is a pause after each batch.
	Slow time.Duration
	// Careless loses one in twenty batches before it has applied them, with its connection.
	Careless bool
	World    *world.World
	Tally    *Tally
	Random   *rand.Rand
	// Server returns the endpoint of a server that runs.
	Server func() string

	cursor string
	mu     sync.Mutex // of the copy
	has    map[string]*copied
}

// copied is what a follower knows of a lead.
type copied struct {
	place   int // in the life of the lead
	here    bool
	chained bool // a change has told it, not the list
}

// The pauses of a client that comes back.
const (
	firstPause = 50 * time.Millisecond
	poll       = 500 * time.Millisecond
)

// Run lists and follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	for f.cursor == "" {
		if err := f.list(ctx); err != nil && !pace.Rest(ctx, pace.Between(f.Random, firstPause, 6*firstPause)) {
			return
		}
	}
	for ctx.Err() == nil {
		err := f.watch(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, expired):
			f.reset("the cursor has expired")
			f.cursor = ""
			f.Run(ctx)
			return
		}
		f.Tally.Count("reconnects")
		pace.Rest(ctx, pace.Between(f.Random, firstPause, 6*firstPause))
	}
}

// list reads the list and the cursor from which to go on.
func (f *Follower) list(ctx context.Context) error {
	var answer struct {
		Leads struct {
			Nodes        []Lead
			ChangeCursor string
		}
	}
	variables := map[string]any{"filter": f.filter()}
	err := ask(ctx, f.Server(), `query($filter: LeadFilter) { leads(first: 1000, filter: $filter) { nodes { id operatorId status } changeCursor } }`, variables, &answer)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.has = map[string]*copied{}
	for _, l := range answer.Leads.Nodes {
		place, _, err := f.World.At(l.ID, l.OperatorID, l.Status)
		if err != nil {
			f.Tally.Add(Foreign, "%s, in the list: %v", f.Transport, err)
		}
		f.has[l.ID] = &copied{place: place, here: true}
	}
	f.cursor = answer.Leads.ChangeCursor
	f.Tally.Count("lists")
	return nil
}

func (f *Follower) filter() map[string]any {
	if len(f.Statuses) == 0 {
		return nil
	}
	return map[string]any{"status": f.Statuses}
}

// watch applies batches until the stream ends.
func (f *Follower) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		b, err := s.next()
		if err != nil {
			return err
		}
		if f.Careless && f.Random.IntN(20) == 0 {
			f.Tally.Count("batches lost on purpose")
			return errors.New("the connection is lost")
		}
		if b.Reset {
			f.reset("a reset")
			return f.list(ctx)
		}
		f.Tally.Count("batches")
		f.mu.Lock()
		for _, c := range b.Changes {
			f.apply(c)
		}
		f.mu.Unlock()
		f.cursor = b.Cursor
		pace.Rest(ctx, f.Slow)
	}
}

// reset notes that changes may be missing, so the list is read again.
func (f *Follower) reset(why string) {
	if f.Forgives {
		f.Tally.Count("resets because the log was lost")
	} else {
		f.Tally.Add(Resets, "%s: %s", f.Transport, why)
	}
}

// InStep tells whether the copy is the platform's list, and how it differs.
func (f *Follower) InStep() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	want := f.World.Now(f.Statuses)
	for id, c := range f.has {
		if _, there := want[id]; c.here && !there {
			return fmt.Errorf("%s has lead %s, which is not in the list", f.Transport, id)
		}
	}
	for id, last := range want {
		c := f.has[id]
		if c == nil || !c.here {
			return fmt.Errorf("%s misses lead %s", f.Transport, id)
		}
		if c.place != last {
			return fmt.Errorf("%s has lead %s in state %d, not %d", f.Transport, id, c.place, last)
		}
	}
	return nil
}

func (f *Follower) matches(l *Lead) bool {
	return l != nil && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, l.Status))
}
