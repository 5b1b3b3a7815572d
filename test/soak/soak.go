package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"leadgraph/upstream/sandbox"
)

// soak is one run.
type soak struct {
	settings
	dir      string
	progress io.Writer
	tally    *tally
	summary  summary

	platform *platform
	history  *history
	child    *child
	load     *load
}

// The settings of leadgraph. They are shorter than the defaults, so that data
// ages and time-outs strike often, and in the same order.
const (
	requestTimeout  = 4 * time.Second
	upstreamTimeout = 3 * time.Second
	attemptTimeout  = time.Second
	mostOperations  = 5 // in an array
)

func agesSet() ages {
	return ages{
		lookup: 3 * time.Second, noLead: time.Second,
		fresh: 2 * time.Second, revalidate: 3 * time.Second, ifFailing: 20 * time.Second,
		reading: 2 * upstreamTimeout, // all leads are one page and an empty one
	}
}

func (k *soak) flags() []string {
	a := agesSet()
	return append(k.platform.flags(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--no-playground",
		"--request-timeout", requestTimeout.String(), "--upstream-timeout", upstreamTimeout.String(), "--upstream-attempt-timeout", attemptTimeout.String(),
		"--lookup-ttl", a.lookup.String(), "--lookup-negative-ttl", a.noLead.String(),
		"--catalogue-ttl", a.fresh.String(), "--catalogue-revalidate", a.revalidate.String(), "--catalogue-if-error", a.ifFailing.String(),
		"--catalogue-timeout", (2 * upstreamTimeout).String(), "--max-batch", fmt.Sprint(mostOperations))
}

func (k *soak) say(format string, args ...any) {
	_, _ = fmt.Fprintf(k.progress, format+"\n", args...) // only tells how far the run is
}

// run does all; its error says why the soak could not be done.
func (k *soak) run(ctx context.Context) (err error) {
	k.summary.Seed, k.summary.Race, k.summary.Machine = k.seed, k.race, machine()
	k.say("soak of %v, seed %d; building leadgraph", k.duration, k.seed)
	binary, err := build(ctx, k.dir, k.race)
	if err != nil {
		return err
	}
	if k.platform, err = newPlatform(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.platform.down()) }()
	rows, err := rowsOf(k.platform.Server, k.platform.IDs())
	if err != nil {
		return err
	}
	k.history = newHistory(rows, time.Now())
	if k.log == "" {
		k.log = filepath.Join(k.dir, "log")
	}
	if k.child, err = start(ctx, binary, k.log, k.flags()); err != nil {
		return err
	}
	k.load = &load{
		client: newClient(k.child.endpoint, k.workers), history: k.history, places: &places{}, tally: k.tally,
		ages: agesSet(), deadline: requestTimeout + k.margin, seed: k.seed,
	}
	err = k.drive(ctx)
	end, ended := k.child.stop()
	k.summary.End = end
	if ended != nil {
		k.tally.violation(disorderly, "after SIGTERM: %v", ended)
	}
	return errors.Join(err, k.readLog())
}

// warmUp is the time of load without faults before what leadgraph holds is
// looked at the first time.
const warmUp = 5 * time.Second

// drive has clients ask and things go wrong, and compares what leadgraph holds
// before and after.
func (k *soak) drive(ctx context.Context) error {
	k.say("warming up")
	warm, cancel := context.WithTimeout(ctx, warmUp)
	k.load.run(warm, k.workers, k.rate)
	cancel()
	before, err := k.settle(ctx)
	if err != nil {
		return err
	}
	k.say("load")
	k.platform.ResetCalls()
	begun := time.Now()
	if err := k.underLoad(ctx); err != nil {
		return err
	}
	k.summary.Load, k.summary.Date = time.Since(begun), begun
	calls := k.platform.Calls()
	k.summary.Calls = calls.ByTenant + calls.Pages
	k.say("settling")
	after, err := k.settle(ctx)
	if err != nil {
		return err
	}
	k.summary.Before, k.summary.After = before, after
	k.compare()
	return context.Cause(ctx)
}

// underLoad is the soak itself.
func (k *soak) underLoad(ctx context.Context) error {
	online, err := onlineRows()
	if err != nil {
		return err
	}
	c := &conductor{
		random: rand.New(rand.NewPCG(k.seed, 1<<33)), platform: k.platform, history: k.history, tally: k.tally, online: online,
		ask: func(ctx context.Context, r request) { k.load.ask(ctx, r) },
	}
	ctx, cancel := context.WithTimeout(ctx, k.duration)
	defer cancel()
	var beside sync.WaitGroup
	beside.Go(func() { k.watch(ctx) })
	beside.Go(func() { k.load.watchHealth(ctx) })
	beside.Go(func() { err = c.run(ctx); cancel() })
	k.load.run(ctx, k.workers, k.rate)
	beside.Wait()
	return err
}

// heapInterval is how often the heap is looked at, which takes a collection.
const heapInterval = 10 * time.Second

// watch notes the most that leadgraph holds.
func (k *soak) watch(ctx context.Context) {
	begun, collected := time.Now(), time.Time{}
	for rest(ctx, time.Second) {
		v, err := k.child.look(ctx)
		if time.Since(collected) >= heapInterval {
			collected = time.Now()
			v.Heap, _ = k.child.heap(ctx) // as below
		}
		if err != nil {
			continue // it may just have ended
		}
		k.summary.Peak = k.summary.Peak.most(v)
		if time.Since(begun) < k.duration/3 {
			k.summary.Early = k.summary.Peak
		}
	}
}

// readLog looks for what the log must not have: personal data, which in the
// sandbox always ends so, data races, and panics.
func (k *soak) readLog() error {
	found, lines, err := k.child.logged([]string{".example", "DATA RACE", `"msg":"panic"`, `"msg":"internal error"`, sandbox.DefaultClientSecret})
	for _, line := range found {
		k.tally.violation(indiscreet, "%s", line)
	}
	k.summary.LogLines = lines
	return err
}
