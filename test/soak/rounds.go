package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"leadgraph/test/soak/child"
	"leadgraph/test/soak/load"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/platform"
	"leadgraph/upstream/sandbox"
)

const (
	// walkers is the number of clients of a round.
	walkers                   = 4
	shortestRound             = 5 * time.Second
	longestRound              = 20 * time.Second
	drainDelay                = 300 * time.Millisecond
	roundLookups, roundLeads  = time.Second, time.Second // how long they are fresh
	roundRevalidate, roundFar = 2 * time.Second, 20 * time.Second
)

// rounds walks through changing lists, in one round after the other. Each round has
// a platform of its own, which cuts its pages in its own way, and two servers, which
// share a Redis in every other round.
func (k *soak) rounds(ctx context.Context, binary string) error {
	shared := ""
	if child.RedisInstalled() {
		redis, err := child.StartRedis(ctx, k.dir, false)
		if err != nil {
			return err
		}
		defer func() { _ = redis.Stop() }() // it has nothing to keep
		shared = redis.URL
	} else {
		k.say("no redis-server is installed; all servers do without")
	}
	whole := time.Duration(float64(k.duration) * k.walks)
	length := min(max(k.duration/10, shortestRound), longestRound)
	pagings := platform.Pagings()
	first := int(k.seed % uint64(len(pagings))) // a short soak has few rounds
	for number := range int(whole / length) {
		r := round{soak: k, number: number, length: length, paging: pagings[(first+number)%len(pagings)]}
		if number%2 == 1 {
			r.redis = shared
		}
		if err := r.run(ctx, binary); err != nil {
			return fmt.Errorf("round %d: %w", number, err)
		}
	}
	return context.Cause(ctx)
}

// round is one round.
type round struct {
	*soak
	number int
	length time.Duration
	paging platform.Paging
	redis  string // URL; empty if the servers share nothing
}

func (r *round) ages() oracle.Ages {
	return oracle.Ages{
		Lookup: roundLookups, NoLead: roundLookups, Fresh: roundLeads, Revalidate: roundRevalidate, IfFailing: roundFar,
		Reading: upstreamTimeout, Torn: true,
	}
}

// flags returns the flags of both servers. In every other pair of rounds they have a
// cursor key, otherwise they must agree without.
func (r *round) flags(p *platform.Platform) []string {
	flags := append(settingsOf(r.ages(), refreshTimeout), p.Flags()...)
	flags = append(flags, "--drain-delay", drainDelay.String())
	if r.paging.PageZero == sandbox.PageZeroError {
		flags = append(flags, "--first-page", "1") // as leadgraph doctor advises
	}
	if r.number/2%2 == 0 {
		flags = append(flags, "--cursor-key", base64.StdEncoding.EncodeToString(make([]byte, 32)))
	}
	if r.redis != "" {
		// The same Redis serves all rounds: what another platform had is told apart by its URL.
		flags = append(flags, "--redis-url", r.redis, "--redis-timeout", "500ms")
	}
	return flags
}

// run walks for the length of the round.
func (r *round) run(ctx context.Context, binary string) (err error) {
	moves := r.number/3%2 == 1
	r.say("round %d: %s, Redis %v, moves %v", r.number, r.paging.Name, r.redis != "", moves)
	p, err := platform.StartPaged(ctx, r.paging)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Down()) }()
	editor, err := platform.NewEditor(p, rand.New(rand.NewPCG(r.seed, uint64(r.number))), moves, r.tally.Changed)
	if err != nil {
		return err
	}
	f := &fleet{soak: r.soak, name: fmt.Sprintf("round-%d", r.number), binary: binary, flags: r.flags(p)}
	defer func() { err = errors.Join(err, f.down(0), f.down(1)) }()
	if err := errors.Join(f.up(ctx, 0), f.up(ctx, 1)); err != nil {
		return err
	}
	clients := &load.Round{
		Load: &load.Load{
			Client: f.pick(0), History: editor.History, Places: &operations.Places{}, Tally: r.tally,
			Ages: r.ages(), Deadline: requestTimeout + r.margin, Seed: r.seed + uint64(r.number),
		},
		Server: f.pick, Change: editor.Change,
	}
	within, cancel := context.WithTimeout(ctx, r.length)
	defer cancel()
	var beside sync.WaitGroup
	beside.Go(func() { err = f.restart(within, r.length) })
	clients.Walk(within, walkers)
	beside.Wait()
	return err
}
