package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/peers"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/truth"
	"leadgraph/test/bench/workload"
)

// arena is what the rounds of the comparison with peers have in common.
type arena struct {
	*bench
	known   map[string]*truth.Truth // of each workload
	digests map[string]string       // of the answers of each server to each workload
	failed  map[string]bool         // servers that failed in a workload
	// theirs is what each caller of leadgraph as users run it may ask: cursors belong to
	// the caller that they were given to.
	theirs []workload.Data
	errs   []error
}

// contests compares leadgraph with proxies and other GraphQL servers. Each round
// measures all servers with all workloads in turns, so that a disturbance affects all
// of them. A server that fails is left out, and the run fails at its end.
func (b *bench) contests(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer func() { _ = b.identity.stop() }() // serves nobody any more
	a := &arena{bench: b, known: map[string]*truth.Truth{}, digests: map[string]string{}, failed: map[string]bool{}}
	if err := a.learnTheirs(ctx); err != nil {
		return fmt.Errorf("first requests of the callers: %w", err)
	}
	for round := range b.rounds {
		for _, c := range workload.Contests() {
			if !b.wanted(c.Name) {
				continue
			}
			if err := a.round(ctx, c, round); err != nil {
				return err
			}
		}
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{crowdName, a.crowds}, {secureName, a.secure}, {growthName, b.grow}} {
		if !b.wanted(part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	return errors.Join(a.errs...)
}

// prepare makes the peers ready. A peer that cannot be installed is left out.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.cache == "" {
		folder, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("%w; set -cache", err)
		}
		b.cache = filepath.Join(folder, "leadgraph-bench")
	}
	b.say("preparing the peers in %s", b.cache)
	if b.others, err = peers.New(ctx, b.cache); err != nil {
		return err
	}
	for name, prepare := range map[string]func(context.Context) error{workload.PlainGqlgen: b.others.BuildGqlgen, workload.Tailcall: b.others.InstallTailcall} {
		if err := prepare(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			b.say("%s is left out: %v", name, err)
			b.refused[name] = true
			b.report.Notes = append(b.report.Notes, name+" is left out: it could not be installed.")
		}
	}
	if err := writeCertificate(b.launch.Dir); err != nil {
		return err
	}
	b.identity, err = newIdentity(ctx)
	return err
}

// round measures all servers with a workload once, beginning with another server in
// each round.
func (a *arena) round(ctx context.Context, c workload.Contest, round int) error {
	known, err := a.truth(ctx, c)
	if err != nil {
		return fmt.Errorf("%s: read the leads to compare with: %w", c.Name, err)
	}
	names := c.Entrants()
	for i := range names {
		name := names[(i+round)%len(names)]
		t := a.trialOf(c.Workload, name)
		t.cached = c.Cached
		switch {
		case slices.Contains(workload.Proxies(), name):
			t.exchanges = c.REST(a.data)
		case slices.Contains(workload.Peers(), name):
			t.exchanges = c.Peer(a.data)
		case name == workload.AsRun:
			t.exchanges = a.asCallers(c)
		default:
			t.exchanges = c.GraphQL(a.data)
		}
		if err := a.enter(ctx, t, known, &a.yard.Contests, round); err != nil {
			return err
		}
	}
	return nil
}

// learnTheirs reads what each caller may ask.
func (a *arena) learnTheirs(ctx context.Context) error {
	server, err := a.start(ctx, subject{name: workload.AsRun, up: a.fast})
	if err != nil {
		return err
	}
	defer server.Stop()
	for _, token := range a.identity.tokens {
		data, err := scout(ctx, server.URL, token)
		if err != nil {
			return err
		}
		a.theirs = append(a.theirs, data)
	}
	return nil
}

// asCallers returns the requests of a workload, made by the callers in turns.
func (a *arena) asCallers(c workload.Contest) []*load.Exchange {
	var requests []*load.Exchange
	for caller, data := range a.theirs {
		own := c.GraphQL(data)
		if requests == nil {
			requests = own
		}
		for i := caller; i < len(own); i += callers {
			own[i].Token = a.identity.tokens[caller]
			requests[i] = own[i]
		}
	}
	return requests
}

// truth returns the leads of a workload as leadgraph shows them.
func (a *arena) truth(ctx context.Context, c workload.Contest) (*truth.Truth, error) {
	if known := a.known[c.Name]; known != nil {
		return known, nil
	}
	server, err := a.start(ctx, subject{name: workload.Bare, up: a.fast})
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	var answers [][]byte
	requests := c.Truth(a.data)
	for _, e := range requests {
		e.Check = func(answer []byte) error {
			answers = append(answers, bytes.Clone(answer))
			return nil
		}
	}
	l, err := load.Open(ctx, server.URL, requests, 1)
	if err != nil {
		return nil, err
	}
	l.Close()
	a.known[c.Name], err = truth.Of(answers)
	return a.known[c.Name], err
}

// enter measures a server and notes the result. The first time, it compares the values
// in all answers; later, the bytes. It fails only if the run must end.
func (a *arena) enter(ctx context.Context, t trial, known *truth.Truth, into *[]report.Entry, round int) error {
	id := t.work + " " + t.name
	if a.refused[t.name] || a.failed[id] {
		return nil
	}
	a.say("round %d of %d: %s", round+1, a.rounds, id)
	digest := a.digests[id]
	for _, e := range t.exchanges {
		if digest == "" && known != nil {
			e.Check = func(answer []byte) error { return known.Check(answer, e.From, e.Rows) }
		}
	}
	measured, sum, err := a.try(ctx, t)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, process.ErrRefused):
		a.refused[t.name] = true
		fallthrough
	case err != nil:
		a.failed[id] = true
		a.errs = append(a.errs, fmt.Errorf("%s: %w", id, err))
		a.report.Notes = append(a.report.Notes, fmt.Sprintf("%s is left out: %v", id, err))
		return nil
	case digest != "" && digest != sum:
		return fmt.Errorf("%s: the answers differ from those of the round before", id)
	}
	a.digests[id] = sum
	*into = append(*into, report.Entry{Round: round, Result: measured})
	return nil
}
