package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/workload"
)

// Names in the flag -only.
const (
	crowdName  = "CONNECTIONS"
	secureName = "TLS"
)

// partRounds limits the rounds of the parts that have no goal.
const partRounds = 3

// crowdSizes returns the numbers of connections.
func crowdSizes() []int { return []int{1, 8, 32, 128, 512, 2000} }

// crowds measures how the rate of W1 depends on the number of connections.
func (a *arena) crowds(ctx context.Context) error {
	ours, others, rest := workload.Lookups(a.data, slices.Max(crowdSizes()))
	known, err := a.truth(ctx, workload.Contest{
		Workload: workload.Workload{Name: crowdName}, Truth: func(workload.Data) []*load.Exchange { return ours },
	})
	if err != nil {
		return err
	}
	for round := range min(a.rounds, partRounds) {
		for _, size := range crowdSizes() {
			for i, requests := range [][]*load.Exchange{rest, ours, others} {
				name := []string{workload.PooledProxy, workload.Bare, workload.Tailcall}[i]
				t := trial{
					subject: subject{name: name, up: a.fast, crowded: true}, work: fmt.Sprintf("W1, %d at a time", size),
					// A multiple of the connections, so that no two of them ever ask for the same tenant.
					exchanges: requests[:len(requests)-len(requests)%size], connections: size, calls: 1,
				}
				if err := a.enter(ctx, t, known, &a.yard.Crowds, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// secure measures W1 and W2 over a platform with TLS.
func (a *arena) secure(ctx context.Context) error {
	for _, protocol := range []string{http1, http2} {
		if err := a.secureOver(ctx, protocol); err != nil {
			return fmt.Errorf("platform with TLS and %s: %w", protocol, err)
		}
	}
	return nil
}

func (a *arena) secureOver(ctx context.Context, protocol string) error {
	up, err := a.startSecure(ctx, protocol)
	defer func() { up.Stop() }()
	if err != nil {
		return err
	}
	data, err := a.learn(ctx, up)
	if err != nil {
		return err
	}
	for round := range min(a.rounds, partRounds) {
		for _, c := range workload.Contests() {
			if c.Name != "W1" && c.Name != "W2" {
				continue
			}
			known, err := a.truth(ctx, c)
			if err != nil {
				return err
			}
			for _, name := range []string{workload.PooledProxy, workload.Bare} {
				t := a.trialOf(c.Workload, name)
				t.up, t.work, t.exchanges = up, c.Name+", TLS, "+protocol, c.REST(data)
				if name == workload.Bare {
					t.exchanges = c.GraphQL(data)
				}
				if err := a.enter(ctx, t, known, &a.yard.Secure, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// startSecure starts a sandbox with TLS, which is this program.
func (a *arena) startSecure(ctx context.Context, protocol string) (up upstream, err error) {
	self, err := os.Executable()
	if err != nil {
		return up, err
	}
	up.Process, err = a.launch.Start(ctx, process.Child{Path: self, Args: []string{secureCommand, protocol, a.launch.Dir}})
	if err == nil {
		up.token, err = token(ctx, up.URL)
	}
	return up, err
}
