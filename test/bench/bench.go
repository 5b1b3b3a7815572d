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
	"strconv"
	"time"

	"leadgraph/upstream/sandbox"
)

// slowLatency is that of the upstream of W4L.
const slowLatency = 20 * time.Millisecond

// bench is one run.
type bench struct {
	settings
	launch   launcher
	progress io.Writer
	fast     upstream
	slow     upstream
	data     data
	// cursorKey is the same for all servers, so that they answer the same cursors.
	cursorKey string
	refused   map[string]bool // servers that do not start
	report    report
	// Of the overload: the rate that it is measured by, and what was found.
	capacity  float64
	pressures []pressure
}

// upstream is a sandbox and a bearer token for it.
type upstream struct {
	*process
	token string
}

func (b *bench) run(ctx context.Context) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	b.cursorKey, b.refused = base64.StdEncoding.EncodeToString(key), map[string]bool{}
	b.say("building leadgraph; %s", b.launch.placement)
	if err := b.launch.build(ctx); err != nil {
		return err
	}
	defer func() { b.fast.stop(); b.slow.stop() }()
	if err := errors.Join(b.startSandbox(ctx, &b.fast, 0), b.startSandbox(ctx, &b.slow, slowLatency)); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := b.learn(ctx); err != nil {
		return fmt.Errorf("first request to leadgraph: %w", err)
	}
	if b.settings.overload {
		return b.overload(ctx)
	}
	for _, w := range workloads() {
		if !b.wanted(w.name) {
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
	_, _ = fmt.Fprintf(b.progress, format+"\n", args...) // only tells how far the run is
}

func (b *bench) startSandbox(ctx context.Context, into *upstream, latency time.Duration) (err error) {
	into.process, err = b.launch.start(ctx, child{path: b.launch.binary, args: []string{
		"sandbox", "--listen", "127.0.0.1:0", "--sandbox-leads", strconv.Itoa(leads), "--latency", latency.String(), "--log-level", "warn",
	}})
	if err == nil {
		into.token, err = token(ctx, into.url)
	}
	return err
}

// startServer starts a server under test over an upstream.
func (b *bench) startServer(ctx context.Context, name string, up upstream) (*process, error) {
	if name == passThrough {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return b.launch.start(ctx, child{path: self, args: []string{proxyCommand, up.url}, stdin: up.token + "\n", server: true})
	}
	level := "warn"
	if name == withLog {
		level = "info"
	}
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--no-playground", "--drain-delay", "0s", "--log-level", level, "--upstream-url", up.url + sandbox.BasePath,
		"--lookup-ttl", "0", "--lookup-negative-ttl", "0", "--max-first", strconv.Itoa(leads),
		// The default spares the platform; it would bound W4L to 64 calls in 20 ms.
		"--upstream-concurrency", strconv.Itoa(b.connections * aliasTenants),
		// For the textbook path, which takes seconds for W5.
		"--request-timeout", "1m", "--upstream-timeout", "1m", "--upstream-attempt-timeout", "30s",
	}
	if name == textbook {
		args = append(args, "--no-projection")
	}
	return b.launch.start(ctx, child{
		path: b.launch.binary, args: append(args, b.serveFlags...), server: true,
		env: []string{"LEADGRAPH_UPSTREAM_TOKEN=" + up.token, "LEADGRAPH_CURSOR_KEY=" + b.cursorKey},
	})
}

func (b *bench) learn(ctx context.Context) error {
	server, err := b.startServer(ctx, projection, b.fast)
	if err != nil {
		return err
	}
	defer server.stop()
	b.data, err = scout(ctx, server.url)
	return err
}

// compare measures the workload's servers one after the other. It fails if two
// of leadgraph answer different bytes.
func (b *bench) compare(ctx context.Context, w workload) error {
	var digest string
	for _, name := range w.servers {
		if b.refused[name] {
			continue
		}
		b.say("%s %s", w.name, name)
		measured, sum, err := b.measure(ctx, w, name)
		switch {
		case errors.Is(err, errRefused):
			b.refused[name] = true
			b.report.Notes = append(b.report.Notes, fmt.Sprintf("%s is left out: %v", name, err))
			continue
		case err != nil:
			return fmt.Errorf("%s %s: %w", w.name, name, err)
		}
		b.report.Results = append(b.report.Results, measured)
		if name == passThrough {
			continue
		}
		if digest != "" && digest != sum {
			return fmt.Errorf("%s: %s answers other bytes than the one before", w.name, name)
		}
		digest = sum
	}
	return nil
}

// measure starts a server, so that its memory is that of one workload, and
// drives it.
func (b *bench) measure(ctx context.Context, w workload, name string) (measured result, digest string, err error) {
	up, exchanges, connections := b.fast, w.graphql, b.connections
	if w.slow {
		up = b.slow
	}
	if name == passThrough {
		exchanges = w.rest
	}
	if w.list {
		connections = b.listConnections
	}
	server, err := b.startServer(ctx, name, up)
	if err != nil {
		return result{}, "", err
	}
	defer server.stop()
	l, err := openLoad(ctx, server.url, exchanges(b.data), connections)
	if err != nil {
		return result{}, "", err
	}
	defer l.close()
	if _, _, err = l.drive(ctx, b.warmUp); err != nil {
		return result{}, "", err
	}
	measured, err = b.drive(ctx, l, server, up)
	measured.Workload, measured.Server = w.name, name
	if err == nil && measured.Calls < float64(w.calls) {
		err = fmt.Errorf("%.2f upstream calls a request instead of %d: something is cached", measured.Calls, w.calls)
	}
	return measured, l.digest, err
}

// drive is the measured part.
func (b *bench) drive(ctx context.Context, l *load, server *process, up upstream) (result, error) {
	before, err := upstreamCalls(ctx, up.url)
	if err != nil {
		return result{}, err
	}
	cpu := cpuOf(server, up)
	samples, elapsed, err := l.drive(ctx, b.duration)
	if err != nil {
		return result{}, err
	}
	measured := summarise(samples, elapsed, cpuOf(server, up).minus(cpu))
	measured.Peak = peakMemory(server.pid)
	after, err := upstreamCalls(ctx, up.url)
	measured.Calls = float64(after-before) / float64(len(samples))
	var size int64
	for _, e := range l.exchanges {
		size += e.want.size
	}
	measured.Bytes = size / int64(len(l.exchanges))
	return measured, err
}

// cpuUse is processor time of both sides.
type cpuUse struct{ server, load time.Duration }

func cpuOf(server *process, up upstream) cpuUse {
	return cpuUse{server: cpuTime(server.pid), load: cpuTime(up.pid) + cpuTime(os.Getpid())}
}

func (c cpuUse) minus(earlier cpuUse) cpuUse {
	return cpuUse{server: c.server - earlier.server, load: c.load - earlier.load}
}
