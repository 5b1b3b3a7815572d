package pagination

import "slices"

// The distances of a cursor's anchors: near ones are counted from its row, far ones
// from the edge of its page. The far ones are needed when a whole page of rows
// disappears.
var (
	nearAnchors = []int{1, 2, 3, 4, 8, 16, 32}
	farAnchors  = []int{64, 512, 4096}
)

const (
	// margin is the number of rows on both sides of a page whose anchors are needed
	// for the near anchors of its rows.
	margin = 32
	// mostAnchors is the number of anchors on each side of a cursor.
	mostAnchors = 11
	// trustedAnchors is the number of anchors on the side not answered yet, in order,
	// that leave no doubt about the place.
	trustedAnchors = 3
	// leastAnchors is the number of anchors that every cursor has on either side, so that
	// one of these rows may be deleted. A cursor with fewer is at an end of the list, and
	// they are all rows there.
	leastAnchors = trustedAnchors + 1
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

// sighting is an answered anchor that was found. Its position counts half rows, so that
// a row that is gone has a position between two rows.
type sighting struct {
	position int
	distance int // number among the anchors on its side; 0 is the cursor's own
}

// place returns the cursor's place: after its own row for a walk forward, before it for
// a walk backward. Anchors that were answered say that the place comes after them if
// most of them are still in their old order, the others that it comes before them. The
// place is the earliest that agrees with most, so that a row may be repeated but none is
// passed over.
func (c Cursor) place(total int, find finder, after bool) spot {
	answered, unseen := c.Before, c.After
	if !after {
		answered, unseen = c.After, c.Before
	}
	position := func(anchor uint64) (int, bool) {
		before, found, known := find(anchor)
		position := 2 * before
		if found {
			position++
		}
		if !after {
			position = 2*total - position
		}
		return position, known
	}
	seen, limits := make([]sighting, 0, 1+len(answered)), make([]int, 0, len(unseen))
	for i, anchor := range slices.Backward(append([]uint64{c.Anchor}, answered...)) {
		if at, known := position(anchor); known {
			seen = append(seen, sighting{at, i})
		}
	}
	for _, anchor := range unseen {
		if at, known := position(anchor); known {
			limits = append(limits, at)
		}
	}
	at, s := settle(seen, limits, nearby(len(answered), len(unseen)), len(unseen) > 0 && len(unseen) < leastAnchors)
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

// settle returns the position that follows from the answered anchors that were seen, the
// nearest last, and from the positions of the others. Without the others it takes as many
// nearby anchors as given to be sure. If all is true, the others were all rows that the
// walk had not answered.
func settle(seen []sighting, limits []int, nearby int, all bool) (position int, s spot) {
	kept := inOrder(seen)
	last, unseen := elect(kept, limits)
	s.turned = len(kept) < len(seen) || last < len(kept)-1 || last < 0 || unseen < len(limits)
	if last < 0 {
		return 0, s
	}
	if unseen >= trustedAnchors {
		s.sure = !s.turned
		return kept[last].position, s
	}
	// Few anchors limit the place from the other side. If there are more rows between
	// the nearest answered ones than before, either they are new or the anchors have
	// moved past them. They are new if the rows that were not answered then are known
	// and have kept their places.
	mayPass := !all || unseen < len(limits)
	if mayPass && len(kept) == 1 && kept[0].position > 1 {
		return 0, spot{turned: true}
	}
	near := 0
	for _, at := range kept {
		if at.distance <= 2 {
			near++
		}
	}
	for mayPass && last > 0 && kept[last].distance < len(nearAnchors) && kept[last].strays(kept[last-1]) {
		last, s.turned = last-1, true
	}
	s.sure = !s.turned && (unseen > 0 && near > 1 || near >= nearby)
	return kept[last].position, s
}

// nearby returns how many of the cursor's own anchor and the two next to it must be in
// place if no anchor is left on the side not answered yet: all there are if there never
// was one, otherwise three.
func nearby(answered, unseen int) int {
	if unseen == 0 {
		return 1 + min(2, answered)
	}
	return 3
}

// elect returns the answered anchor that is next to the place, or -1, and how many of
// the limits the place keeps.
func elect(kept []sighting, limits []int) (last, unseen int) {
	best := -1
	for i := -1; i < len(kept); i++ {
		within := 0
		for _, limit := range limits {
			if i < 0 || kept[i].position <= limit {
				within++
			}
		}
		if weight := i + 1 + unseenWeight*within; weight > best {
			best, last, unseen = weight, i, within
		}
	}
	return last, unseen
}

// strays reports whether there are more rows between two answered anchors than when the
// cursor was made.
func (s sighting) strays(before sighting) bool {
	apart := func(number int) int {
		if number == 0 {
			return 0
		}
		return nearAnchors[min(number, len(nearAnchors))-1]
	}
	return s.position-before.position > 2*(apart(before.distance)-apart(s.distance))
}

// inOrder returns the anchors that are still in their old order: the longest ascending
// part. Of several it is the one that ends first.
func inOrder(seen []sighting) []sighting {
	type chain struct{ length, previous int }
	chains := make([]chain, len(seen))
	best := -1
	for i, at := range seen {
		chains[i] = chain{1, -1}
		for j := range i {
			if seen[j].position <= at.position && chains[j].length >= chains[i].length {
				chains[i] = chain{chains[j].length + 1, j}
			}
		}
		if best < 0 || chains[i].length > chains[best].length || chains[i].length == chains[best].length && at.position < seen[best].position {
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
