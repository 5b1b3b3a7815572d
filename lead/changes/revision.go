package changes

import (
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

// Change is a lead before and after a revision. Before is nil if the lead is new, After if
// it is gone.
type Change struct{ Before, After *lead.Lead }

// compare returns the changes from one snapshot to the next: first the leads that are gone,
// then new and changed ones in the order of the list. A lead that has only moved has not
// changed.
func compare(before, now *catalogue.Snapshot, unsettled map[string]struct{}, pace *flight.Pace) []Change {
	var gone, rest []Change
	kept, find := 0, before.Finder()
	for _, l := range now.All() {
		pace.Step()
		known := find(l.ID)
		if known == nil {
			rest = append(rest, Change{After: l})
			continue
		}
		kept++
		_, tell := unsettled[l.ID]
		if tell || !lead.Same(known, l) { // fast for leads that share their memory
			rest = append(rest, Change{Before: known, After: l})
		}
	}
	if kept < before.Len() {
		find = now.Finder()
		for _, l := range before.All() {
			pace.Step()
			if find(l.ID) == nil {
				gone = append(gone, Change{Before: l})
			}
		}
	}
	return append(gone, rest...)
}

// What a change weighs besides the values of its leads, in bytes: by estimate, the
// indexes by which filters find them, and the kinds of each filter.
const (
	changeBytes    = 1 << 10
	maxKeptFilters = 16
)

// revision is one step of the log. Its changes never change.
type revision struct {
	number  uint64
	asOf    time.Time
	changes []Change
	bytes   int64

	mu    sync.Mutex
	sides [2]*catalogue.Snapshot // the leads before and after; nil until a filter needs them
	kinds map[uint64][]Kind      // of the changes, by the fingerprint of the filter
}

func newRevision(number uint64, asOf time.Time, changes []Change) *revision {
	r := &revision{number: number, asOf: asOf, changes: changes}
	var imprint lead.Imprint
	for _, c := range changes {
		r.bytes += changeBytes
		for _, l := range []*lead.Lead{c.Before, c.After} {
			if l != nil {
				r.bytes += int64(imprint.Size(l))
			}
		}
	}
	return r
}

func (r *revision) end() Position { return Position{r.number, len(r.changes)} }

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
func (r *revision) kindsFor(filter *lead.Filter) []Kind {
	fingerprint := catalogue.Fingerprint(filter, lead.Order{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if kinds, known := r.kinds[fingerprint]; known {
		return kinds
	}
	kinds := r.judge(filter)
	if r.kinds == nil {
		r.kinds = map[uint64][]Kind{}
	}
	if len(r.kinds) < maxKeptFilters {
		r.kinds[fingerprint] = kinds
	}
	return kinds
}

func (r *revision) judge(filter *lead.Filter) []Kind {
	kinds := make([]Kind, len(r.changes))
	if catalogue.Empty(filter) {
		for i, c := range r.changes {
			kinds[i] = kindOf(c, c.Before != nil, c.After != nil)
		}
		return kinds
	}
	if r.sides[0] == nil {
		r.sides[0] = r.side(func(c Change) *lead.Lead { return c.Before })
		r.sides[1] = r.side(func(c Change) *lead.Lead { return c.After })
	}
	before, after := r.sides[0].Select(filter, lead.Order{}), r.sides[1].Select(filter, lead.Order{})
	for i, c := range r.changes {
		kinds[i] = kindOf(c, c.Before != nil && before.Has(c.Before.ID), c.After != nil && after.Has(c.After.ID))
	}
	return kinds
}

// side indexes the leads on one side of the changes, each of which is another lead.
func (r *revision) side(of func(Change) *lead.Lead) *catalogue.Snapshot {
	leads := make([]*lead.Lead, 0, len(r.changes))
	for _, c := range r.changes {
		if l := of(c); l != nil {
			leads = append(leads, l)
		}
	}
	return catalogue.Build(leads, r.asOf, nil)
}
