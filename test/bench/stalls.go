package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

const (
	stallRefreshes = 5
	stallPatience  = time.Second // after which a demand for new leads is repeated
)

// stallKind is a kind of requests that are due at a steady rate.
type stallKind struct {
	name  string
	rate  float64 // a second
	asked []*load.Exchange
	shots []load.Shot
	begun time.Time
}

// span is when a refresh ran.
type span struct{ from, to time.Time }

// stall sends lookups and pages of the catalogue at steady rates, and meanwhile
// refreshes the catalogue several times.
func (b *bench) stall(ctx context.Context) error {
	err := b.startSandbox(ctx, &b.fast, b.stallLeads, 0)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if b.data, err = b.learn(ctx, b.fast); err != nil {
		return fmt.Errorf("first request to leadgraph: %w", err)
	}
	// The catalogue stays fresh, so that only the bench refreshes it.
	server, err := b.startLeadgraph(ctx, b.fast, []string{"--log-level", "error", "--catalogue-ttl", "1h"})
	if err != nil {
		return err
	}
	defer server.Stop()
	first, err := b.refresh(ctx, server)
	if err != nil {
		return err
	}
	b.sayRefresh("first reading", first, server)
	kinds := []stallKind{
		{name: "lookups", rate: workload.StallLookupRate, asked: workload.StallLookups(b.data)},
		{name: "catalogue pages", rate: workload.StallPageRate, asked: workload.StallPages()},
	}
	refreshes, err := b.fireAndRefresh(ctx, server, kinds)
	if err != nil {
		return err
	}
	for i := range kinds {
		if err := b.printStalls(&kinds[i], refreshes); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(b.results, "memory %s, at most %s\n", mebibytes(process.Memory(server.PID)), mebibytes(process.PeakMemory(server.PID)))
	return nil
}

// fireAndRefresh sends the requests, and refreshes the catalogue meanwhile.
func (b *bench) fireAndRefresh(ctx context.Context, server *process.Process, kinds []stallKind) (refreshes []span, err error) {
	crowds := make([]*load.Crowd, len(kinds))
	for i, k := range kinds {
		l, err := load.Open(ctx, server.URL, k.asked, 1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		defer l.Close()
		crowds[i] = load.NewCrowd(server.URL, l)
		defer crowds[i].Close()
	}
	enough := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	for i := range kinds {
		k := &kinds[i]
		group.Go(func() error {
			k.begun = time.Now()
			k.shots = crowds[i].FireUntil(ctx, k.rate, enough)
			return context.Cause(ctx)
		})
	}
	group.Go(func() (err error) {
		defer close(enough)
		refreshes, err = b.refreshes(ctx, server)
		return err
	})
	return refreshes, group.Wait()
}

// refreshes refreshes the catalogue several times, with pauses.
func (b *bench) refreshes(ctx context.Context, server *process.Process) ([]span, error) {
	var all []span
	for n := range stallRefreshes {
		if err := sleep(ctx, b.duration); err != nil {
			return nil, err
		}
		r, err := b.refresh(ctx, server)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		b.sayRefresh(fmt.Sprintf("refresh %d", n+1), r, server)
	}
	return all, sleep(ctx, b.duration)
}

func (b *bench) sayRefresh(what string, r span, server *process.Process) {
	b.say("%s: %v, memory %s", what, r.to.Sub(r.from).Round(time.Millisecond), mebibytes(process.Memory(server.PID)))
}

// stats is an answer to leadStats.
type stats struct {
	Data struct {
		LeadStats *struct {
			Total int
			AsOf  time.Time
		}
	}
	Errors []struct{ Extensions struct{ RetryAfterMS int } }
}

// refresh demands new leads and returns when the catalogue has them. A refresh that has
// just ended counts until it is a few seconds old, so it may have to ask again.
func (b *bench) refresh(ctx context.Context, server *process.Process) (span, error) {
	for begun := time.Now(); ; {
		asked := time.Now()
		answer, err := demand(ctx, server)
		stats := answer.Data.LeadStats
		switch {
		case err != nil:
			return span{}, err
		case stats != nil && stats.Total != b.stallLeads:
			return span{}, fmt.Errorf("leadStats counts %d leads", stats.Total)
		case stats != nil && !stats.AsOf.Before(begun.Truncate(time.Millisecond)):
			return span{stats.AsOf, time.Now()}, nil
		case stats != nil:
			err = sleep(ctx, stallPatience)
		case len(answer.Errors) == 1 && answer.Errors[0].Extensions.RetryAfterMS > 0:
			wait := time.Duration(answer.Errors[0].Extensions.RetryAfterMS) * time.Millisecond
			b.say("told after %v to come back in %v", time.Since(asked).Round(time.Millisecond), wait)
			err = sleep(ctx, wait)
		default:
			return span{}, errors.New("leadStats failed")
		}
		if err != nil {
			return span{}, err
		}
	}
}

func demand(ctx context.Context, server *process.Process) (answer stats, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+workload.GraphPath, strings.NewReader(`{"query":"{ leadStats { total asOf } }"}`))
	if err != nil {
		return answer, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cache-Control", "no-cache")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	return answer, json.NewDecoder(response.Body).Decode(&answer)
}

// printStalls compares the requests that were due during a refresh with the others.
func (b *bench) printStalls(k *stallKind, refreshes []span) error {
	var during, between []load.Shot
	for i, s := range k.shots {
		due := k.begun.Add(time.Duration(float64(i) / k.rate * float64(time.Second)))
		within := false
		for _, r := range refreshes {
			within = within || !due.Before(r.from) && due.Before(r.to)
		}
		if within {
			during = append(during, s)
		} else {
			between = append(between, s)
		}
	}
	if len(during) == 0 || len(between) == 0 {
		return errors.New("no request was due")
	}
	for _, part := range []struct {
		when  string
		shots []load.Shot
	}{{"without a refresh", between}, {"during refreshes", during}} {
		p := report.Sum(part.shots, time.Duration(float64(len(part.shots))/k.rate*float64(time.Second)))
		_, _ = fmt.Fprintf(b.results, "%-15s %-17s %5d due, %5.1f answered a second, p50 %v, p99 %v, longest %v, %.2f %% not answered %s\n", k.name, part.when,
			len(part.shots), p.Goodput, p.P50.Round(10*time.Microsecond), p.P99.Round(10*time.Microsecond), p.Longest.Round(10*time.Microsecond), 100*(p.Other+p.Refused), p.Strange)
	}
	return nil
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
