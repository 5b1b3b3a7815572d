package main

import (
	"context"
	"fmt"
	"time"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

// growthSizes returns the lengths of the lists, in leads.
func growthSizes() []int { return []int{10, 100, 1000, 10_000, workload.Leads} }

const (
	growthName = "GROWTH"    // in the flag -only
	growthTime = time.Second // minimum time for each size
	growthRuns = 7           // minimum number of answers for each size
)

// grow measures how the time and the memory of a list depend on its length.
func (b *bench) grow(ctx context.Context) error {
	for _, n := range growthSizes() {
		b.say("growth, %d leads", n)
		step, err := b.growthStep(ctx, n)
		if err != nil {
			return fmt.Errorf("growth, %d leads: %w", n, err)
		}
		b.report.Growth = append(b.report.Growth, step)
	}
	return nil
}

// growthStep asks for a list of n leads, one request at a time. Each size has a
// fresh server: on the same server, the peak memory of a larger list would hide
// that of a smaller one.
func (b *bench) growthStep(ctx context.Context, n int) (report.GrowthStep, error) {
	server, err := b.start(ctx, subject{name: workload.Projection, up: b.fast})
	if err != nil {
		return report.GrowthStep{}, err
	}
	defer server.Stop()
	list := workload.List(n)
	l, err := load.Open(ctx, server.URL, []*load.Exchange{list}, 1)
	if err != nil {
		return report.GrowthStep{}, err
	}
	defer l.Close()
	var samples []load.Sample
	for start := time.Now(); len(samples) < growthRuns || time.Since(start) < growthTime; {
		took, err := l.First()
		if err != nil {
			return report.GrowthStep{}, err
		}
		samples = append(samples, took)
	}
	return report.Grown(n, samples, process.PeakMemory(server.PID), list.Size()), nil
}
