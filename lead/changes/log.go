// Package changes keeps a log of what changes in a catalogue: numbered revisions, one for
// each snapshot that differs from the one before. Whoever has read the leads of one
// revision gets the leads of a later one by applying the changes between them.
//
// The log is bounded by age and size. Readers hold a Position, and nothing is kept for
// them: a reader that is too slow finds its position expired.
package changes

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

// ErrExpired is the error for a position of which the log no longer knows what follows.
var ErrExpired = errors.New("the changes after this position are no longer known")

// errClosed ends the readers of a log whose server stops.
var errClosed = &lead.SourceError{Kind: lead.FailureUnavailable, Err: errors.New("the log of changes is closed")}

// Defaults of Options.
const (
	DefaultRetention = 24 * time.Hour
	DefaultMaxBytes  = 64 << 20
)

// Options bounds a log. Zeros mean the defaults.
type Options struct {
	// Retention is how long changes are kept.
	Retention time.Duration
	// MaxBytes is how much memory the changes may take, in bytes, by estimate.
	MaxBytes int64
}

// Position is a place in a log: all revisions before Revision come before it, and of
// that one the first Index changes. Positions of different logs have nothing in common.
type Position struct {
	Revision uint64
	Index    int
}

// before reports whether changes after p can be unknown to who knows those after q.
func (p Position) before(q Position) bool {
	return p.Revision < q.Revision || p.Revision == q.Revision && p.Index < q.Index
}

// Log is a log of changes. It is safe for concurrent use.
type Log struct {
	id   uint64
	opts Options

	publishing sync.Mutex // held while a snapshot is compared with the one before

	mu        sync.Mutex
	latest    *catalogue.Snapshot // nil before the first
	asOf      time.Time           // of the latest
	revisions []*revision         // those whose changes are kept, the oldest first
	end       Position            // after the last change
	// floor is the first position that is not expired. The leads there were read at
	// floorAsOf.
	floor     Position
	floorAsOf time.Time
	bytes     int64
	// unsettled are the leads that the next revision tells even if they have not changed.
	unsettled map[string]struct{}
	refusal   error         // why nothing can be read, or nil
	closed    bool          // the refusal stays
	sweep     *time.Timer   // trims when the oldest revision expires; nil if none is kept
	news      chan struct{} // closed when there is more to read
}

// NewLog returns an empty log.
func NewLog(o Options) *Log {
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return &Log{id: rand.Uint64N(1<<63) + 1, opts: o, news: make(chan struct{})}
}

// ID identifies the log among those of all servers. It is random and not 0.
func (l *Log) ID() uint64 { return l.id }

// Publish adds a revision if the snapshot differs from the latest one. Only complete lists
// may be published: a lead that is missing counts as gone. The context is that of the
// refresh; the comparison makes no pauses while a caller waits for it.
func (l *Log) Publish(ctx context.Context, s *catalogue.Snapshot) {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	l.mu.Lock()
	before, unsettled := l.latest, l.unsettled
	l.unsettled = nil
	l.mu.Unlock()
	var found []Change
	if before != nil && before != s {
		found = compare(before, s, unsettled, flight.NewPace(ctx))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.refusal = nil
	}
	if before == nil {
		l.begin(s)
		return
	}
	l.latest = s
	l.asOf = s.AsOf()
	if len(found) > 0 {
		l.append(newRevision(l.end.Revision+1, s.AsOf(), found))
	}
	l.trim(time.Now())
}

// begin makes the snapshot the base that the first revision with changes is compared with.
func (l *Log) begin(s *catalogue.Snapshot) {
	l.latest, l.asOf, l.floorAsOf = s, s.AsOf(), s.AsOf()
	l.end = Position{Revision: 1}
	l.floor = l.end
}

func (l *Log) append(r *revision) {
	l.revisions = append(l.revisions, r)
	l.bytes += r.bytes
	l.end = r.end()
	l.wake()
}

// wake lets everybody look again who waits for news.
func (l *Log) wake() {
	close(l.news)
	l.news = make(chan struct{})
}

// trim forgets what is too old or too much.
func (l *Log) trim(now time.Time) {
	n := 0
	for ; n < len(l.revisions); n++ {
		oldest := l.revisions[n]
		if l.bytes <= l.opts.MaxBytes && now.Sub(oldest.asOf) <= l.opts.Retention {
			break
		}
		l.bytes -= oldest.bytes
		l.floor, l.floorAsOf = oldest.end(), oldest.asOf
	}
	l.revisions = slices.Delete(l.revisions, 0, n)
	if l.sweep == nil && len(l.revisions) > 0 && !l.closed {
		left := l.opts.Retention - now.Sub(l.revisions[0].asOf)
		l.sweep = time.AfterFunc(left+time.Millisecond, l.expire)
	}
}

// expire forgets what is too old although nobody reads or publishes: the leads may be gone
// from the platform.
func (l *Log) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep = nil
	l.trim(time.Now())
}

// Of returns the position of the leads of a snapshot: no change that they do not show
// comes before it. Changes after it may be some that they show already. If the snapshot
// is older than the log, the position is expired. An empty log begins with the snapshot.
func (l *Log) Of(s *catalogue.Snapshot) Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest == nil {
		l.begin(s)
	}
	if s.AsOf().Before(l.floorAsOf) {
		return Position{}
	}
	position := l.floor
	for _, r := range l.revisions {
		if r.asOf.After(s.AsOf()) {
			break
		}
		position = r.end()
	}
	return position
}

// End returns the position after the last change, and when reading the newest leads began,
// which show nothing else. The time is zero if there are none.
func (l *Log) End() (Position, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end, l.asOf
}

// Bytes returns the memory that the changes take, by estimate.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// Unsettle makes the next revision tell these leads as updated even if they have the same
// values as in the latest. A page has shown newer ones, or has left the leads out because
// of newer ones; if the platform has gone back meanwhile, no comparison of readings shows
// it.
func (l *Log) Unsettle(ids []string) {
	if len(ids) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsettled == nil {
		l.unsettled = make(map[string]struct{}, len(ids))
	}
	for _, id := range ids {
		l.unsettled[id] = struct{}{}
	}
}

// Refuse lets every reading fail with the error until the next snapshot is published.
func (l *Log) Refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.refusal = err
		l.wake()
	}
}

// close lets every reading fail from now on.
func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.refusal, l.closed = errClosed, true
		if l.sweep != nil {
			l.sweep.Stop()
		}
		l.wake()
	}
}

// News returns a channel that is closed when Read may return something else after the
// position than it does now.
func (l *Log) News(after Position) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after != l.end || l.refusal != nil {
		now := make(chan struct{})
		close(now)
		return now
	}
	return l.news
}
