package catalogue

import (
	"slices"
	"time"
)

// A client that pages through a list in the platform's order may hold the cursor of
// a lead that has since disappeared; its tombstone tells where the list goes on. In
// other orders the cursor itself tells it. Nobody looks at one page
// for an hour, and few leads disappear within one. If all disappear at once, the
// maximum limits the memory to about 0.4 MB.
const (
	tombstoneLife = time.Hour
	maxTombstones = 10_000
)

// tombstone tells the place that a lead would have. An earlier snapshot had the
// lead, this one does not.
type tombstone struct {
	anchor uint64
	row    int32 // in the platform's order: after the surviving lead before it
	gone   time.Time
}

// bury makes the tombstones of the leads that have disappeared since the previous
// snapshot, and takes over its tombstones.
func (s *Snapshot) bury(previous *Snapshot) {
	// rows[n] is the row after the last survivor among the first n previous leads.
	rows := make([]int32, len(previous.leads)+1)
	for anchor, row := range previous.anchors {
		if now, survives := s.anchors[anchor]; survives {
			rows[row+1] = now + 1
		}
	}
	anchors := make([]uint64, len(previous.leads))
	for anchor, row := range previous.anchors {
		anchors[row] = anchor
	}
	for row, anchor := range anchors {
		if rows[row+1] != 0 {
			continue
		}
		rows[row+1] = rows[row]
		if len(s.tombstones) < maxTombstones {
			s.tombstones = append(s.tombstones, tombstone{anchor: anchor, row: rows[row], gone: s.asOf})
		}
	}
	for _, t := range previous.tombstones {
		_, back := s.anchors[t.anchor]
		if !back && s.asOf.Sub(t.gone) <= tombstoneLife && len(s.tombstones) < maxTombstones {
			t.row = rows[t.row]
			s.tombstones = append(s.tombstones, t)
		}
	}
}

// wouldBe returns how many leads come before the one that has disappeared, or
// false if there is no tombstone of it.
func (s *Snapshot) wouldBe(anchor uint64) (row int, known bool) {
	i := slices.IndexFunc(s.tombstones, func(t tombstone) bool { return t.anchor == anchor })
	if i < 0 {
		return 0, false
	}
	return int(s.tombstones[i].row), true
}
