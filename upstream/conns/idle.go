package conns

import (
	"sync"
	"time"
)

const (
	// idleTimeout is how long a connection is kept without a request.
	idleTimeout = idleRounds * idleRound
	// In each round, connections that the platform has closed are closed here too.
	idleRound  = 10 * time.Second
	idleRounds = 9
)

// idle holds connections that no request uses, the last used at the end.
type idle struct {
	most int

	mu    sync.Mutex
	conns []*conn
	round int
	next  *time.Timer // of the end of the round; nil without connections
	// closed is true from closeAll to the next request: what comes back is closed.
	closed bool
}

// take removes a connection and sets its deadline, or returns nil.
func (p *idle) take(end time.Time) *conn {
	for {
		c := p.pop()
		if c == nil || c.rests(end) {
			return c
		}
		c.close()
	}
}

func (p *idle) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
	last := len(p.conns) - 1
	if last < 0 {
		return nil
	}
	c := p.conns[last]
	p.conns[last] = nil
	p.conns = p.conns[:last]
	return c
}

// put keeps a connection, or closes it if there are enough.
func (p *idle) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns) >= p.most {
		c.close()
		return
	}
	c.idleSince = p.round
	p.conns = append(p.conns, c)
	if p.next == nil {
		p.next = time.AfterFunc(idleRound, p.tidy)
	}
}

// tidy ends a round. It closes connections that have not been used for long, and those
// that the platform has closed.
func (p *idle) tidy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.round++
	kept := p.conns[:0]
	for _, c := range p.conns {
		if p.round-c.idleSince < idleRounds && c.rests(time.Time{}) {
			kept = append(kept, c)
		} else {
			c.close()
		}
	}
	clear(p.conns[len(kept):])
	p.conns = kept
	if p.next = nil; len(kept) > 0 {
		p.next = time.AfterFunc(idleRound, p.tidy)
	}
}

// closeAll closes all connections, and those that come back before the next request.
func (p *idle) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.close()
	}
	p.conns, p.closed = nil, true
	if p.next != nil {
		p.next.Stop() // a tidy that runs already finds nothing
		p.next = nil
	}
}
