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
	silence := p.pool.listen(entry)
	if silence == nil {
		p.pool.leave(entry)
		return nil, nil, admission.ErrCrowded
	}
	return entry.feed.Log, sync.OnceFunc(func() {
		silence()
		p.pool.leave(entry)
	}), nil
}

// changes returns the state of the logs of all callers.
func (p *Platform) changes() (all telemetry.Changes) {
	add := func(feed *changes.Feed) {
		all.Listeners += feed.Listeners()
		all.Bytes += feed.Bytes()
		newest, _ := feed.End()
		all.Revision = max(all.Revision, newest.Revision.Number)
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

// listen lets the feed of a partition have one more listener until silence is called once.
// It returns nil if too many partitions have listeners.
func (p *pool) listen(entry *partition) (silence func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if entry.feed.Listeners() == 0 {
		if p.listening >= p.maxCallers {
			return nil
		}
		p.listening++
	}
	leave := entry.feed.Listen()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if leave(); entry.feed.Listeners() == 0 {
			p.listening--
		}
	}
}
