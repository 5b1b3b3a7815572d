package pagination

import "slices"

// The distances of a cursor's anchors: near ones are counted from its row, far ones
// from the edge of its page. The far ones are needed when a whole page of rows
// disappears.
var (
	nearAnchors = []int{1, 2, 4, 8, 16, 32}
	farAnchors  = []int{64, 512, 4096}
)

const (
	// margin is the number of rows on both sides of a page whose anchors are needed
	// for the near anchors of its rows.
	margin = 32
	// mostAnchors is the number of anchors on each side of a cursor.
	mostAnchors = 10
	// unseenWeight is the weight of an anchor on the side that the walk has not
	// answered yet. To pass over rows is worse than to repeat some, so one anchor
	// that would be passed over outweighs three that would be repeated.
	unseenWeight = 3
	// maxTurns is the number of pages with anchors out of order after which a walk
	// no longer goes back. Without a limit it would never end on a platform that
	// moves its rows about all the time.
	maxTurns = 100
)

// finder returns how many rows of a list come before the row with the anchor, and
// whether that row is in the list. It reports known false if it cannot tell.
type finder func(anchor uint64) (before int, found, known bool)

// spot is the place of a cursor in a list.
type spot struct {
	rows int // the number of rows before the place; the cursor's own is one of them if its walk has answered it
	// turned reports that rows have moved past each other, or that too few anchors are
	// left to exclude it. The place is then earlier than need be.
	turned bool
	sure   bool // enough anchors agree to trust them though other rows were not seen
}

// sighting is an anchor that was found. Its position counts half rows, so that a row
// that is gone has a position between two rows.
type sighting struct {
	position int
	distance int // number among the anchors on its side; 0 is the cursor's own
	answered bool
}

// place returns the cursor's place: after its own row for a walk forward, before it for
// a walk backward. Most of the anchors that are left are in their old order; the
// others have moved. The place is next to the last of those in order that the walk has
// answered, so that a row may be repeated but none is passed over.
func (c Cursor) place(total int, find finder, after bool) spot {
	answered, unseen := c.Before, c.After
	if !after {
		answered, unseen = c.After, c.Before
	}
	seen := make([]sighting, 0, 1+len(answered)+len(unseen))
	add := func(anchor uint64, distance int, answered bool) {
		before, found, known := find(anchor)
		if !known {
			return
		}
		position := 2 * before
		if found {
			position++
		}
		if !after {
			position = 2*total - position
		}
		seen = append(seen, sighting{position, distance, answered})
	}
	for i, anchor := range slices.Backward(answered) {
		add(anchor, i+1, true)
	}
	add(c.Anchor, 0, true)
	for i, anchor := range unseen {
		add(anchor, i+1, false)
	}
	at, s := settle(seen, len(answered))
	s.rows = (at + 1) / 2
	if after {
		if c.Turns > maxTurns {
			s.rows = max(s.rows, min(c.Ordinal+1, total))
		}
		return s
	}
	if s.rows = total - s.rows; c.Turns > maxTurns {
		s.rows = min(s.rows, c.Ordinal)
	}
	return s
}

// settle returns the position that follows from the anchors that were seen: that of the
// last answered one in order, or 0.
func settle(seen []sighting, answered int) (position int, s spot) {
	kept := inOrder(seen)
	unseen, near, last := 0, 0, -1
	for i, at := range kept {
		switch {
		case !at.answered:
			unseen++
		default:
			last = i
			if at.distance <= 2 {
				near++
			}
		}
	}
	s.turned = len(kept) < len(seen) || last < 0
	if last < 0 {
		return 0, s
	}
	if unseen > 0 {
		s.sure = !s.turned
		return kept[last].position, s
	}
	// No anchor limits the place from the other side. If there are rows between the
	// nearest anchors now, either they are new or the anchors have moved past them.
	for last > 0 && kept[last].distance < 2 && kept[last].position-kept[last-1].position > 2 {
		last, s.turned = last-1, true
	}
	s.sure = !s.turned && near == 1+min(2, answered)
	return kept[last].position, s
}

// inOrder returns the anchors that are still in their old order: of all ascending parts
// the one with the greatest weight. Of several it is the one whose last answered anchor
// comes first.
func inOrder(seen []sighting) []sighting {
	type chain struct{ weight, last, previous int }
	better := func(a, b chain) bool { return a.weight > b.weight || a.weight == b.weight && a.last < b.last }
	chains := make([]chain, len(seen))
	best := -1
	for i, at := range seen {
		chains[i] = chain{last: -1, previous: -1}
		for j := range i {
			if seen[j].position <= at.position && (chains[i].previous < 0 || better(chains[j], chains[i])) {
				chains[i] = chain{chains[j].weight, chains[j].last, j}
			}
		}
		if at.answered {
			chains[i].weight++
			chains[i].last = at.position
		} else {
			chains[i].weight += unseenWeight
		}
		if best < 0 || better(chains[i], chains[best]) {
			best = i
		}
	}
	var kept []sighting
	for i := best; i >= 0; i = chains[i].previous {
		kept = append(kept, seen[i])
	}
	slices.Reverse(kept)
	return kept
}

// surroundings are the anchors of a page and of the rows on both sides of it.
type surroundings struct {
	anchors             []uint64 // of the page and its margin
	before              int      // the length of the margin before the page
	rows                int      // the length of the page
	farBefore, farAfter []uint64 // beyond the margin, the nearest first
}

// surround returns the surroundings of the page [from, to) of a list with total rows,
// given the anchors of any rows of it.
func surround(from, to, total int, anchors func(from, to int) []uint64) surroundings {
	low, high := max(from-margin, 0), min(to+margin, total)
	s := surroundings{anchors: anchors(low, high), before: from - low, rows: to - from}
	for _, distance := range farAnchors {
		if at := from - distance; at >= 0 {
			s.farBefore = append(s.farBefore, anchors(at, at+1)...)
		}
		if at := to - 1 + distance; at < total {
			s.farAfter = append(s.farAfter, anchors(at, at+1)...)
		}
	}
	return s
}

// of returns the anchor of row i of the page, and those before and after it.
func (s surroundings) of(i int) (own uint64, before, after []uint64) {
	at := s.before + i
	before = s.side(at, -1, i+1, s.farBefore)
	after = s.side(at, 1, s.rows-i, s.farAfter)
	return s.anchors[at], before, after
}

// side returns the anchors on one side of a row, the nearest first: the near ones, the
// one next to the page, which is at the distance edge, and the far ones.
func (s surroundings) side(row, direction, edge int, far []uint64) []uint64 {
	side := make([]uint64, 0, mostAnchors)
	add := func(distance int) {
		if at := row + direction*distance; at >= 0 && at < len(s.anchors) {
			side = append(side, s.anchors[at])
		}
	}
	for _, distance := range nearAnchors {
		if edge < distance && edge > 0 {
			add(edge)
		}
		if edge <= distance {
			edge = 0
		}
		add(distance)
	}
	if edge > 0 {
		add(edge)
	}
	return append(side, far[:min(len(far), mostAnchors-len(side))]...)
}
