package backend

import (
	"context"
	"sync"

	"leadgraph/internal/admission"
	"leadgraph/internal/telemetry"
	"leadgraph/lead/changes"
)

// Log returns the log of changes of the caller's catalogue. In passthrough it returns the
// error with which the platform has refused the caller's token, if it has.
func (p *Platform) Log(ctx context.Context) (*changes.Log, error) {
	if p.common != nil {
		return p.common.feed.Log, nil
	}
	return withReaders(ctx, p.pool, func(r *readers) (*changes.Log, error) { return r.feed.Log, nil })
}

// Listen returns the log, and has all leads read from time to time until leave is called.
// In passthrough it keeps the caller's caches for as long, and no more callers can listen
// than may have caches; the error is admission.ErrCrowded then.
func (p *Platform) Listen(ctx context.Context) (log *changes.Log, leave func(), err error) {
	if p.common != nil {
		return p.common.feed.Log, p.common.feed.Listen(), nil
	}
	if _, err := p.Log(ctx); err != nil {
		return nil, nil, err
	}
	entry := p.pool.enter(p.pool.caller(ctx))
	if !p.pool.hear(entry) {
		p.pool.leave(entry)
		return nil, nil, admission.ErrCrowded
	}
	silence := entry.feed.Listen()
	return entry.feed.Log, sync.OnceFunc(func() {
		silence()
		p.pool.unhear(entry)
		p.pool.leave(entry)
	}), nil
}

// changes returns the state of the logs of all callers.
func (p *Platform) changes() (all telemetry.Changes) {
	add := func(feed *changes.Feed) {
		all.Listeners += feed.Listeners()
		all.Bytes += feed.Bytes()
	}
	switch {
	case p.common != nil:
		add(p.common.feed)
	case p.pool != nil:
		p.pool.mu.Lock()
		defer p.pool.mu.Unlock()
		for _, entry := range p.pool.partitions {
			add(entry.feed)
		}
	}
	return all
}

// hear counts a listener of a partition. It returns false if too many have listeners.
func (p *pool) hear(entry *partition) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry.ears == 0 {
		if p.listening >= p.maxCallers {
			return false
		}
		p.listening++
	}
	entry.ears++
	return true
}

func (p *pool) unhear(entry *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry.ears--; entry.ears == 0 {
		p.listening--
	}
}
