package load

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// Patience is how long a client of a Crowd waits for an answer.
	Patience = 2 * time.Second
	// Callers is the number of loopback addresses that the connections of a Crowd
	// come from. leadgraph takes each address for a caller of its own.
	Callers = 8
	// mostClients limits the connections of a Crowd. A request that is due while
	// each has a request under way is lost.
	mostClients = 2000

	overloadedCode   = "OVERLOADED"
	statusOverloaded = http.StatusServiceUnavailable
)

// Crowd is many clients that send requests when they are due, however many are
// under way. Unlike the clients of a Load, they do not wait for one another.
type Crowd struct {
	url       string
	exchanges []*Exchange

	mu      sync.Mutex
	idle    []*client
	clients int
	dialled int
}

// NewCrowd returns a crowd that makes the requests of an open load.
func NewCrowd(url string, l *Load) *Crowd { return &Crowd{url: url, exchanges: l.exchanges} }

// Outcome is what became of a request that was due.
type Outcome uint8

// The outcomes.
const (
	Good    Outcome = iota // the right answer arrived in time
	Refused                // leadgraph answered that it is overloaded
	GivenUp                // the client's patience ended, or the connection failed
	Lost                   // the request was not sent, because all clients were waiting
	Wrong                  // another answer arrived
)

// Shot is one request of a Crowd.
type Shot struct {
	Outcome Outcome
	// Since is the time since the request was due, and Took the time since it was
	// sent.
	Since, Took time.Duration
	// Again says that a request of the same connection was refused in the second before,
	// so the server has held this one back.
	Again bool
	Text  string // of a wrong answer, or of an unexpected error
}

// Fire sends requests at a rate, in requests a second, and returns what became of
// the requests that were due after the warm-up. It returns nil if ctx ends.
func (c *Crowd) Fire(ctx context.Context, rate float64, warmUp, length time.Duration) []Shot {
	gap := time.Duration(float64(time.Second) / rate)
	total, skipped := int((warmUp+length)/gap), int(warmUp/gap)
	shots := c.fire(ctx, gap, func(i int) bool { return i < total })
	if len(shots) == 0 {
		return nil
	}
	return shots[skipped:]
}

// FireUntil sends requests at a rate, in requests a second, until done is closed, and
// returns what became of them. It returns nil if ctx ends.
func (c *Crowd) FireUntil(ctx context.Context, rate float64, done <-chan struct{}) []Shot {
	return c.fire(ctx, time.Duration(float64(time.Second)/rate), func(int) bool {
		select {
		case <-done:
			return false
		default:
			return true
		}
	})
}

// fire sends a request after each gap as long as more reports true for its number.
func (c *Crowd) fire(ctx context.Context, gap time.Duration, more func(i int) bool) []Shot {
	c.Close() // the server may have closed connections that sent nothing
	var all []*Shot
	var underWay sync.WaitGroup
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; more(i); i++ {
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
		shot := new(Shot)
		all = append(all, shot)
		one := c.take()
		if one == nil && !c.mayDial() {
			shot.Outcome = Lost
			continue
		}
		underWay.Go(func() { *shot = c.shoot(ctx, one, c.exchanges[i%len(c.exchanges)], due) })
	}
	underWay.Wait()
	shots := make([]Shot, len(all))
	for i, shot := range all {
		shots[i] = *shot
	}
	return shots
}

// take removes an idle client and returns it. It returns nil if there is none.
func (c *Crowd) take() *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	one := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	return one
}

// mayDial counts one more client, unless there are too many.
func (c *Crowd) mayDial() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clients == mostClients {
		return false
	}
	c.clients++
	return true
}

// shoot sends a request, over a new connection if one is nil.
func (c *Crowd) shoot(ctx context.Context, one *client, e *Exchange, due time.Time) Shot {
	if one == nil {
		var err error
		if one, err = c.dial(ctx); err != nil {
			c.leave()
			return Shot{Outcome: GivenUp, Since: time.Since(due)}
		}
	}
	_ = one.conn.SetDeadline(due.Add(Patience)) // fails only if the connection is closed
	var answer fingerprinter
	answer.expect(e.want.cursor)
	again := time.Since(one.refused) < calm
	status, took, err := one.ask(e, &answer)
	s := Shot{Since: time.Since(due), Took: took.Last, Again: again}
	switch {
	case err != nil:
		one.close()
		c.leave()
		s.Outcome = GivenUp
		if !errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			s.Text = err.Error()
		}
		return s
	case answer.compare(e.want) == nil:
		s.Outcome = Good
	case status == statusOverloaded && strings.Contains(string(answer.head), overloadedCode):
		s.Outcome, one.refused = Refused, time.Now()
	default:
		s.Outcome, s.Text = Wrong, string(answer.head)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, one)
	return s
}

// leave uncounts a client.
func (c *Crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients--
}

// dial connects from the address of one of the callers.
func (c *Crowd) dial(ctx context.Context) (*client, error) {
	c.mu.Lock()
	c.dialled++
	caller := byte(c.dialled%Callers) + 1
	c.mu.Unlock()
	return dialFrom(ctx, &net.Dialer{Timeout: Patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, caller)}}, c.url, chunk)
}

// Close closes the connections. None may be in use.
func (c *Crowd) Close() {
	for _, one := range c.idle {
		one.close()
	}
	c.idle, c.clients = nil, 0
}
