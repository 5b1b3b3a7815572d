package live

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"leadgraph/graph/generated"
	"leadgraph/lead/changes"
)

// maxShared is how many lists of changes a Shared keeps. A list has up to
// limits.ChangesPerBatch changes.
const maxShared = 64

// Shared keeps the lists of changes that streams have shown last. Streams that show the
// same changes in the same way get the same list, so that it is made once, and whoever
// renders it can recognise it. It is safe for concurrent use.
//
// The newest lists matter, however often older ones were used.
type Shared struct {
	lists *lru.Cache[sameness, []*generated.LeadChange]
}

// NewShared returns an empty Shared.
func NewShared() *Shared {
	lists, _ := lru.New[sameness, []*generated.LeadChange](maxShared) // fails only without room
	return &Shared{lists}
}

// sameness is equal for streams that show a list in the same way. Whether the caller sees
// personal data decides how Visible shows a lead.
type sameness struct {
	log         *changes.Log
	fingerprint uint64
	personal    bool
	wants       Wants
	caller      string // only if the list has cursors, which are sealed for one caller
	first, last changes.Position
	length      int
}

func (v *View) sameness(entries []changes.Entry) sameness {
	last := len(entries) - 1
	s := sameness{
		log: v.Log, fingerprint: v.fingerprint(), personal: v.Personal, wants: v.Wants,
		first: entries[0].Nth, last: entries[last].Nth, length: len(entries),
	}
	if v.Wants.Cursor || v.Wants.Edge {
		s.caller = v.Caller
	}
	return s
}

// changes returns what the view shows of the entries. The list must not be changed.
func (s *Shared) changes(v *View, entries []changes.Entry) []*generated.LeadChange {
	if s == nil || len(entries) == 0 {
		return v.changes(entries)
	}
	key := v.sameness(entries)
	if list, known := s.lists.Get(key); known {
		return list
	}
	list := v.changes(entries)
	if earlier, known, _ := s.lists.PeekOrAdd(key, list); known {
		return earlier
	}
	return list
}
