package follower

import "time"

// apply checks a change and applies it to the copy.
func (f *Follower) apply(c Change) {
	f.Tally.Count("changes")
	id := c.RemovedID
	if c.Lead != nil {
		id = c.Lead.ID
	} else if c.Before != nil {
		id = c.Before.ID
	}
	before, _ := f.place(c.Before)
	after, since := f.place(c.Lead)
	if c.Kind != f.kind(c) || c.Kind == "REMOVED" && !f.World.Gone(id) {
		f.Tally.Add(Foreign, "%s with %v: %s of lead %s from %+v to %+v", f.Transport, f.Statuses, c.Kind, id, c.Before, c.Lead)
	}
	known := f.has[id]
	if known == nil {
		known = &copied{place: -1}
		f.has[id] = known
	}
	f.chain(id, c, known, before)
	*known = copied{place: max(before, after), here: c.RemovedID == "" && c.Lead != nil, chained: true}
	if after > before {
		f.Tally.Took(time.Since(since))
	}
}

// place returns the place of a lead in its life, and since when it is so; -1 if there is no lead.
func (f *Follower) place(l *Lead) (int, time.Time) {
	if l == nil {
		return -1, time.Time{}
	}
	place, since, err := f.World.At(l.ID, l.OperatorID, l.Status)
	if err != nil {
		f.Tally.Add(Foreign, "%s: %v", f.Transport, err)
	}
	return place, since
}

// kind returns the kind that a change has by the truth.
func (f *Follower) kind(c Change) string {
	was, is := f.matches(c.Before), f.matches(c.Lead)
	switch {
	case was && is:
		return "UPDATED"
	case is && c.Before == nil:
		return "CREATED"
	case is:
		return "ENTERED"
	case was && c.Lead == nil:
		return "REMOVED"
	case was:
		return "LEFT"
	}
	return "nothing"
}

// chain checks that a change goes on from where the one before has ended. The list may have
// shown more than its cursor says.
func (f *Follower) chain(id string, c Change, known *copied, before int) {
	switch begins := c.Kind == "CREATED" || c.Kind == "ENTERED"; {
	case !known.chained:
	case before < known.place && c.Kind != "CREATED":
		f.Tally.Add(Disorder, "%s with %v: %s of lead %s from state %d after %d", f.Transport, f.Statuses, c.Kind, id, before, known.place)
	case begins == known.here || !begins && before != known.place:
		f.Tally.Add(Lost, "%s with %v: %s of lead %s from state %d, it was here: %v, in state %d", f.Transport, f.Statuses, c.Kind, id, before, known.here, known.place)
	}
	if known.chained && c.Kind == "UPDATED" && c.Lead.OperatorID == c.Before.OperatorID && c.Lead.Status == c.Before.Status {
		f.Tally.Add(Repeated, "%s: lead %s", f.Transport, id)
	}
}
