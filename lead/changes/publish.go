package changes

import (
	"context"
	"slices"
	"time"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/flight"
)

// compare returns the changes between two snapshots.
func compare(before, now *catalogue.Snapshot, told map[string]struct{}, pace *flight.Pace) []Change {
	if before == now {
		return nil
	}
	return Between(before.All(), now.All(), told, pace).Changes
}

// ownRevision returns the next revision that only this log has.
func (l *Log) ownRevision(asOf time.Time, changes []Change) *revision {
	l.own++
	return newRevision(catalogue.Revision{Log: l.id, Number: l.own}, asOf, changes)
}

// origin makes the leads of a snapshot known. What came before is not.
func (l *Log) origin(s *catalogue.Snapshot, name catalogue.Revision) *revision {
	return l.add(&revision{name: name, asOf: s.AsOf()})
}

// pausing reports whether the log waits for revisions that replicas share.
func (l *Log) pausing() bool {
	return l.shared != nil && l.tip == l.shared && time.Since(l.when) < Pause
}

// alone returns what publishes a snapshot that replicas do not share.
func (l *Log) alone(_ context.Context, s *catalogue.Snapshot, pace *flight.Pace) (install func()) {
	l.mu.Lock()
	first, pausing, before, told := l.tip == nil, l.pausing(), l.latest, l.unsettled
	if len(l.aside) > 0 {
		before = l.asideOf
	}
	if pausing {
		told = nil // for the next revision that is shared
	} else {
		l.unsettled = nil
	}
	l.mu.Unlock()
	if first {
		return func() {
			l.own++
			l.tip = l.origin(s, catalogue.Revision{Log: l.id, Number: l.own})
			l.latest, l.asOf = s, s.AsOf()
		}
	}
	found := compare(before, s, told, pace)
	return func() {
		if !pausing {
			l.proceed()
		}
		switch {
		case len(found) == 0 && len(l.aside) == 0:
			l.latest, l.asOf = s, s.AsOf()
		case len(found) == 0:
			l.asideOf = s
		default:
			l.branch(s, found)
			if !pausing {
				l.proceed()
			}
		}
	}
}

// branch adds a revision that readers do not get yet.
func (l *Log) branch(s *catalogue.Snapshot, found []Change) {
	r := l.add(l.ownRevision(s.AsOf(), found))
	if n := len(l.aside); n > 0 {
		l.aside[n-1].next = r
	}
	l.aside, l.asideOf = append(l.aside, r), s
}

// proceed gives readers the revisions that were kept aside.
func (l *Log) proceed() {
	if n := len(l.aside); n > 0 {
		l.tip.next, l.tip = l.aside[0], l.aside[n-1]
		l.latest, l.asOf = l.asideOf, l.asideOf.AsOf()
		l.aside, l.asideOf = nil, nil
	}
}

// together returns what publishes a snapshot that replicas share. Its revision follows the
// latest by the steps that replicas share, if they are known, so that positions of other
// replicas can be read here; otherwise, and from revisions that only this log has, by a
// comparison.
func (l *Log) together(ctx context.Context, s *catalogue.Snapshot, pace *flight.Pace) (install func()) {
	l.mu.Lock()
	tip, latest, asideOf, told := l.tip, l.latest, l.asideOf, l.unsettled
	var from catalogue.Revision
	if l.shared != nil {
		from = l.shared.name
	}
	l.unsettled = nil
	l.mu.Unlock()
	name := s.Revision()
	same := tip != nil && tip.name == name
	var steps []Step
	if l.opts.History != nil && name != from {
		if steps = l.opts.History.Steps(ctx, from, name); len(steps) == 0 && from != (catalogue.Revision{}) {
			steps = l.opts.History.Steps(ctx, catalogue.Revision{}, name)
		}
	}
	direct := same || tip == nil || l.leads(tip, steps)
	var bridge, back []Change
	if !direct {
		bridge = compare(latest, s, told, pace)
	}
	if asideOf != nil {
		back = compare(asideOf, s, told, pace)
	}
	return func() {
		last := tip
		if !same {
			last = l.follow(s, steps)
		}
		if !direct {
			tip.next = l.detour(s.AsOf(), bridge, last)
		}
		if n := len(l.aside); n > 0 {
			l.aside[n-1].next = l.detour(s.AsOf(), back, last)
			l.aside, l.asideOf = nil, nil
		}
		l.tip, l.shared, l.when = last, last, time.Now()
		l.latest, l.asOf = s, s.AsOf()
	}
}

// leads reports whether follow will add steps that lead from a revision to the last of them.
func (l *Log) leads(from *revision, steps []Step) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := slices.IndexFunc(steps, func(s Step) bool { return s.Base == from.name })
	return first >= 0 && from.next == nil && !slices.ContainsFunc(steps[first:len(steps)-1], func(s Step) bool { return l.known[s.Name] != nil })
}

// detour adds another way to the leads of a revision.
func (l *Log) detour(asOf time.Time, changes []Change, to *revision) *revision {
	r := l.ownRevision(asOf, changes)
	r.join = to
	return l.add(r)
}

// follow adds the steps to the revision of a snapshot, as far as they are not known, and
// returns that.
func (l *Log) follow(s *catalogue.Snapshot, steps []Step) *revision {
	var last *revision
	for i, step := range steps {
		if i == 0 {
			if last = l.known[step.Base]; last == nil {
				last = l.add(&revision{name: step.Base, asOf: step.AsOf})
			}
		}
		r := l.known[step.Name]
		if r == nil || i == len(steps)-1 {
			r = l.add(newRevision(step.Name, step.AsOf, step.Changes))
			if last.next == nil && last.join == nil {
				last.next = r
			}
		}
		last = r
	}
	if last == nil { // nothing leads there that others know
		last = l.origin(s, s.Revision())
	}
	return last
}
