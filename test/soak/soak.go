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

	"leadgraph/test/soak/child"
	"leadgraph/test/soak/client"
	"leadgraph/test/soak/hostile"
	"leadgraph/test/soak/load"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/platform"
	"leadgraph/test/soak/report"
	"leadgraph/upstream/sandbox"
)

// soak is one run.
type soak struct {
	settings
	dir      string
	progress io.Writer
	tally    *report.Tally
	summary  report.Summary

	platform *platform.Platform
	history  *oracle.History
	child    *child.Child
	load     *load.Load
	siege    *siege
}

// Settings of leadgraph. They are shorter than the defaults, so that data expire
// and time-outs occur often. The time-outs are in the same order as by default.
const (
	requestTimeout  = 4 * time.Second
	upstreamTimeout = 3 * time.Second
	attemptTimeout  = time.Second
	refreshTimeout  = 2 * upstreamTimeout
	fresh           = 2 * time.Second // of the server whose platform fails
	maxBatch        = 5               // operations in an array
)

// ages returns the settings of the server whose platform fails.
func (k *soak) ages() oracle.Ages {
	if k.memory > 0 {
		return deployedAges()
	}
	return oracle.Ages{
		Lookup: 3 * time.Second, NoLead: time.Second,
		Fresh: fresh, Revalidate: 3 * time.Second, IfFailing: 20 * time.Second,
		// Reading all leads takes one page and an empty one. Whoever waits for a replica that
		// reads them may get leads that were fresh when the wait began.
		Reading: refreshTimeout + fresh,
	}
}

func (k *soak) flags() []string {
	return append(append(k.platform.Flags(), settingsOf(k.ages(), k.refreshTime())...), "--max-batch", fmt.Sprint(maxBatch))
}

// settingsOf returns the flags of every server whose answers may have these ages, and
// that may read all leads for so long.
func settingsOf(a oracle.Ages, refresh time.Duration) []string {
	return []string{
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--no-playground",
		"--allow-check-online", "--check-online-rate", "1000",
		"--max-aliases", "100", // some operations select the same fields in five places
		"--request-timeout", requestTimeout.String(), "--upstream-timeout", upstreamTimeout.String(), "--upstream-attempt-timeout", attemptTimeout.String(),
		"--lookup-ttl", a.Lookup.String(), "--lookup-negative-ttl", a.NoLead.String(),
		"--catalogue-ttl", a.Fresh.String(), "--catalogue-revalidate", a.Revalidate.String(), "--catalogue-if-error", a.IfFailing.String(),
		"--catalogue-timeout", refresh.String(),
	}
}

func (k *soak) say(format string, args ...any) {
	_, _ = fmt.Fprintf(k.progress, format+"\n", args...) // progress only
}

// run runs the soak. Its error says why that was not possible.
func (k *soak) run(ctx context.Context) (err error) {
	k.summary.Seed, k.summary.Race, k.summary.Machine, k.summary.Limit = k.seed, k.race, report.Machine(), int64(k.memory)<<20
	k.say("soak of %v, seed %d; building leadgraph", k.duration, k.seed)
	binary, err := child.Build(ctx, k.dir, k.race)
	if err != nil {
		return err
	}
	if err := k.rounds(ctx, binary); err != nil {
		return err
	}
	k.duration -= time.Duration(float64(k.duration) * k.walks)
	if k.platform, err = platform.Start(ctx, k.leads); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.platform.Down()) }()
	rows, err := k.platform.Rows()
	if err != nil {
		return err
	}
	k.history = oracle.NewHistory(rows, time.Now())
	if k.log == "" {
		k.log = filepath.Join(k.dir, "log")
	}
	k.siege, err = k.besiege(ctx)
	if k.siege != nil {
		defer func() { err = errors.Join(err, k.siege.down()) }()
	}
	if err != nil {
		return err
	}
	if k.child, err = child.Start(ctx, binary, k.log, k.siege.flags(), k.variables()...); err != nil {
		return err
	}
	if err := k.siege.up(ctx, binary); err != nil {
		return errors.Join(err, k.end())
	}
	k.load = &load.Load{
		Client: client.New(k.child.Endpoint, k.workers), History: k.history, Places: &operations.Places{}, Tally: k.tally,
		Ages: k.ages(), Deadline: requestTimeout + k.margin, Seed: k.seed,
	}
	return errors.Join(k.drive(ctx), k.end())
}

// end ends the server under load and reads its log.
func (k *soak) end() (err error) {
	end, ended := k.child.Stop()
	k.summary.End = end
	if ended != nil {
		k.tally.Violation(report.BadEnds, "after SIGTERM: %v", ended)
	}
	k.summary.LogLines, err = k.readLog(k.child)
	return err
}

// warmUp is how long leadgraph is loaded without faults before it is examined
// for the first time.
const warmUp = 5 * time.Second

// drive loads leadgraph while things go wrong and compares what it holds before
// and after.
func (k *soak) drive(ctx context.Context) error {
	k.say("warming up")
	warm, cancel := context.WithTimeout(ctx, warmUp)
	k.load.Run(warm, k.workers, k.rate)
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
	if k.summary.MostRSS, err = k.child.MostRSS(); err != nil {
		return err
	}
	calls := k.platform.Calls()
	k.summary.Calls = calls.ByTenant + calls.Pages
	k.say("settling")
	after, err := k.settle(ctx)
	if err != nil {
		return err
	}
	k.summary.Before, k.summary.After = before, after
	if err := k.siege.healed(ctx); err != nil {
		return err
	}
	k.tally.Conclude(k.summary)
	return context.Cause(ctx)
}

// underLoad runs the clients, the faults and the observers.
func (k *soak) underLoad(ctx context.Context) (err error) {
	c := &platform.Conductor{
		Random: rand.New(rand.NewPCG(k.seed, 1<<33)), Platform: k.platform, History: k.history,
		Count: k.tally.Fault, CheckOnline: k.load.CheckOnline,
	}
	ctx, cancel := context.WithTimeout(ctx, k.duration)
	defer cancel()
	var beside sync.WaitGroup
	beside.Go(func() { k.watch(ctx) })
	beside.Go(func() { k.load.WatchHealth(ctx) })
	var besieging error
	beside.Go(func() { err = c.Run(ctx); cancel() })
	beside.Go(func() {
		if besieging = k.siege.run(ctx); besieging != nil {
			cancel()
		}
	})
	k.load.Run(ctx, k.workers, k.rate)
	beside.Wait()
	return errors.Join(err, besieging)
}

// readLog looks for log lines that must not be there: personal data, all of which
// contains ".example" in the sandbox, secrets, data races, panics and internal
// errors. It returns the number of all lines.
func (k *soak) readLog(c *child.Child) (lines int, err error) {
	found, lines, err := c.Logged([]string{".example", "DATA RACE", `"msg":"panic"`, `"msg":"internal error"`, sandbox.DefaultClientSecret, hostile.TokenStart})
	for _, line := range found {
		k.tally.Violation(report.LogLeaks, "%s", line)
	}
	return lines, err
}
