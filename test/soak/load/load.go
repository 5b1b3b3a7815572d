// Package load is the clients of a soak. They ask leadgraph at random and have
// the oracle judge every answer.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"leadgraph/test/soak/client"
	"leadgraph/test/soak/operations"
	"leadgraph/test/soak/oracle"
	"leadgraph/test/soak/pace"
	"leadgraph/test/soak/report"
)

// Load is all clients.
type Load struct {
	Client  *client.Client
	History *oracle.History
	Places  *operations.Places
	Tally   *report.Tally
	Ages    oracle.Ages
	// Deadline is the time in which an answer must arrive: leadgraph's own deadline
	// and a margin.
	Deadline time.Duration
	Seed     uint64
}

// patience is how long after its deadline a request counts as hung.
const patience = 10 * time.Second

// Run makes all workers ask until ctx ends. Together they make at most rate
// requests a second.
func (l *Load) Run(ctx context.Context, workers, rate int) {
	interval := time.Duration(workers) * time.Second / time.Duration(rate)
	var all sync.WaitGroup
	for number := range workers {
		all.Go(func() {
			// The workers begin at different times.
			if pace.Rest(ctx, pace.UpTo(rand.New(rand.NewPCG(l.Seed, uint64(number))), interval)) {
				l.work(ctx, number, interval)
			}
		})
	}
	all.Wait()
}

// worker is a client that makes one request after the other.
type worker struct {
	*Load
	random  *rand.Rand
	maker   *operations.Maker
	failure []oracle.Failure // of the last page of a walk that was asked for
}

// work makes requests at random, at most one in each interval, until ctx ends.
// It finishes a request that is under way.
func (l *Load) work(ctx context.Context, number int, interval time.Duration) {
	random := rand.New(rand.NewPCG(l.Seed, uint64(number)))
	w := &worker{Load: l, random: random, maker: operations.NewMaker(l.Seed, random, l.History, l.Places)}
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	whole := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		switch n := random.IntN(100); {
		case n < 4:
			w.leave(whole)
		case n < 5:
			w.readSlowly(whole)
		case n < 7:
			w.walk(ctx)
		default:
			l.ask(whole, l.Client, w.request())
		}
	}
}

// CheckOnline asks for a lead that only Microsoft knows.
func (l *Load) CheckOnline(ctx context.Context, tenant string, r *oracle.Row) {
	// The end of the load does not end a request that is under way.
	whole := context.WithoutCancel(ctx)
	l.ask(whole, l.Client, client.Request{Way: client.ByPost, Operations: []operations.Operation{operations.CheckOnline(tenant, r)}})
}

// ask makes a request and judges the answers. It returns nil if there is none.
func (l *Load) ask(ctx context.Context, server *client.Client, r client.Request) []oracle.Answer {
	defer l.Tally.Begin()()
	ctx, cancel := context.WithTimeout(ctx, l.Deadline+patience)
	defer cancel()
	sent := time.Now()
	answers, err := server.Ask(ctx, r)
	took := time.Since(sent)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		l.Tally.Violation(report.Hung, "%s: no answer after %v\n%s", r.Way, took, r.Operations[0])
		return nil
	case err != nil:
		l.Tally.Violation(report.Broken, "%s after %v: %v\n%s", r.Way, took, err, r.Operations[0])
		return nil
	case took > l.Deadline:
		l.Tally.Violation(report.Late, "%s took %v\n%s", r.Way, took, r.Operations[0])
	}
	when := oracle.Asked{Sent: sent, Answered: sent.Add(took), NoCache: r.Freshness == noCache}
	if _, err := fmt.Sscanf(r.Freshness, "max-age=%d", &when.MaxAge); err == nil {
		when.HasMaxAge, when.MaxAge = true, when.MaxAge*time.Second
	}
	for i, a := range answers {
		l.judge(r, r.Operations[i], when, a)
	}
	return answers
}

// judge notes and counts an answer.
func (l *Load) judge(r client.Request, o operations.Operation, when oracle.Asked, a oracle.Answer) {
	took := when.Answered.Sub(when.Sent)
	if wrong := l.History.Judge(when, a, l.Ages, o.Judge); len(wrong) > 0 {
		l.Tally.Violation(report.WrongRows, "%s, sent %s, took %v, Cache-Control %q: %s\n%s\nanswer %s", r.Way, when.Sent.Format("15:04:05.000"),
			took, r.Freshness, strings.Join(wrong[:min(len(wrong), 3)], "; "), o, a.Excerpt)
	}
	l.Tally.Answered(o.Kind, a, o.AnsweredBy(a.Data), took)
}

// WatchHealth checks the health once a second until ctx ends.
func (l *Load) WatchHealth(ctx context.Context) {
	for pace.Rest(ctx, time.Second) {
		l.checkHealth(context.WithoutCancel(ctx))
	}
}

// healthTime is how long orchestrators usually wait for a probe.
const healthTime = time.Second

// checkHealth checks the paths that leadgraph must answer at once, whatever its
// load.
func (l *Load) checkHealth(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.Deadline+patience)
	defer cancel()
	for _, path := range []string{"/healthz", "/readyz"} {
		begun := time.Now()
		status, body, err := l.Client.Get(ctx, path)
		if err != nil || status != http.StatusOK || time.Since(begun) > healthTime {
			l.Tally.Violation(report.Unhealthy, "%s: %d %s %v after %v", path, status, body, err, time.Since(begun))
		}
	}
}
