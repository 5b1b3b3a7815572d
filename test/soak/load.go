package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// load is what clients do.
type load struct {
	client  *client
	history *history
	places  *places
	tally   *tally
	ages    ages
	// deadline is the time for an answer: that of the setting and a margin.
	deadline time.Duration
	seed     uint64
}

// patience is how much longer than its deadline a request is waited for.
const patience = 10 * time.Second

// demands are the ages in seconds that clients ask for; most ask for none.
var demands = []int{-1, -1, -1, -1, -1, -1, 0, 1, 3}

// work makes requests at random, no faster than one in each interval, until ctx
// ends; it finishes what it began.
func (l *load) work(ctx context.Context, worker int, interval time.Duration) {
	m := newMaker(l.seed, worker, l.history, l.places)
	pace := time.NewTicker(interval)
	defer pace.Stop()
	whole := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		switch n := m.random.IntN(100); {
		case n < 4:
			l.leave(whole, m)
		case n < 5:
			l.dawdle(whole, m)
		case n < 7:
			l.walk(ctx, m)
		default:
			l.ask(whole, m.request())
		}
	}
}

// request is an operation and how it is made.
func (m *maker) request() request {
	r := request{way: byPost, operations: []operation{m.operation()}, freshness: cacheControl(pick(m.random, demands)), alone: m.one(20)}
	switch n := m.random.IntN(100); {
	case r.operations[0].deferred && n < 75:
		r.way = byParts
	case n < 8:
		r.way = byEvents
	case n < 12:
		r.way, r.freshness = bySocket, ""
	case n < 18:
		r.way = byArray
		for range 1 + m.random.IntN(3) {
			r.operations = append(r.operations, m.operation())
		}
	case n < 28 && len(r.operations[0].document) < 3000 && r.operations[0].kind != "leadsByTenantIds, many":
		r.way = byGet
	}
	return r
}

// ask makes a request and judges what comes. It returns the answers, nil if
// there is none.
func (l *load) ask(ctx context.Context, r request) []answer {
	defer l.tally.begin()()
	ctx, cancel := context.WithTimeout(ctx, l.deadline+patience)
	defer cancel()
	sent := time.Now()
	answers, err := l.client.ask(ctx, r)
	took := time.Since(sent)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		l.tally.violation(hung, "%s: no answer after %v\n%s", r.way, took, r.operations[0].show())
		return nil
	case err != nil:
		l.tally.violation(broken, "%s after %v: %v\n%s", r.way, took, err, r.operations[0].show())
		return nil
	case took > l.deadline:
		l.tally.violation(late, "%s took %v\n%s", r.way, took, r.operations[0].show())
	}
	when := asked{sent: sent, answered: sent.Add(took), noCache: r.freshness == cacheControl(0)}
	if _, err := fmt.Sscanf(r.freshness, "max-age=%d", &when.maxAge); err == nil {
		when.hasMaxAge, when.maxAge = true, when.maxAge*time.Second
	}
	for i, a := range answers {
		l.judge(r, r.operations[i], when, a)
		l.tally.answered(r.operations[i], a, took)
	}
	return answers
}

// judge notes what is wrong with an answer.
func (l *load) judge(r request, o operation, when asked, a answer) {
	l.history.mu.RLock()
	defer l.history.mu.RUnlock()
	j := &judge{asked: when, answer: a, history: l.history, ages: l.ages}
	o.check(j)
	if len(j.wrong) > 0 {
		l.tally.violation(wrongRows, "%s, sent %s, took %v, Cache-Control %q: %s\n%s\nanswer %s", r.way, when.sent.Format("15:04:05.000"),
			when.answered.Sub(when.sent), r.freshness, strings.Join(j.wrong[:min(len(j.wrong), 3)], "; "), o.show(), a.text)
	}
}

func (o operation) show() string {
	text, err := json.Marshal(o.variables)
	if err != nil { // only texts and numbers get here
		panic(err)
	}
	return fmt.Sprintf("%.1000s %.1000s", o.document, text)
}

// leave makes a request and leaves before it is answered in whole.
func (l *load) leave(ctx context.Context, m *maker) {
	defer l.tally.begin()()
	o := m.operation()
	ctx, cancel := context.WithTimeout(ctx, upTo(m.random, 300*time.Millisecond))
	defer cancel()
	r := request{way: pick(m.random, []way{byPost, byParts, byEvents}), operations: []operation{o}, freshness: cacheControl(0)}
	response, err := l.client.send(ctx, r)
	if err == nil {
		_, _ = io.CopyN(io.Discard, response.Body, int64(m.random.IntN(2000))) // however far that gets
		_ = response.Body.Close()
	}
	l.tally.left("clients that leave")
}

// dawdle reads a large answer slowly. It is in time by its header.
func (l *load) dawdle(ctx context.Context, m *maker) {
	defer l.tally.begin()()
	w := window{size: 1000, selected: m.flat[0]}
	o := newOperation("slow readers", false, m.windowPart("leads", w))
	ctx, cancel := context.WithTimeout(ctx, l.deadline+patience)
	defer cancel()
	sent := time.Now()
	response, err := l.client.send(ctx, request{way: byPost, operations: []operation{o}, alone: true})
	if err != nil {
		l.tally.violation(broken, "a slow reader got no answer: %v", err)
		return
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	answered := time.Now()
	body, err := io.ReadAll(slowly{ctx, response.Body, 50 * time.Millisecond})
	if err != nil {
		l.tally.violation(broken, "a slow reader's answer ended after %d bytes: %v", len(body), err)
		return
	}
	answers, err := read(byPost, response.Header.Get("Content-Type"), body)
	if err != nil {
		l.tally.violation(broken, "a slow reader's answer: %v", err)
		return
	}
	if answered.Sub(sent) > l.deadline {
		l.tally.violation(late, "the header took %v\n%s", answered.Sub(sent), o.show())
	}
	l.judge(request{way: byPost}, o, asked{sent: sent, answered: answered}, answers[0])
	l.tally.answered(o, answers[0], answered.Sub(sent))
}

// slowly reads some KiB at a time.
type slowly struct {
	ctx   context.Context
	from  io.Reader
	pause time.Duration
}

// Read implements io.Reader.
func (s slowly) Read(p []byte) (int, error) {
	rest(s.ctx, s.pause)
	return s.from.Read(p[:min(len(p), 16<<10)])
}

// watchHealth asks for the health each second.
func (l *load) watchHealth(ctx context.Context) {
	for rest(ctx, time.Second) {
		l.checkHealth(context.WithoutCancel(ctx))
	}
}

// checkHealth asks for what is never refused and answered at once.
func (l *load) checkHealth(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.deadline+patience)
	defer cancel()
	for _, path := range []string{"/healthz", "/readyz"} {
		begun := time.Now()
		status, body, err := l.client.get(ctx, path)
		if err != nil || status != http.StatusOK || time.Since(begun) > healthTime {
			l.tally.violation(unhealthy, "%s: %d %s %v after %v", path, status, body, err, time.Since(begun))
		}
	}
}

// healthTime is what orchestrators give a probe.
const healthTime = time.Second

// run has all workers work until ctx ends.
func (l *load) run(ctx context.Context, workers, rate int) {
	interval := time.Duration(workers) * time.Second / time.Duration(rate)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			// They begin at different moments.
			if rest(ctx, upTo(rand.New(rand.NewPCG(l.seed, uint64(worker))), interval)) {
				l.work(ctx, worker, interval)
			}
		})
	}
	all.Wait()
}
