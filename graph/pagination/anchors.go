package pagination

// The distances of a cursor's anchors: near ones are counted from its row, far ones
// from the edge of its page. The far ones are needed when a whole page of rows
// disappears.
var (
	nearAnchors = []int{1, 2, 4, 8, 16, 32}
	farAnchors  = []int{1, 64, 512, 4096}
)

// margin is the number of rows on both sides of a page whose anchors are needed for
// the near anchors of its rows.
const margin = 32

const (
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

// ballot is one anchor's opinion of a place: at least or at most that many rows
// come before it.
type ballot struct{ rows, weight int }

// place returns the number of rows that come before the cursor's place. Its own
// row is one of them if after is true. The place is the one that
// agrees with most of the anchors that are left. Of several such places it is the
// one that repeats the most rows, so that none is passed over. The result turned
// is true if anchors disagree or none is left on the side already answered.
func (c Cursor) place(total int, find finder, after bool) (rows int, turned bool) {
	var least, most []ballot
	weight := map[bool]int{true: 1, false: 1}
	weight[!after] = unseenWeight
	vote := func(anchor uint64, before bool) {
		position, found, known := find(anchor)
		switch {
		case !known:
		case before && found:
			least = append(least, ballot{position + 1, weight[true]})
		case before:
			least = append(least, ballot{position, weight[true]})
		default:
			most = append(most, ballot{position, weight[false]})
		}
	}
	vote(c.Anchor, after)
	for _, anchor := range c.Before {
		vote(anchor, true)
	}
	for _, anchor := range c.After {
		vote(anchor, false)
	}
	rows, agreed := elect(least, most, total, after)
	turned = !agreed || after && len(least) == 0 || !after && len(most) == 0
	if c.Turns > maxTurns {
		if after {
			rows = max(rows, min(c.Ordinal+1, total))
		} else {
			rows = min(rows, c.Ordinal)
		}
	}
	return rows, turned
}

// elect returns the place with the highest sum of ballots, and whether all agree
// with it. Of several such places it returns the earliest or the latest.
func elect(least, most []ballot, total int, earliest bool) (place int, agreed bool) {
	candidates, origin := most, total
	if earliest {
		candidates, origin = least, 0
	}
	whole := 0
	for _, b := range least {
		whole += b.weight
	}
	for _, b := range most {
		whole += b.weight
	}
	best := -1
	for _, candidate := range append([]ballot{{rows: origin}}, candidates...) {
		sum := 0
		for _, b := range least {
			if candidate.rows >= b.rows {
				sum += b.weight
			}
		}
		for _, b := range most {
			if candidate.rows <= b.rows {
				sum += b.weight
			}
		}
		if sum > best || sum == best && (candidate.rows < place) == earliest {
			best, place = sum, candidate.rows
		}
	}
	return place, best == whole
}

// surroundings are the anchors of a page and of the rows on both sides of it.
type surroundings struct {
	anchors             []uint64 // of the page and its margin
	before              int      // the length of the margin before the page
	farBefore, farAfter []uint64
}

// surround returns the surroundings of the page [from, to), given the anchors of
// any rows of the list that are within reach.
func surround(from, to int, hand reach, anchors func(from, to int) []uint64) surroundings {
	low, high := max(from-margin, hand.low), min(to+margin, hand.high)
	s := surroundings{anchors: anchors(low, high), before: from - low}
	for _, distance := range farAnchors {
		if at := from - distance; at >= hand.low {
			s.farBefore = append(s.farBefore, anchors(at, at+1)...)
		}
		if at := to - 1 + distance; at < hand.high {
			s.farAfter = append(s.farAfter, anchors(at, at+1)...)
		}
	}
	return s
}

// of returns the anchor of row i of the page, and those before and after it.
func (s surroundings) of(i int) (own uint64, before, after []uint64) {
	at := s.before + i
	for _, distance := range nearAnchors {
		if at-distance >= 0 {
			before = append(before, s.anchors[at-distance])
		}
		if at+distance < len(s.anchors) {
			after = append(after, s.anchors[at+distance])
		}
	}
	return s.anchors[at], append(before, s.farBefore...), append(after, s.farAfter...)
}
