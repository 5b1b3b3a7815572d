package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxRequests bounds those of one measurement for each connection.
const maxRequests = 50_000

// load drives one server with one workload.
type load struct {
	exchanges []*exchange
	clients   []*client
	digest    string // of the answers to all exchanges
}

// openLoad makes each request once, which also fills the server's cache of
// documents, and then connects: the server closes connections that stay silent.
func openLoad(ctx context.Context, url string, exchanges []*exchange, connections int) (*load, error) {
	l := &load{exchanges: exchanges}
	err := l.connect(ctx, url)
	if err == nil {
		err = l.rehearse(url)
	}
	for err == nil && len(l.clients) < connections {
		err = l.connect(ctx, url)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *load) connect(ctx context.Context, url string) error {
	c, err := dial(ctx, url)
	if err == nil {
		l.clients = append(l.clients, c)
	}
	return err
}

// rehearse inspects the answer to each request and remembers its fingerprint.
func (l *load) rehearse(url string) error {
	all := sha256.New()
	var answer bytes.Buffer
	for i, e := range l.exchanges {
		e.render(url)
		answer.Reset()
		_, err := l.clients[0].do(e, &answer)
		if err == nil {
			err = inspect(answer.Bytes(), e.rows)
		}
		if err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		_, _ = all.Write(answer.Bytes()) // hashes take everything
		e.want = fingerprint{size: int64(answer.Len()), sum: crc32.Checksum(answer.Bytes(), castagnoli)}
	}
	l.digest = string(all.Sum(nil))
	return nil
}

func (l *load) close() {
	for _, c := range l.clients {
		c.close()
	}
}

// drive keeps one request under way on each connection for that time, at least
// one, waits for the last answers and returns how long all took.
func (l *load) drive(ctx context.Context, limit time.Duration) (samples []sample, elapsed time.Duration, err error) {
	taken := make([][]sample, len(l.clients))
	workers, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for i, c := range l.clients {
		workers.Go(func() (err error) {
			taken[i], err = l.loop(ctx, c, i, start.Add(limit))
			return err
		})
	}
	err = workers.Wait()
	return slices.Concat(taken...), time.Since(start), err
}

// loop is one connection's part. Connection i makes requests i, i+n, i+2n and so
// on of n connections, so that two rarely ask the same at a time.
func (l *load) loop(ctx context.Context, c *client, i int, until time.Time) ([]sample, error) {
	var samples []sample
	var answer fingerprinter
	for {
		took, err := l.ask(c, i, &answer)
		if err != nil {
			return samples, err
		}
		samples = append(samples, took)
		if len(samples) == maxRequests || !time.Now().Before(until) {
			return samples, context.Cause(ctx)
		}
		i += len(l.clients)
	}
}

// ask makes request i, counted round, and checks that its answer is the one of
// the rehearsal.
func (l *load) ask(c *client, i int, answer *fingerprinter) (sample, error) {
	e := l.exchanges[i%len(l.exchanges)]
	answer.reset()
	took, err := c.do(e, answer)
	if err == nil {
		err = answer.compare(e.want)
	}
	return took, err
}

// result is what one server did with one workload.
type result struct {
	Workload, Server string
	Requests         int
	Rate             float64 // answers a second
	P50, P99         time.Duration
	FirstByte        time.Duration // median
	CPU              time.Duration // of the server, for each request; 0: unknown
	Busy             float64       // share of its core that the server used
	LoadBusy         float64       // share of theirs that load and sandbox used
	Peak             int64         // bytes of resident memory; 0: unknown
	Calls            float64       // of the upstream, for each request
	Bytes            int64         // of an answer, on average
}

// summarise needs at least one sample.
func summarise(samples []sample, elapsed time.Duration, cpu cpuUse) result {
	n := len(samples)
	first, last := make([]time.Duration, n), make([]time.Duration, n)
	for i, s := range samples {
		first[i], last[i] = s.first, s.last
	}
	slices.SortFunc(last, cmp.Compare[time.Duration])
	return result{
		Requests: n, Rate: float64(n) / elapsed.Seconds(),
		P50: percentile(last, 0.5), P99: percentile(last, 0.99), FirstByte: median(first),
		CPU: cpu.server / time.Duration(n), Busy: cpu.server.Seconds() / elapsed.Seconds(), LoadBusy: cpu.load.Seconds() / elapsed.Seconds(),
	}
}
