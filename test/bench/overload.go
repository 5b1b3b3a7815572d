package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"leadgraph/upstream/sandbox"
)

const (
	overloadedCode   = "OVERLOADED"
	statusOverloaded = http.StatusServiceUnavailable

	// Servers of the overload.
	limited   = "limited"
	unlimited = "unlimited"

	overloadWarmUp = time.Second
	// overloadConnections are enough to keep the server busy while the platform
	// takes its time.
	overloadConnections = 64
	// pageOfOverload is the number of leads of each request.
	pageOfOverload = 100
)

// factors of the capacity at which requests are due.
func factors() []float64 { return []float64{0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3} }

// overload measures what is left of a server's capacity when more is asked of
// it. The requests are those of W2, with 20 ms of latency upstream. Each server
// is measured in rounds that take turns, so that a disturbance meets both.
func (b *bench) overload(ctx context.Context) error {
	for round := range b.rounds {
		for _, server := range []string{unlimited, limited} {
			b.say("overload, round %d of %d: %s", round+1, b.rounds, server)
			if err := b.press(ctx, server); err != nil {
				return fmt.Errorf("%s: %w", server, err)
			}
		}
	}
	return nil
}

// press starts a server and asks more and more of it.
func (b *bench) press(ctx context.Context, name string) error {
	server, err := b.startOverloaded(ctx, name)
	if err != nil {
		return err
	}
	defer server.stop()
	l, err := openLoad(ctx, server.url, pages(b.data, wholePage, pageOfOverload), overloadConnections)
	if err != nil {
		return err
	}
	defer l.close()
	if b.capacity == 0 { // of the first server, for all
		if _, _, err := l.drive(ctx, b.warmUp); err != nil {
			return err
		}
		samples, took, err := l.drive(ctx, b.duration)
		if err != nil {
			return err
		}
		b.capacity = float64(len(samples)) / took.Seconds()
		b.say("capacity: %.0f requests a second", b.capacity)
	}
	crowd := &crowd{url: server.url, exchanges: l.exchanges}
	defer crowd.close()
	for _, factor := range factors() {
		shots := crowd.fire(ctx, factor*b.capacity, overloadWarmUp, b.duration)
		if len(shots) == 0 {
			return errors.Join(context.Cause(ctx), errors.New("no request was due"))
		}
		p := sum(shots, b.duration)
		p.Server, p.Factor = name, factor
		b.say("%.2f×: %.0f of %.0f a second, p99 %v; refused %.0f %%, p99 %v; %.0f %% other %s", factor, p.Goodput, p.Offered, p.P99.Round(time.Millisecond),
			p.Refused*100, p.RefusedP99.Round(time.Millisecond), p.Other*100, p.Strange)
		b.pressures = append(b.pressures, p)
	}
	return nil
}

// startOverloaded starts leadgraph with its defaults, or with a limiter that
// never refuses.
func (b *bench) startOverloaded(ctx context.Context, name string) (*process, error) {
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--no-playground", "--log-level", "error", "--upstream-url", b.slow.url + sandbox.BasePath,
		"--max-first", fmt.Sprint(leads),
	}
	if name == unlimited {
		args = append(args, "--max-in-flight", "0")
	}
	return b.launch.start(ctx, child{
		path: b.launch.binary, args: append(args, b.serveFlags...), server: true,
		env: []string{"LEADGRAPH_UPSTREAM_TOKEN=" + b.slow.token, "LEADGRAPH_CURSOR_KEY=" + b.cursorKey},
	})
}
