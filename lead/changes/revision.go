package changes

import (
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// What a change weighs besides the values of its leads, in bytes: by estimate, the
// indexes by which filters find them, and the kinds of each filter.
const (
	changeBytes    = 1 << 10
	maxKeptFilters = 16
)

// revision is a state of all leads, by its name, and how it came about.
type revision struct {
	name catalogue.Revision
	asOf time.Time // when the reading began that showed it
	// join is another revision with the same leads, if this is another way to it; nil
	// otherwise. Positions after it are those of join.
	join *revision

	// The log's lock guards these.
	*step           // the changes that lead here; nil if they are not known or were forgotten
	next  *revision // the one that follows; nil if there is none yet, or join is set
}

// step is the changes of a revision, which never change.
type step struct {
	changes []Change
	bytes   int64
	asOf    time.Time

	mu    sync.Mutex
	sides [2]*catalogue.Snapshot // the leads before and after; nil until a filter needs them
	kinds map[uint64][]Kind      // of the changes, by the fingerprint of the filter
}

func newRevision(name catalogue.Revision, asOf time.Time, changes []Change) *revision {
	return &revision{name: name, asOf: asOf, step: &step{changes: changes, asOf: asOf, bytes: Weight(changes)}}
}

// Weight returns the memory that changes take in a log, in bytes, by estimate.
func Weight(changes []Change) (bytes int64) {
	var imprint lead.Imprint
	for _, c := range changes {
		bytes += changeBytes
		for _, l := range []*lead.Lead{c.Before, c.After} {
			if l != nil {
				bytes += int64(imprint.Size(l))
			}
		}
	}
	return bytes
}

// state returns the revision that the leads are known by here.
func (r *revision) state() *revision {
	if r.join != nil {
		return r.join
	}
	return r
}

// end is the position after all changes.
func (r *revision) end() Position { return Position{Revision: r.state().name} }

// Kind says what a change is for a filter.
type Kind uint8

// The kinds of changes. The zero value says that the lead matches neither before nor
// after.
const (
	None    Kind = iota
	Created      // a new lead, which matches
	Updated      // matches before and after
	Removed      // is gone, and matched
	Entered      // matches only after
	Left         // matched only before
)

// kindOf returns the kind of a change by whether its leads match.
func kindOf(c Change, before, after bool) Kind {
	switch {
	case before && after:
		return Updated
	case after && c.Before == nil:
		return Created
	case after:
		return Entered
	case before && c.After == nil:
		return Removed
	case before:
		return Left
	}
	return None
}

// kindsFor returns the kinds of all changes for a filter. They are shared between readers
// with the same filter.
func (s *step) kindsFor(filter *lead.Filter) []Kind {
	fingerprint := catalogue.Fingerprint(filter, lead.Order{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if kinds, known := s.kinds[fingerprint]; known {
		return kinds
	}
	kinds := s.judge(filter)
	if s.kinds == nil {
		s.kinds = map[uint64][]Kind{}
	}
	if len(s.kinds) < maxKeptFilters {
		s.kinds[fingerprint] = kinds
	}
	return kinds
}

func (s *step) judge(filter *lead.Filter) []Kind {
	kinds := make([]Kind, len(s.changes))
	if catalogue.Empty(filter) {
		for i, c := range s.changes {
			kinds[i] = kindOf(c, c.Before != nil, c.After != nil)
		}
		return kinds
	}
	if s.sides[0] == nil {
		s.sides[0] = s.side(func(c Change) *lead.Lead { return c.Before })
		s.sides[1] = s.side(func(c Change) *lead.Lead { return c.After })
	}
	before, after := s.sides[0].Select(filter, lead.Order{}), s.sides[1].Select(filter, lead.Order{})
	for i, c := range s.changes {
		kinds[i] = kindOf(c, c.Before != nil && before.Has(c.Before.ID), c.After != nil && after.Has(c.After.ID))
	}
	return kinds
}

// side indexes the leads on one side of the changes, each of which is another lead.
func (s *step) side(of func(Change) *lead.Lead) *catalogue.Snapshot {
	leads := make([]*lead.Lead, 0, len(s.changes))
	for _, c := range s.changes {
		if l := of(c); l != nil {
			leads = append(leads, l)
		}
	}
	return catalogue.Build(leads, s.asOf, nil)
}
