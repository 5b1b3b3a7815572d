// Package changes keeps a log of what changes in a catalogue: revisions, one for each
// snapshot that differs from the one before. Whoever has read the leads of one revision gets
// the leads of a later one by applying the changes between them.
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

// Options configures a log. Zeros mean the defaults.
type Options struct {
	// Retention is how long changes are kept.
	Retention time.Duration
	// MaxBytes is how much memory the changes may take, in bytes, by estimate.
	MaxBytes int64
	// History, if not nil, knows the revisions that replicas share. Snapshots without a
	// name are then an exception, for which the log waits for a while; see Pause.
	History History
	// CatchUp, if not nil, publishes what replicas share and the log does not know yet.
	CatchUp func(context.Context)
}

// History knows the revisions that replicas share.
type History interface {
	// Steps returns the revisions that lead from one to another, in order, without the
	// first; if that is zero, from the oldest that is known. It returns none if not all of
	// them are known.
	Steps(ctx context.Context, from, to catalogue.Revision) []Step
	// Unsettle has the next revision tell these leads; see Log.Unsettle. It does not wait.
	Unsettle(ids []string)
}

// Step is a revision that replicas share, with the changes from the one before.
type Step struct {
	Base, Name catalogue.Revision
	AsOf       time.Time // when the reading began that showed it
	Changes    []Change
}

// Position is a place in a log. It begins with the leads of a revision. An Index above 0
// means that of the changes that lead there only the first Index are before it.
type Position struct {
	Revision catalogue.Revision
	Index    int
}

// Pause is how long a log waits for the next revision that replicas share before it goes on
// by itself. Other replicas do not know the revisions that it adds then.
const Pause = time.Minute

// Log is a log of changes. It is safe for concurrent use.
type Log struct {
	id   uint64 // of the revisions that only this log has
	opts Options
	born time.Time

	publishing sync.Mutex // held while a snapshot is compared with the one before

	mu     sync.Mutex
	known  map[catalogue.Revision]*revision // those whose leads can be a position
	kept   []*revision                      // those whose changes are kept, the oldest first
	bytes  int64                            // of the changes that are kept
	own    uint64                           // the number of the last own revision
	tip    *revision                        // the newest that readers get; nil before the first
	latest *catalogue.Snapshot              // the leads there
	asOf   time.Time                        // when the newest reading began that shows just these
	shared *revision                        // the newest that replicas share; nil if there was none
	when   time.Time                        // it was published
	// aside are own revisions that follow tip if the log goes on by itself. Readers do not
	// get them, but may begin there: asideOf are the leads that they have listed then.
	aside   []*revision
	asideOf *catalogue.Snapshot
	seen    time.Time // when the newest reading began that was published
	// unsettled are the leads that the next comparison tells even if they have not changed.
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
	return &Log{id: rand.Uint64N(1<<63) + 1, opts: o, born: time.Now(), known: map[catalogue.Revision]*revision{}, news: make(chan struct{})}
}

// Publish adds a revision if the snapshot differs from the latest one. Only complete lists
// may be published: a lead that is missing counts as gone. Snapshots that are older than
// the latest are ignored. The context is that of the refresh; the comparison makes no
// pauses while a caller waits for it.
func (l *Log) Publish(ctx context.Context, s *catalogue.Snapshot) {
	l.publish(ctx, s, flight.NewPace(ctx))
}

func (l *Log) publish(ctx context.Context, s *catalogue.Snapshot, pace *flight.Pace) {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	l.mu.Lock()
	old := s.AsOf().Before(l.seen)
	l.mu.Unlock()
	if old {
		return
	}
	finish := l.alone
	if s.Revision() != (catalogue.Revision{}) {
		finish = l.together
	}
	install := finish(ctx, s, pace)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.refusal = nil
	}
	before, waiting := l.tip, len(l.aside) > 0
	install()
	l.seen = s.AsOf()
	slices.SortStableFunc(l.kept, func(a, b *revision) int { return a.asOf.Compare(b.asOf) })
	l.trim(time.Now())
	if before != nil && (before != l.tip || waiting) {
		l.wake()
	}
}

// add makes a revision known.
func (l *Log) add(r *revision) *revision {
	l.known[r.name] = r
	if r.step != nil {
		l.kept = append(l.kept, r)
		l.bytes += r.bytes
	}
	return r
}

// wake lets everybody look again who waits for news.
func (l *Log) wake() {
	close(l.news)
	l.news = make(chan struct{})
}

// trim forgets what is too old or too much.
func (l *Log) trim(now time.Time) {
	n := 0
	for ; n < len(l.kept); n++ {
		oldest := l.kept[n]
		if l.bytes <= l.opts.MaxBytes && now.Sub(oldest.asOf) <= l.opts.Retention {
			break
		}
		l.bytes -= oldest.bytes
		oldest.step = nil
	}
	l.kept = slices.Delete(l.kept, 0, n)
	if n > 0 {
		for name, r := range l.known { // a position there is of no use if what follows is forgotten
			if next := r.state().next; r.step == nil && r != l.tip && (next == nil || next.step == nil) {
				delete(l.known, name)
			}
		}
	}
	if l.sweep == nil && len(l.kept) > 0 && !l.closed {
		left := l.opts.Retention - now.Sub(l.kept[0].asOf)
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
// is older than the log, the position is expired. A snapshot that the log does not have yet
// is published.
func (l *Log) Of(s *catalogue.Snapshot) Position {
	l.mu.Lock()
	unknown := s.AsOf().After(l.seen)
	l.mu.Unlock()
	if unknown {
		l.publish(context.Background(), s, nil)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.known[s.Revision()]; r != nil {
		return r.end()
	}
	var last *revision // whose reading began before that of the snapshot
	for _, r := range l.known {
		if !r.asOf.After(s.AsOf()) && (last == nil || !r.asOf.Before(last.asOf)) {
			last = r
		}
	}
	if last == nil {
		return Position{}
	}
	return last.end()
}

// End returns the position after the last change, and when reading the newest leads began,
// which show nothing else. The time is zero if there are none.
func (l *Log) End() (Position, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tip == nil {
		return Position{}, time.Time{}
	}
	return l.tip.end(), l.asOf
}

// Seen returns when the newest reading began that was published; zero if there is none.
func (l *Log) Seen() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
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
	if l.opts.History != nil {
		l.opts.History.Unsettle(ids)
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
	if path, _, known := l.path(after); !known || len(path) > 0 || l.refusal != nil {
		now := make(chan struct{})
		close(now)
		return now
	}
	return l.news
}
