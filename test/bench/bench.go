package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/peers"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

// bench is one run.
type bench struct {
	settings
	launch   process.Launcher
	progress io.Writer
	results  io.Writer
	fast     upstream
	slow     upstream
	data     workload.Data
	// cursorKey is the same for all servers, so that each accepts the cursors of
	// the others.
	cursorKey string
	refused   map[string]bool // servers that do not start
	report    report.Report
	// The overload sets capacity, the base of its rates in requests a second, and
	// pressures, which are its results.
	capacity  float64
	pressures []report.Pressure
	mobbed    []report.Mob
	// The comparison with peers sets these.
	others   *peers.Peers
	identity *identity
	yard     report.Yardstick
}

func (b *bench) run(ctx context.Context) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	b.cursorKey, b.refused = base64.StdEncoding.EncodeToString(key), map[string]bool{}
	b.say("building leadgraph; %s", b.launch.Placement)
	if err := b.launch.Build(ctx); err != nil {
		return err
	}
	defer func() { b.fast.Stop(); b.slow.Stop() }()
	switch {
	case b.stalls:
		return b.stall(ctx)
	case b.settings.exports:
		return b.exports(ctx)
	case b.settings.watchers:
		return b.watchers(ctx)
	}
	if err := errors.Join(b.startSandbox(ctx, &b.fast, workload.Leads, 0), b.startSandbox(ctx, &b.slow, workload.Leads, workload.SlowLatency)); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	up := b.fast
	if b.settings.overload {
		up = b.slow
	}
	var err error
	if b.data, err = b.learn(ctx, up); err != nil {
		return fmt.Errorf("first request to leadgraph: %w", err)
	}
	if b.settings.mobs {
		return b.mobs(ctx)
	}
	if b.settings.overload {
		return b.overload(ctx)
	}
	if b.peers {
		return b.contests(ctx)
	}
	for _, w := range workload.All() {
		if !b.wanted(w.Name) {
			continue
		}
		if err := b.compare(ctx, w); err != nil {
			return err
		}
	}
	if b.wanted(growthName) {
		return b.grow(ctx)
	}
	return nil
}

func (b *bench) wanted(name string) bool { return len(b.only) == 0 || slices.Contains(b.only, name) }

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, format+"\n", args...) // progress only
}

// learn reads the values that the requests contain from leadgraph. Cursors are valid for
// the upstream that they were read from.
func (b *bench) learn(ctx context.Context, up upstream) (workload.Data, error) {
	server, err := b.start(ctx, subject{name: workload.Projection, up: up})
	if err != nil {
		return workload.Data{}, err
	}
	defer server.Stop()
	return scout(ctx, server.URL, "")
}

// compare measures the servers of a workload one after the other. It fails if two
// servers of leadgraph send different bytes.
func (b *bench) compare(ctx context.Context, w workload.Workload) error {
	var digest string
	for _, name := range w.Servers {
		if b.refused[name] {
			continue
		}
		b.say("%s %s", w.Name, name)
		measured, sum, err := b.measure(ctx, w, name)
		switch {
		case errors.Is(err, process.ErrRefused):
			b.refused[name] = true
			b.report.Notes = append(b.report.Notes, fmt.Sprintf("%s is left out: %v", name, err))
			continue
		case err != nil:
			return fmt.Errorf("%s %s: %w", w.Name, name, err)
		}
		b.report.Results = append(b.report.Results, measured)
		if name == workload.PassThrough {
			continue
		}
		if digest != "" && digest != sum {
			return fmt.Errorf("%s: the answers of %s differ from those of the server before", w.Name, name)
		}
		digest = sum
	}
	return nil
}

// measure measures a server with a workload.
func (b *bench) measure(ctx context.Context, w workload.Workload, name string) (report.Result, string, error) {
	requests := w.GraphQL
	if name == workload.PassThrough {
		requests = w.REST
	}
	t := b.trialOf(w, name)
	t.exchanges = requests(b.data)
	return b.try(ctx, t)
}

// trial is a server and the requests to measure it with.
type trial struct {
	subject
	work        string
	exchanges   []*load.Exchange
	connections int
	calls       int // upstream calls that each request must take
}

// trialOf returns a trial of a server with a workload, without its requests.
func (b *bench) trialOf(w workload.Workload, name string) trial {
	t := trial{subject: subject{name: name, up: b.fast}, work: w.Name, connections: b.connections, calls: w.Calls}
	if w.Slow {
		t.up = b.slow
	}
	if w.List {
		t.connections = b.listConnections
	}
	return t
}

// try starts a server and measures it. Each trial has a fresh server, so that the
// memory is that of one workload.
func (b *bench) try(ctx context.Context, t trial) (measured report.Result, digest string, err error) {
	server, err := b.start(ctx, t.subject)
	if err != nil {
		return report.Result{}, "", err
	}
	defer server.Stop()
	l, err := load.Open(ctx, server.URL, t.exchanges, t.connections)
	if err != nil {
		return report.Result{}, "", err
	}
	defer l.Close()
	l.Heeds = t.name == workload.AsRun
	if _, _, err = l.Drive(ctx, b.warmUp); err != nil {
		return report.Result{}, "", err
	}
	measured, err = b.drive(ctx, l, server, t.up)
	measured.Workload, measured.Server = t.work, t.name
	for _, e := range t.exchanges {
		measured.Bytes += e.Size()
	}
	measured.Bytes /= int64(len(t.exchanges))
	switch {
	case err != nil:
	case measured.Calls < float64(t.calls):
		err = fmt.Errorf("%.2f upstream calls a request instead of %d: something is cached", measured.Calls, t.calls)
	case t.cached && measured.Calls > 0:
		err = fmt.Errorf("%.2f upstream calls a request: something is not cached", measured.Calls)
	}
	return measured, l.Digest(), err
}

// drive measures a server under load.
func (b *bench) drive(ctx context.Context, l *load.Load, server *process.Process, up upstream) (report.Result, error) {
	before, err := upstreamCalls(ctx, up.URL)
	if err != nil {
		return report.Result{}, err
	}
	cpu, refused := cpuOf(server, up), l.Refused()
	samples, elapsed, err := l.Drive(ctx, b.duration)
	if err == nil && len(samples) == 0 {
		err = errors.New("every request was refused")
	}
	if err != nil {
		return report.Result{}, err
	}
	measured := report.Summarise(samples, elapsed, cpuOf(server, up).Minus(cpu))
	measured.Refused = l.Refused() - refused
	measured.Peak = process.PeakMemory(server.PID)
	after, err := upstreamCalls(ctx, up.URL)
	measured.Calls = float64(after-before) / float64(len(samples))
	return measured, err
}

// cpuOf returns the processor time so far. The load is this process.
func cpuOf(server *process.Process, up upstream) report.CPU {
	return report.CPU{Server: process.CPUTime(server.PID), Load: process.CPUTime(up.PID) + process.CPUTime(os.Getpid())}
}
