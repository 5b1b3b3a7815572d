package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// patience is how long a client of the overload waits. Who has no answer then
	// leaves, and the answer would be good for nothing.
	patience = 2 * time.Second
	// mostClients bounds the connections of the overload. Where each has a request
	// under way, those that are due are lost.
	mostClients = 2000
	// callers share the connections: each comes from a loopback address of its own.
	callers = 8
)

// crowd is many clients who send requests when these are due, however many are
// under way: unlike those of a load, they do not wait for one another.
type crowd struct {
	url       string
	exchanges []*exchange

	mu      sync.Mutex
	idle    []*client
	clients int
	dialled int
}

// outcome is what became of a request that was due.
type outcome uint8

const (
	good    outcome = iota // the right answer in time
	refused                // told to come later
	given                  // up, by an impatient client or by a server that did not answer
	lost                   // not sent: all clients were waiting
	wrong                  // another answer
)

// shot is one request.
type shot struct {
	outcome outcome
	// since is the time since the request was due, took that since it was sent.
	since, took time.Duration
	text        string // of a wrong answer
}

// fire sends requests at a rate for some time and returns what became of those
// that were due after the warm-up.
func (c *crowd) fire(ctx context.Context, rate float64, warmUp, length time.Duration) []shot {
	c.close() // the server closes connections that stay silent
	gap := time.Duration(float64(time.Second) / rate)
	total, skipped := int((warmUp+length)/gap), int(warmUp/gap)
	shots := make([]shot, total)
	var underWay sync.WaitGroup
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range shots {
		due := begun.Add(time.Duration(i) * gap)
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				underWay.Wait()
				return nil
			}
		}
		one := c.take()
		if one == nil && !c.mayDial() {
			shots[i] = shot{outcome: lost}
			continue
		}
		underWay.Go(func() { shots[i] = c.shoot(ctx, one, c.exchanges[i%len(c.exchanges)], due) })
	}
	underWay.Wait()
	return shots[skipped:]
}

// take returns an idle client, nil if there is none.
func (c *crowd) take() *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	one := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	return one
}

// mayDial counts a further client if there may be one.
func (c *crowd) mayDial() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients == mostClients {
		return false
	}
	c.clients++
	return true
}

// shoot sends a request, over a new connection if it is given none.
func (c *crowd) shoot(ctx context.Context, one *client, e *exchange, due time.Time) shot {
	if one == nil {
		var err error
		if one, err = c.dial(ctx); err != nil {
			c.leave()
			return shot{outcome: given, since: time.Since(due)}
		}
	}
	_ = one.conn.SetDeadline(due.Add(patience)) // fails only on a connection that is closed
	var answer fingerprinter
	status, took, err := one.ask(e, &answer)
	s := shot{since: time.Since(due), took: took.last}
	switch {
	case err != nil:
		one.close()
		c.leave()
		s.outcome = given
		if !errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			s.text = err.Error()
		}
		return s
	case answer.compare(e.want) == nil:
		s.outcome = good
	case status == statusOverloaded && strings.Contains(string(answer.head), overloadedCode):
		s.outcome = refused
	default:
		s.outcome, s.text = wrong, string(answer.head)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, one)
	return s
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients--
}

// dial connects as one of the callers.
func (c *crowd) dial(ctx context.Context) (*client, error) {
	c.mu.Lock()
	c.dialled++
	caller := byte(c.dialled%callers) + 1
	c.mu.Unlock()
	return dialFrom(ctx, &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, caller)}}, c.url)
}

// close ends the connections; none may be in use.
func (c *crowd) close() {
	for _, one := range c.idle {
		one.close()
	}
	c.idle, c.clients = nil, 0
}

// pressure is what a server did with requests that were due at a rate.
type pressure struct {
	Server         string
	Factor         float64 // of the capacity
	Offered        float64 // requests a second
	Goodput        float64 // of them, answered
	Refused, Other float64 // shares of them: refused, and neither
	P50, P99       time.Duration
	// RefusedP50 and RefusedP99 are the times until a refusal came.
	RefusedP50, RefusedP99 time.Duration
	Strange                string // an answer that should not have come
}

// sum needs at least one shot.
func sum(shots []shot, length time.Duration) pressure {
	var served, sent []time.Duration
	p := pressure{Offered: float64(len(shots)) / length.Seconds()}
	for _, s := range shots {
		switch s.outcome {
		case good:
			served = append(served, s.since)
		case refused:
			sent = append(sent, s.took)
		}
		if s.text != "" {
			p.Strange = s.text
		}
	}
	slices.SortFunc(served, cmp.Compare[time.Duration])
	slices.SortFunc(sent, cmp.Compare[time.Duration])
	p.Goodput = float64(len(served)) / length.Seconds()
	p.Refused = float64(len(sent)) / float64(len(shots))
	p.Other = float64(len(shots)-len(served)-len(sent)) / float64(len(shots))
	p.P50, p.P99 = percentile(served, 0.5), percentile(served, 0.99)
	p.RefusedP50, p.RefusedP99 = percentile(sent, 0.5), percentile(sent, 0.99)
	return p
}
