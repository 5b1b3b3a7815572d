package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

const overloadWarmUp = time.Second

// overload measures the goodput of servers when more requests are due than they
// can answer. It alternates between the servers in rounds, so that a disturbance
// affects both.
func (b *bench) overload(ctx context.Context) error {
	for round := range b.rounds {
		for _, server := range []string{workload.Unlimited, workload.Limited} {
			b.say("overload, round %d of %d: %s", round+1, b.rounds, server)
			if err := b.press(ctx, server); err != nil {
				return fmt.Errorf("%s: %w", server, err)
			}
		}
	}
	return nil
}

// press starts a server and increases the rate of requests step by step.
func (b *bench) press(ctx context.Context, name string) error {
	server, err := b.startLimited(ctx, true, name, b.slow)
	if err != nil {
		return err
	}
	defer server.Stop()
	l, err := load.Open(ctx, server.URL, workload.Overload(b.data), workload.OverloadConnections)
	if err != nil {
		return err
	}
	defer l.Close()
	if b.capacity == 0 { // the capacity of the first server is used for all
		if err := b.measureCapacity(ctx, l); err != nil {
			return err
		}
	}
	crowd := load.NewCrowd(server.URL, l)
	defer crowd.Close()
	for _, factor := range workload.Factors() {
		shots := crowd.Fire(ctx, factor*b.capacity, overloadWarmUp, b.duration)
		if len(shots) == 0 {
			return errors.Join(context.Cause(ctx), errors.New("no request was due"))
		}
		p := report.Sum(shots, b.duration)
		p.Server, p.Factor = name, factor
		b.say("%.2f×: %.0f of %.0f a second, p99 %v; refused %.0f %%, p99 %v; %.0f %% other %s", factor, p.Goodput, p.Offered, p.P99.Round(time.Millisecond),
			p.Refused*100, p.RefusedP99.Round(time.Millisecond), p.Other*100, p.Strange)
		b.pressures = append(b.pressures, p)
	}
	return nil
}

func (b *bench) measureCapacity(ctx context.Context, l *load.Load) error {
	if _, _, err := l.Drive(ctx, b.warmUp); err != nil {
		return err
	}
	samples, took, err := l.Drive(ctx, b.duration)
	if err != nil {
		return err
	}
	b.capacity = float64(len(samples)) / took.Seconds()
	b.say("capacity: %.0f requests a second", b.capacity)
	return nil
}
