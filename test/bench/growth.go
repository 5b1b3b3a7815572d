package main

import (
	"context"
	"fmt"
	"time"
)

// growthSizes are the lengths of the lists, in leads.
func growthSizes() []int { return []int{10, 100, 1000, 10_000, leads} }

const (
	growthName = "GROWTH"    // among the workloads that -only chooses
	growthTime = time.Second // for each size, at least growthRuns answers
	growthRuns = 7
)

// growthStep is what a list of one length takes. Times are medians.
type growthStep struct {
	Leads           int
	FirstByte, Last time.Duration
	Peak            int64 // bytes of resident memory; 0: unknown
	Bytes           int64 // of the answer
}

// grow asks a fresh leadgraph for a list of each size, one request at a time:
// the peak of a larger list would hide that of a smaller one.
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

func (b *bench) growthStep(ctx context.Context, n int) (growthStep, error) {
	server, err := b.startServer(ctx, projection, b.fast)
	if err != nil {
		return growthStep{}, err
	}
	defer server.stop()
	l, err := openLoad(ctx, server.url, []*exchange{list(n)}, 1)
	if err != nil {
		return growthStep{}, err
	}
	defer l.close()
	var first, last []time.Duration
	var answer fingerprinter
	for start := time.Now(); len(last) < growthRuns || time.Since(start) < growthTime; {
		took, err := l.ask(l.clients[0], 0, &answer)
		if err != nil {
			return growthStep{}, err
		}
		first, last = append(first, took.first), append(last, took.last)
	}
	return growthStep{Leads: n, FirstByte: median(first), Last: median(last), Peak: peakMemory(server.pid), Bytes: l.exchanges[0].want.size}, nil
}
