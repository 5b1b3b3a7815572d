package changes

import (
	"sort"
	"time"

	"leadgraph/lead"
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
	revisions, batch, err := l.since(after)
	if err != nil {
		return Batch{}, err
	}
	end, newest := batch.Next, batch.AsOf
	batch.Next = after
	looked := 0
	for _, r := range revisions {
		first := 0
		if r.number == after.Revision {
			first = after.Index
		}
		kinds := r.kindsFor(filter)
		for i := first; i < len(kinds); i++ {
			if len(batch.Entries) >= most || looked >= maxLooked {
				batch.More = true
				return batch, nil
			}
			looked++
			batch.Next, batch.AsOf = Position{r.number, i + 1}, r.asOf
			if kinds[i] != None {
				batch.Entries = append(batch.Entries, Entry{Change: r.changes[i], Kind: kinds[i], At: batch.Next, AsOf: r.asOf})
			}
		}
	}
	batch.Next, batch.AsOf = end, newest
	return batch, nil
}

// since returns the revisions that have changes after a position, and a batch that ends
// with the last of them.
func (l *Log) since(after Position) ([]*revision, Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trim(time.Now())
	if l.refusal != nil {
		return nil, Batch{}, l.refusal
	}
	if after.before(l.floor) || l.end.before(after) {
		return nil, Batch{}, ErrExpired
	}
	first := sort.Search(len(l.revisions), func(i int) bool { return after.before(l.revisions[i].end()) })
	// The readers share what is never changed; the slice itself is moved by trim.
	revisions := append([]*revision(nil), l.revisions[first:]...)
	if len(revisions) > 0 && revisions[0].number == after.Revision && after.Index > len(revisions[0].changes) {
		return nil, Batch{}, ErrExpired
	}
	return revisions, Batch{Next: l.end, AsOf: l.asOf}, nil
}
