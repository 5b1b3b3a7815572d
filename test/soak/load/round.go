package load

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"leadgraph/test/soak/client"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/pace"
	"leadgraph/test/soak/report"
)

// Round is clients that walk through lists while the lists change. The pages of a
// walk are answered by alternating servers.
type Round struct {
	*Load
	// Server returns the server for a turn. Turns that follow each other have
	// different servers if both are running.
	Server func(turn int) *client.Client
	// Change changes the platform's leads. In four of ten cases it changes the lead
	// with the given id.
	Change func(anchor string) error
}

// Walk makes all walkers walk until ctx ends. They finish the walks that are under
// way.
func (r *Round) Walk(ctx context.Context, walkers int) {
	var all sync.WaitGroup
	for number := range walkers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(r.Seed, uint64(number)))
			w := &walker{round: r, worker: worker{Load: r.Load, random: random, maker: operations.NewMaker(r.Seed, random, r.History, r.Places)}, begun: time.Now()}
			for pace.Rest(ctx, pace.UpTo(random, 20*time.Millisecond)) {
				if random.IntN(4) == 0 {
					w.compare(ctx)
				} else {
					w.walkAlong(ctx)
				}
			}
		})
	}
	all.Wait()
}

// walker is a client of a round.
type walker struct {
	worker
	round *Round
	begun time.Time
	turn  int
}

// next returns another server than before.
func (w *walker) next() *client.Client {
	w.turn++
	return w.round.Server(w.turn)
}

// compare asks for the same lead through every root field.
func (w *walker) compare(ctx context.Context) {
	r := client.Request{Way: client.ByPost, Operations: []operations.Operation{w.maker.Truth()}, Freshness: cacheControl(maxAges[w.random.IntN(len(maxAges))])}
	if r.Operations[0].Deferred {
		r.Way = client.ByParts
	}
	w.change(ctx, "")
	w.ask(context.WithoutCancel(ctx), w.next(), r)
}

// walkAlong walks through a list. Between its pages the list changes.
func (w *walker) walkAlong(ctx context.Context) {
	way := w.maker.RoundWalk()
	fixed := way.FromCatalogue()
	finish := context.WithoutCancel(ctx)
	w.pages(finish, way, func() (oracle.Object, bool) {
		way.Count = !fixed && w.random.IntN(3) == 0 // from the catalogue or from the platform
		freshness := cacheControl(maxAges[w.random.IntN(len(maxAges))])
		page, answered := w.step(finish, w.next, way, freshness)
		if !answered {
			w.Tally.Violation(report.Stuck, "%v: %s", w.failure, described(way))
		}
		w.change(ctx, way.Anchor)
		pace.Rest(ctx, pace.UpTo(w.random, 20*time.Millisecond))
		return page, answered
	})
}

// change changes the leads, after one page in three. Nothing changes in every third
// second.
func (w *walker) change(ctx context.Context, anchor string) {
	quiet := int(time.Since(w.begun).Seconds())%3 == 2
	if quiet || ctx.Err() != nil || w.random.IntN(3) > 0 {
		return
	}
	if err := w.round.Change(anchor); err != nil {
		w.Tally.Violation(report.TooLittle, "the leads could not be changed: %v", err)
	}
}
