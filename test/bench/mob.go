package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

// mobs measures servers under clients that send their next request as soon as they
// have an answer, and do different things when they are refused. It records the
// processor time of the server and of the load: the load must not be what limits
// the rate.
func (b *bench) mobs(ctx context.Context) error {
	for _, kind := range workload.Mobs() {
		if !b.wanted(strings.ToUpper(kind.Name)) {
			continue
		}
		for _, server := range []string{workload.Unlimited, workload.Limited} {
			if err := b.mob(ctx, kind, server); err != nil {
				return fmt.Errorf("%s, %s: %w", kind.Name, server, err)
			}
		}
	}
	return nil
}

func (b *bench) mob(ctx context.Context, kind workload.Mob, name string) error {
	up := b.fast
	server, err := b.startLimited(ctx, kind.Cached, name, up)
	if err != nil {
		return err
	}
	defer server.Stop()
	exchanges := kind.Requests(b.data)
	rehearsed, err := load.Open(ctx, server.URL, exchanges, 1)
	if err != nil {
		return err
	}
	rehearsed.Close()
	manners := []load.Manner{load.RetryAtOnce, load.RetryLater, load.NeverRetry}
	if name == workload.Unlimited {
		manners = manners[:1] // nobody is refused
	}
	for _, manner := range manners {
		for _, connections := range b.mobSizes {
			mob := load.Mob{URL: server.URL, Exchanges: exchanges, Connections: connections, Manner: manner}
			if err := b.idle(ctx, server, up); err != nil {
				return err
			}
			var before report.CPU
			got := mob.Run(ctx, b.warmUp, b.duration, func() { before = cpuOf(server, up) })
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			m := report.Mob{
				Kind: kind.Name, Server: name, Manner: string(manner), Connections: connections, Took: b.duration,
				Good: got.Good, Refused: len(got.Refused), First: got.First, Lost: got.Lost, CPU: cpuOf(server, up).Minus(before),
			}
			b.say("%s, %s, %s, %d connections: %.0f a second, %d refused", kind.Name, name, manner, connections, m.Rate(), m.Refused)
			b.mobbed = append(b.mobbed, m)
		}
	}
	return nil
}

// idle waits until the server has forgotten the clients that have left.
func (b *bench) idle(ctx context.Context, server *process.Process, up upstream) error {
	const look = 200 * time.Millisecond
	for ctx.Err() == nil {
		before := cpuOf(server, up).Server
		select {
		case <-ctx.Done():
		case <-time.After(look):
		}
		if cpuOf(server, up).Server-before < look/10 {
			return nil
		}
	}
	return context.Cause(ctx)
}
