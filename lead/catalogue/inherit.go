package catalogue

import (
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// builder makes a snapshot. It takes from the snapshot before what has not changed.
type builder struct {
	*Snapshot
	pace *flight.Pace // nil if somebody waits for the snapshot
	old  *Snapshot    // has no leads if there is none before

	// still is set if the old snapshot has the same ids in the same rows.
	still bool
	// from has, by row, the row of the old snapshot with the same lead and values, or -1.
	// to has the same by row of the old snapshot.
	from, to []int32
	fresh    []int32 // rows without an old one, ascending
}

// inherit finds the leads that the old snapshot has with the same values.
func (b *builder) inherit() {
	known := finder{snapshot: b.old}
	b.from, b.to = make([]int32, len(b.leads)), make([]int32, len(b.old.leads))
	for row := range b.to {
		b.to[row] = -1
	}
	b.still = len(b.leads) == len(b.old.leads) && len(b.leads) > 0
	for row, l := range b.leads {
		b.pace.Step()
		at, found := known.find(l.ID)
		b.still = b.still && found && at == row
		if !found || !lead.Same(l, b.old.leads[at]) {
			b.from[row] = -1
			b.fresh = append(b.fresh, int32(row))
			continue
		}
		b.from[row], b.to[at] = int32(at), int32(row)
	}
}

// nextName returns the snapshot's own name: that of the old one if nothing has changed.
// The tag tells names apart that are given to two successors of one snapshot.
func (b *builder) nextName() Revision {
	switch {
	case b.still && len(b.fresh) == 0:
		return b.old.own
	case b.old.own.Log == 0:
		return Revision{Log: rand.Uint64(), Number: 1, Tag: rand.Uint64()}
	}
	return Revision{Log: b.old.own.Log, Number: b.old.own.Number + 1, Tag: rand.Uint64()}
}

// unchanged reports whether all leads are in their old rows with the same property.
func (b *builder) unchanged(same func(before, now *lead.Lead) bool) bool {
	return b.still && !slices.ContainsFunc(b.fresh, func(row int32) bool { return !same(b.old.leads[row], b.leads[row]) })
}

// fewFresh reports whether it is less work to insert the fresh rows into an order than
// to sort all rows.
func (b *builder) fewFresh() bool { return len(b.fresh) <= len(b.leads)/32+8 && len(b.old.leads) > 0 }

// merged returns the order of all rows. Old rows keep the order that they had; before
// compares a row with a fresh one.
func (b *builder) merged(old []int32, compare func(row, fresh int32) int) ordering {
	kept := make([]int32, 0, len(b.leads))
	for _, row := range old {
		b.pace.Step()
		if now := b.to[row]; now >= 0 {
			kept = append(kept, now)
		}
	}
	fresh := slices.Clone(b.fresh)
	slices.SortFunc(fresh, func(x, y int32) int { b.pace.Step(); return compare(x, y) })
	o := ordering{rows: make([]int32, 0, len(b.leads)), places: make([]int32, len(b.leads))}
	for _, row := range fresh {
		n := sort.Search(len(kept), func(i int) bool { b.pace.Step(); return compare(kept[i], row) > 0 })
		o.rows = append(append(o.rows, kept[:n]...), row)
		kept = kept[n:]
	}
	o.rows = append(o.rows, kept...)
	for place, row := range o.rows {
		b.pace.Step()
		o.places[row] = int32(place)
	}
	return o
}

// finder finds leads by their ids. It is fast if they are asked for in the order of the
// snapshot.
type finder struct {
	snapshot *Snapshot
	next     int // the row after the last one
}

func (f *finder) find(id string) (row int, found bool) {
	if f.next < len(f.snapshot.leads) && f.snapshot.leads[f.next].ID == id {
		row, found = f.next, true
	} else {
		row, found = f.snapshot.Position(id)
	}
	if found {
		f.next = row + 1
	}
	return row, found
}

// Finder returns a function that returns the lead with an id, or nil if there is none. It
// is faster than ByID if leads are asked for in their order. The function is not safe
// for concurrent use. The snapshot may be nil.
func (s *Snapshot) Finder() func(id string) *lead.Lead {
	if s == nil {
		return func(string) *lead.Lead { return nil }
	}
	known := finder{snapshot: s}
	return func(id string) *lead.Lead {
		if row, found := known.find(id); found {
			return s.leads[row]
		}
		return nil
	}
}

// Within reports whether a list has all leads of the snapshot, which may be nil. It
// compares ids only.
func (s *Snapshot) Within(leads []*lead.Lead) bool {
	if s == nil {
		return true
	}
	var pace flight.Pace
	known, found := finder{snapshot: s}, newBitset(len(s.leads))
	for _, l := range leads {
		pace.Step()
		if row, is := known.find(l.ID); is {
			found.set(int32(row))
		}
	}
	return found.count() == len(s.leads)
}

// adopted dates leads that were read at asOf. Those that have the values that they had in
// the previous snapshot share its memory. Neither the list nor a lead of the previous
// snapshot is changed.
func adopted(leads []*lead.Lead, asOf time.Time, previous *Snapshot, pace *flight.Pace) []*lead.Lead {
	find, dated := previous.Finder(), make([]*lead.Lead, len(leads))
	for i, l := range leads {
		pace.Step()
		known := find(l.ID)
		if known != nil && (known == l || !lead.Shared(l, known) && lead.Same(l, known)) {
			dated[i] = lead.Renewed(known, asOf)
			continue
		}
		l.AsOf = asOf
		dated[i] = l
	}
	return dated
}
