package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leadgraph/test/bench/load"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/report"
	"leadgraph/test/bench/workload"
)

const (
	stallLookupRate = 400. // a second
	stallPageRate   = 50.
	stallRefreshes  = 5
	stallPatience   = 2 * time.Minute // for one refresh
)

// span is when a refresh ran.
type span struct{ from, to time.Time }

// stall sends lookups and pages of the catalogue at steady rates, and meanwhile
// refreshes the catalogue several times.
func (b *bench) stall(ctx context.Context) error {
	if err := b.startSandbox(ctx, &b.fast, b.stallLeads, 0); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := b.learn(ctx, b.fast); err != nil {
		return fmt.Errorf("first request to leadgraph: %w", err)
	}
	// The catalogue stays fresh, so that only the bench refreshes it.
	server, err := b.startLeadgraph(ctx, b.fast, []string{"--log-level", "error", "--catalogue-ttl", "1h", "--request-timeout", stallPatience.String()})
	if err != nil {
		return err
	}
	defer server.Stop()
	first, err := b.refresh(ctx, server)
	if err != nil {
		return err
	}
	b.say("first reading: %v, memory %s, at most %s", first.to.Sub(first.from).Round(time.Millisecond),
		mebibytes(process.Memory(server.PID)), mebibytes(process.PeakMemory(server.PID)))
	return b.stallUnderLoad(ctx, server)
}

func (b *bench) stallUnderLoad(ctx context.Context, server *process.Process) error {
	kinds := []struct {
		name  string
		rate  float64
		asked []*load.Exchange
		shots []load.Shot
		begun time.Time
	}{
		{name: "lookups", rate: stallLookupRate, asked: workload.StallLookups(b.data)},
		{name: "catalogue pages", rate: stallPageRate, asked: workload.StallPages()},
	}
	pause := max(b.duration, 2*time.Second)
	var refreshes []span
	length := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	firing, stop := context.WithCancel(ctx)
	defer stop()
	for i := range kinds {
		k := &kinds[i]
		l, err := load.Open(ctx, server.URL, k.asked, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		defer l.Close()
		crowd := load.NewCrowd(server.URL, l)
		defer crowd.Close()
		group.Go(func() error {
			k.begun = time.Now()
			k.shots = crowd.FireUntil(firing, k.rate, length)
			return nil
		})
	}
	group.Go(func() error {
		defer close(length)
		for n := range stallRefreshes {
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			r, err := b.refresh(ctx, server)
			if err != nil {
				return err
			}
			refreshes = append(refreshes, r)
			b.say("refresh %d: %v, memory %s", n+1, r.to.Sub(r.from).Round(time.Millisecond), mebibytes(process.Memory(server.PID)))
		}
		return sleep(ctx, pause)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	for _, k := range kinds {
		during, between := split(k.shots, k.begun, k.rate, refreshes)
		if len(during) == 0 || len(between) == 0 {
			return errors.New("no request was due")
		}
		b.printStall(k.name, "without a refresh", between, k.rate)
		b.printStall(k.name, "during refreshes", during, k.rate)
	}
	_, _ = fmt.Fprintf(b.results, "memory %s, at most %s\n", mebibytes(process.Memory(server.PID)), mebibytes(process.PeakMemory(server.PID)))
	return nil
}

// split separates the requests that were due during a refresh from the others.
func split(shots []load.Shot, begun time.Time, rate float64, refreshes []span) (during, between []load.Shot) {
	for i, s := range shots {
		due := begun.Add(time.Duration(float64(i) / rate * float64(time.Second)))
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
	return during, between
}

func (b *bench) printStall(kind, when string, shots []load.Shot, rate float64) {
	p := report.Sum(shots, time.Duration(float64(len(shots))/rate*float64(time.Second)))
	_, _ = fmt.Fprintf(b.results, "%-16s %-18s %6d due, %5.1f/s answered of %5.1f, p50 %v, p99 %v, longest %v, other %.2f %% %s\n", kind, when, len(shots), p.Goodput, p.Offered,
		p.P50.Round(10*time.Microsecond), p.P99.Round(10*time.Microsecond), p.Longest.Round(10*time.Microsecond), 100*(p.Other+p.Refused), p.Strange)
}

// refresh demands new leads and returns when the catalogue has them.
func (b *bench) refresh(ctx context.Context, server *process.Process) (span, error) {
	r := span{from: time.Now()}
	for {
		asked := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+workload.GraphPath, strings.NewReader(`{"query":"{ leadStats { total asOf } }"}`))
		if err != nil {
			return r, err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Cache-Control", "no-cache")
		var answer struct {
			Data struct {
				LeadStats *struct {
					Total int
					AsOf  time.Time
				}
			}
			Errors []struct{ Extensions struct{ RetryAfterMS int } }
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return r, err
		}
		err = json.NewDecoder(response.Body).Decode(&answer)
		_ = response.Body.Close() // read to its end
		stats := answer.Data.LeadStats
		switch {
		case err != nil:
			return r, err
		case stats != nil && !stats.AsOf.Before(r.from.Truncate(time.Millisecond)):
			r.to = time.Now()
			if stats.Total != b.stallLeads {
				return r, errors.New("leadStats counts " + strconv.Itoa(stats.Total) + " leads")
			}
			return r, nil
		case stats != nil: // refreshed too recently
			r.from = asked
			err = sleep(ctx, 500*time.Millisecond)
			r.from = time.Now()
		case len(answer.Errors) == 1 && answer.Errors[0].Extensions.RetryAfterMS > 0:
			b.say("told to come back in %d ms after %v", answer.Errors[0].Extensions.RetryAfterMS, time.Since(asked).Round(time.Millisecond))
			err = sleep(ctx, time.Duration(answer.Errors[0].Extensions.RetryAfterMS)*time.Millisecond)
		default:
			return r, errors.New("leadStats failed")
		}
		if err != nil {
			return r, err
		}
	}
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
