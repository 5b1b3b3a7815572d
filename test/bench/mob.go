package main

import (
	"context"
	"fmt"
	"slices"
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
	b.table("| requests | server | refused clients retry | connections | answers /s | p50 ms | p99 ms | refusals /s | first refusal p99 ms | lost | server CPU | load CPU | answers per s of server CPU |")
	b.table("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
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
			used, took := cpuOf(server, up).Minus(before), b.duration.Seconds()
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			ms := func(of []time.Duration, q float64) string {
				if len(of) == 0 {
					return "–"
				}
				slices.Sort(of)
				return fmt.Sprintf("%.1f", float64(of[int(q*float64(len(of)-1))].Microseconds())/1000)
			}
			b.table("| %s | %s | %s | %d | %.0f | %s | %s | %.0f | %s | %d | %.0f %% | %.0f %% | %.0f |", kind.Name, name, manner, connections,
				float64(len(got.Good))/took, ms(got.Good, .5), ms(got.Good, .99), float64(len(got.Refused))/took, ms(got.First, .99), got.Lost,
				100*used.Server.Seconds()/took, 100*used.Load.Seconds()/took, float64(len(got.Good))/used.Server.Seconds())
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

// table prints a line of a table in Markdown.
func (b *bench) table(format string, args ...any) {
	_, _ = fmt.Fprintf(b.results, format+"\n", args...) // the last place to report an error
}
