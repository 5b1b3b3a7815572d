package load

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"sync"
	"time"
)

// Manner is what a client does after a refusal.
type Manner string

// The manners.
const (
	RetryAtOnce Manner = "at once" // it asks again
	RetryLater  Manner = "heeds"   // it asks again when it was told to
	NeverRetry  Manner = "never"   // it does what it does after an answer
)

// Retries is the outcome of a Mob. An answer other than the right one counts as a refusal,
// whatever its status.
type Retries struct {
	Good    []time.Duration // from the first attempt of a request to its answer
	Refused []time.Duration // from an attempt to its refusal
	// First are those among them of clients who were not refused in the second before.
	// The server holds the others back.
	First []time.Duration
	Lost  int // connections that ended without an answer
}

// Mob keeps one request under way on each connection. Unlike those of a Load, its
// clients may be refused.
type Mob struct {
	URL         string
	Exchanges   []*Exchange
	Connections int
	Manner      Manner
}

// pause is how long a client waits that never retries, before its next request. A
// person would wait longer.
const pause = 10 * time.Millisecond

// calm is how long the server holds back clients that it has refused.
const calm = time.Second

// Run loads the server and counts what happens after the warm-up, when it calls
// warm. The requests must have been rehearsed by a Load.
func (m Mob) Run(ctx context.Context, warmUp, length time.Duration, warm func()) Retries {
	begin := time.Now().Add(warmUp)
	defer time.AfterFunc(warmUp, warm).Stop()
	ctx, cancel := context.WithDeadline(ctx, begin.Add(length))
	defer cancel()
	results := make([]Retries, m.Connections)
	var clients sync.WaitGroup
	for i := range m.Connections {
		clients.Go(func() { m.client(ctx, i, begin, &results[i]) })
	}
	clients.Wait()
	var all Retries
	for _, r := range results {
		all.Good, all.Refused, all.First = append(all.Good, r.Good...), append(all.Refused, r.Refused...), append(all.First, r.First...)
		all.Lost += r.Lost
	}
	return all
}

// client sends requests until ctx ends, and connects again if it was disconnected.
func (m Mob) client(ctx context.Context, i int, begin time.Time, counted *Retries) {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i%Callers))}}
	for next := i; ctx.Err() == nil; {
		conn, err := from.DialContext(ctx, "tcp", host(m.URL))
		if err != nil {
			sleep(ctx, pause)
			continue
		}
		c := &client{
			conn: conn, in: bufio.NewReaderSize(conn, 4<<10), buffer: make([]byte, 4<<10), // there are many clients
			leave: context.AfterFunc(ctx, func() { _ = conn.Close() }),
		}
		var refused time.Time
		for m.request(ctx, c, m.Exchanges[next%len(m.Exchanges)], begin, &refused, counted) {
			next += m.Connections
		}
		c.close()
	}
}

// request sends one request until it is answered, and reports whether the
// connection can be used again. refused is when a request of the connection was refused
// last.
func (m Mob) request(ctx context.Context, c *client, e *Exchange, begin time.Time, refused *time.Time, counted *Retries) bool {
	came := time.Now()
	var refusal limited
	var answer fingerprinter
	for ctx.Err() == nil {
		refusal.head = refusal.head[:0]
		answer.expect(e.want.cursor)
		_, took, err := c.ask(e, io.MultiWriter(&refusal, &answer))
		now := time.Now()
		counts := now.After(begin) && ctx.Err() == nil
		switch {
		case err != nil:
			if counts {
				counted.Lost++
			}
			return false
		case answer.compare(e.want) == nil:
			if counts {
				counted.Good = append(counted.Good, now.Sub(came))
			}
			return true
		}
		if counts {
			counted.Refused = append(counted.Refused, took.Last)
			if now.Sub(*refused)-took.Last > calm {
				counted.First = append(counted.First, took.Last)
			}
		}
		*refused = now
		switch m.Manner {
		case NeverRetry:
			sleep(ctx, pause)
			return true
		case RetryLater:
			sleep(ctx, retryAfter(refusal.head))
		case RetryAtOnce:
		}
	}
	return false
}

// limited keeps the beginning of an answer.
type limited struct{ head []byte }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	l.head = append(l.head, p[:min(len(p), 1024-len(l.head))]...)
	return len(p), nil
}

// retryAfter returns how long a refusal asks its client to wait.
func retryAfter(body []byte) time.Duration {
	var refused struct {
		Errors []struct {
			Extensions struct {
				RetryAfterMS int `json:"retryAfterMs"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &refused) != nil || len(refused.Errors) == 0 {
		return time.Second
	}
	return time.Duration(refused.Errors[0].Extensions.RetryAfterMS) * time.Millisecond
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
