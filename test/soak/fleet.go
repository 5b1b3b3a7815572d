package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"leadgraph/test/soak/child"
	"leadgraph/test/soak/client"
	"leadgraph/test/soak/pace"
	"leadgraph/test/soak/report"
)

// fleet is two servers that answer for the same platform.
type fleet struct {
	*soak
	name   string // of the round, for names of files
	binary string
	flags  []string

	mu      sync.Mutex
	servers [2]*child.Child
	clients [2]*client.Client // nil while the server is restarted
	starts  int
}

// up starts a server.
func (f *fleet) up(ctx context.Context, number int) error {
	f.mu.Lock()
	f.starts++
	file := filepath.Join(f.dir, fmt.Sprintf("log-%s-%d", f.name, f.starts))
	f.mu.Unlock()
	started, err := child.Start(ctx, f.binary, file, f.flags)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers[number], f.clients[number] = started, client.New(started.Endpoint, f.workers)
	return nil
}

// down ends a server, which first answers the requests that it has, and reads its
// log.
func (f *fleet) down(number int) error {
	f.mu.Lock()
	server, old := f.servers[number], f.clients[number]
	f.servers[number], f.clients[number] = nil, nil
	f.mu.Unlock()
	if server == nil {
		return nil
	}
	if _, err := server.Stop(); err != nil {
		f.tally.Violation(report.BadEnds, "a server of %s after SIGTERM: %v", f.name, err)
	}
	old.CloseIdle()
	_, err := f.readLog(server)
	return err
}

// pick returns the server for a turn, or the other one while it is restarted.
func (f *fleet) pick(turn int) *client.Client {
	f.mu.Lock()
	defer f.mu.Unlock()
	if preferred := f.clients[turn%2]; preferred != nil {
		return preferred
	}
	return f.clients[(turn+1)%2]
}

// restart restarts both servers, one after the other, in a period.
func (f *fleet) restart(ctx context.Context, period time.Duration) error {
	for number := range f.servers {
		if !pace.Rest(ctx, period/4) {
			return nil
		}
		if err := errors.Join(f.down(number), f.up(context.WithoutCancel(ctx), number)); err != nil {
			return err
		}
		f.tally.Changed("servers restarted")
	}
	return nil
}
