package catalogue

import (
	"slices"
	"sort"
	"strings"
	"time"

	"leadgraph/lead"
)

// A walk over pages goes on where a lead was that is gone by now. An hour is
// longer than anyone looks at one page, and the leads that go within it are few;
// the maximum bounds the memory, to about 4 MB, should all go at once.
const (
	tombstoneLife = time.Hour
	maxTombstones = 10_000
)

// tombstone is what it takes to tell the place that a lead would have which an
// earlier snapshot had and this one has not.
type tombstone struct {
	anchor uint64
	row    int32 // in the platform's order: behind the surviving lead before it
	gone   time.Time
	id     string
	keys   [lead.OrderFields]string
}

// bury makes the tombstones of the leads that went since the previous snapshot
// and takes over the earlier ones.
func (s *Snapshot) bury(previous *Snapshot) {
	// rows[n] is the row behind the last survivor of the first n previous leads.
	rows := make([]int32, len(previous.leads)+1)
	for anchor, row := range previous.anchors {
		if now, survives := s.anchors[anchor]; survives {
			rows[row+1] = now + 1
		}
	}
	writer := newKeyWriter()
	for row, l := range previous.leads {
		if rows[row+1] != 0 {
			continue
		}
		rows[row+1] = rows[row]
		if len(s.tombstones) < maxTombstones {
			s.tombstones = append(s.tombstones, newTombstone(l, rows[row], s.asOf, writer))
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

// newTombstone copies what it needs, so that the lead itself can be forgotten.
func newTombstone(l *lead.Lead, row int32, gone time.Time, writer *keyWriter) tombstone {
	t := tombstone{anchor: lead.AnchorHash(l.ID), row: row, gone: gone, id: strings.Clone(l.ID)}
	for field := range lead.OrderFields {
		t.keys[field] = writer.key(field, l)
	}
	return t
}

// wouldBe returns how many leads come before the one that is gone; false if
// there is no tombstone of it.
func (s *Snapshot) wouldBe(anchor uint64, o lead.Order) (place int, known bool) {
	i := slices.IndexFunc(s.tombstones, func(t tombstone) bool { return t.anchor == anchor })
	if i < 0 {
		return 0, false
	}
	t := &s.tombstones[i]
	if o.Field == lead.OrderAsRead {
		return int(t.row), true
	}
	writer, rows := newKeyWriter(), s.ordering(o).rows
	return sort.Search(len(rows), func(i int) bool {
		l := s.leads[rows[i]]
		return compareKeys(o, t.keys[o.Field], t.id, writer.key(o.Field, l), l.ID) < 0
	}), true
}
