package changes

import (
	"context"
	"errors"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// maxLooked is how many changes one Read looks at. It bounds the work for a reader whose
// filter matches little.
const maxLooked = 5000

// Entry is a change as a reader with a filter sees it.
type Entry struct {
	Change
	Kind Kind
	// At is the position after the change.
	At Position
	// Nth names the change: its revision, and its number there from 1. No other change has
	// that name.
	Nth Position
	// AsOf is when the reading began that showed the change.
	AsOf time.Time
}

// Batch is what Read has found.
type Batch struct {
	Entries []Entry
	// Next is the position to go on from, and AsOf when the reading began that shows the
	// leads there.
	Next Position
	AsOf time.Time
	// More says that there are changes after Next. They may not match.
	More bool
}

// Read returns up to so many changes after a position that concern a filter, which must be
// valid. It may return less although there is More. The error is ErrExpired, or that of
// Refuse.
func (l *Log) Read(after Position, filter *lead.Filter, most int) (Batch, error) {
	path, batch, err := l.since(after)
	if err != nil {
		return Batch{}, err
	}
	end, newest := batch.Next, batch.AsOf
	batch.Next = after
	looked := 0
	for _, leg := range path {
		kinds := leg.kindsFor(filter)
		for i := leg.first; i < len(kinds); i++ {
			if len(batch.Entries) >= most || looked >= maxLooked {
				batch.More = true
				return batch, nil
			}
			looked++
			nth := Position{leg.name, i + 1}
			batch.Next, batch.AsOf = nth, leg.asOf
			if i+1 == len(kinds) {
				batch.Next = leg.end
			}
			if kinds[i] != None {
				batch.Entries = append(batch.Entries, Entry{Change: leg.changes[i], Kind: kinds[i], At: batch.Next, Nth: nth, AsOf: leg.asOf})
			}
		}
	}
	batch.Next, batch.AsOf = end, newest
	return batch, nil
}

// errAhead is the error for a position that another replica has given and this one will know.
var errAhead = &lead.SourceError{Kind: lead.FailureUnavailable, RetryAfter: time.Second, Err: errors.New("another replica is ahead with the log of changes")}

// Find returns nil if the log knows what follows a position, and ErrExpired otherwise. It
// first looks whether replicas share a newer revision. If the position is of one that this
// replica has missed because the shared state was lost, the error is a *lead.SourceError for as long as
// the log waits; see Pause.
func (l *Log) Find(ctx context.Context, at Position) error {
	if l.knows(at) {
		return nil
	}
	if l.opts.CatchUp != nil {
		if l.opts.CatchUp(ctx); l.knows(at) {
			return nil
		}
	}
	if l.behind(at) {
		return errAhead
	}
	return ErrExpired
}

// behind reports whether a position may be one of a revision that is still to come.
func (l *Log) behind(at Position) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shared == nil { // it has started while the shared state was lost
		return l.opts.History != nil && time.Since(l.born) < Pause && at.Revision.Log != l.id && at != Position{}
	}
	return l.pausing() && at.Revision.Log == l.shared.name.Log && at.Revision.Number > l.shared.name.Number
}

func (l *Log) knows(at Position) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _, known := l.path(at)
	return known
}

// leg is a part of the way from a position to the end of the log.
type leg struct {
	*step
	first int // the changes before it are not part of the way
	name  catalogue.Revision
	end   Position
}

// since returns the way from a position to the end, and a batch that ends there.
func (l *Log) since(after Position) ([]leg, Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trim(time.Now())
	if l.refusal != nil {
		return nil, Batch{}, l.refusal
	}
	path, last, known := l.path(after)
	if !known {
		return nil, Batch{}, ErrExpired
	}
	batch := Batch{Next: last.end(), AsOf: last.asOf}
	if last.state() == l.tip {
		batch.AsOf = l.asOf
	}
	return path, batch, nil
}

// path returns the way from a position to the end of what is known to follow, and the last
// revision on it.
func (l *Log) path(from Position) (path []leg, last *revision, known bool) {
	r := l.known[from.Revision]
	if l.tip == nil && from == (Position{}) {
		return nil, &revision{}, true // what an empty log says is its end
	}
	if r == nil || from.Index < 0 {
		return nil, nil, false
	}
	if from.Index > 0 {
		if r.step == nil || from.Index >= len(r.changes) {
			return nil, nil, false
		}
		path = append(path, leg{r.step, from.Index, r.name, r.end()})
	}
	for last = r; ; last = r {
		if r = last.state().next; r == nil {
			return path, last, true
		}
		if r.step == nil {
			return nil, nil, false
		}
		path = append(path, leg{r.step, 0, r.name, r.end()})
	}
}
