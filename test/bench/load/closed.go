// Package load sends requests to a server and checks the answers. A Load is a
// closed loop: each connection sends its next request when it has the answer to
// the last one. A Crowd is an open loop: requests are sent when they are due. The
// clients of a Mob are a closed loop, too, and differ in what they do when refused.
package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxRequests limits the requests of one measurement on each connection.
const maxRequests = 50_000

// Load loads one server with one workload.
type Load struct {
	// Heeds makes clients whose request is refused send it again when they are told to.
	// Otherwise Drive fails.
	Heeds bool

	refused   atomic.Int64
	exchanges []*Exchange
	clients   []*client
	buffer    int // size of each client's buffers in bytes
	digest    string
}

// Sizes of the buffers of a client, in bytes. Answers to many clients are small.
const (
	fewClients = 256
	small      = 4 << 10
)

// Open makes each request once and inspects the answers, which also fills the
// server's cache of documents. It connects the remaining clients after that,
// because the server closes connections that send nothing.
func Open(ctx context.Context, url string, exchanges []*Exchange, connections int) (*Load, error) {
	l := &Load{exchanges: exchanges, buffer: chunk}
	if connections > fewClients {
		l.buffer = small
	}
	err := l.connect(ctx, url)
	if err == nil {
		err = l.rehearse(url)
	}
	for err == nil && len(l.clients) < connections {
		err = l.connect(ctx, url)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Load) connect(ctx context.Context, url string) error {
	c, err := dialFrom(ctx, new(net.Dialer), url, l.buffer)
	if err == nil {
		l.clients = append(l.clients, c)
	}
	return err
}

// rehearse inspects the answer to each request and remembers its fingerprint.
func (l *Load) rehearse(url string) error {
	all := sha256.New()
	var answer bytes.Buffer
	for i, e := range l.exchanges {
		e.render(url)
		answer.Reset()
		_, err := l.clients[0].do(e, &answer)
		if err == nil {
			err = inspect(answer.Bytes(), e.Rows)
		}
		if err == nil && e.Check != nil {
			err = e.Check(answer.Bytes())
		}
		if err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		var print fingerprinter
		print.expect(cursorIn(answer.Bytes()))
		_, _ = print.Write(answer.Bytes())
		e.want = print.fingerprint
		_, _ = all.Write(answer.Bytes()[:e.want.cursor.from]) // writing to a hash does not fail
		_, _ = all.Write(answer.Bytes()[e.want.cursor.to:])
	}
	l.digest = string(all.Sum(nil))
	return nil
}

// Digest returns a hash of the answers to all requests.
func (l *Load) Digest() string { return l.digest }

// Refused returns how many requests were refused so far.
func (l *Load) Refused() int { return int(l.refused.Load()) }

// Close closes all connections.
func (l *Load) Close() {
	for _, c := range l.clients {
		c.close()
	}
}

// Drive keeps one request under way on each connection until the time is over,
// and makes at least one, which may be refused. It waits for the last answers. It returns how long each
// answer took, and how long all of them took together.
func (l *Load) Drive(ctx context.Context, limit time.Duration) (samples []Sample, elapsed time.Duration, err error) {
	taken := make([][]Sample, len(l.clients))
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

// loop makes the requests of one connection. With n connections, connection i
// makes the requests i, i+n, i+2n and so on, so that two connections rarely make
// the same request at the same time.
func (l *Load) loop(ctx context.Context, c *client, i int, until time.Time) ([]Sample, error) {
	var samples []Sample
	var answer fingerprinter
	for {
		took, err := l.ask(c, i, &answer)
		if err != nil && l.Heeds && answer.refuses() {
			l.refused.Add(1)
			sleep(ctx, min(retryAfter(answer.head), time.Until(until)))
			if !time.Now().Before(until) {
				return samples, context.Cause(ctx)
			}
			continue
		}
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

// First makes the first request once, on the first connection.
func (l *Load) First() (Sample, error) { return l.ask(l.clients[0], 0, &fingerprinter{}) }

// ask makes request i, where the first request follows the last one, and checks
// that the answer is the same as in the rehearsal.
func (l *Load) ask(c *client, i int, answer *fingerprinter) (Sample, error) {
	e := l.exchanges[i%len(l.exchanges)]
	answer.expect(e.want.cursor)
	took, err := c.do(e, answer)
	if err == nil {
		err = answer.compare(e.want)
	}
	return took, err
}
