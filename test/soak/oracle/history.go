package oracle

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// version is the list of leads that the platform had for a period.
type version struct {
	// from and until bound the period in which the version can have been read. A
	// zero until means that it is still in force.
	from, until time.Time
	rows        []*Row // in the platform's order
	places      map[string]int
	tenants     map[string][]*Row
}

func newVersion(rows []*Row, from time.Time) *version {
	v := &version{from: from, rows: rows, places: make(map[string]int, len(rows)), tenants: make(map[string][]*Row, len(rows))}
	for place, r := range rows {
		v.places[r.ID] = place
		v.tenants[r.Tenant] = append(v.tenants[r.Tenant], r)
	}
	return v
}

// History holds every version that the platform has had, oldest first, and every
// state of every lead. It is safe for concurrent use. Changes and judgements exclude each other,
// so that a judgement knows everything the platform had until then.
type History struct {
	mu       sync.RWMutex
	versions []*version
	states   map[string][]*Row // of each lead, oldest first
	order    []*Row            // all states, also of removed leads; Any chooses from them
}

// NewHistory returns a history whose first version is rows.
func NewHistory(rows []*Row, now time.Time) *History {
	h := &History{states: map[string][]*Row{}}
	h.learn(rows)
	h.versions = []*version{newVersion(rows, now)}
	return h
}

func (h *History) learn(rows []*Row) {
	for _, r := range rows {
		h.states[r.ID] = append(h.states[r.ID], r)
		h.order = append(h.order, r)
	}
}

// row returns the state of a lead in the version, nil if it has none.
func (v *version) row(id string) *Row {
	if place, there := v.places[id]; there {
		return v.rows[place]
	}
	return nil
}

// during returns the versions that were in force at some moment of a period. The
// caller holds the lock.
func (h *History) during(from, to time.Time) []*version {
	var found []*version
	for _, v := range h.versions {
		if !v.from.After(to) && (v.until.IsZero() || !v.until.Before(from)) {
			found = append(found, v)
		}
	}
	return found
}

func (h *History) current() *version { return h.versions[len(h.versions)-1] }

// Size returns the number of leads that the platform has.
func (h *History) Size() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.current().rows)
}

// Shift records a new version. The function changes the platform: at position
// at, it removes rows, then inserts others, and it returns both.
func (h *History) Shift(at int, change func() (inserted []*Row, removed int)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	begun := time.Now()
	inserted, removed := change()
	last := h.current()
	last.until = time.Now()
	h.learn(inserted)
	h.versions = append(h.versions, newVersion(slices.Concat(last.rows[:at], inserted, last.rows[at+removed:]), begun))
}

// Change records a new version. The function changes the platform and returns all
// rows that it has then. A lead that was edited has a new row.
func (h *History) Change(change func(rows []*Row) ([]*Row, error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	begun, last := time.Now(), h.current()
	rows, err := change(last.rows)
	if err != nil {
		return err
	}
	last.until = time.Now()
	for _, r := range rows {
		if !slices.Contains(h.states[r.ID], r) {
			h.learn([]*Row{r})
		}
	}
	h.versions = append(h.versions, newVersion(rows, begun))
	return nil
}

// MayGrow records that the platform may append a row from now on. The caller
// reports by settle whether it did. Until then both versions are possible.
func (h *History) MayGrow(by *Row) (settle func(grown bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.current()
	after := newVersion(append(slices.Clip(before.rows), by), time.Now())
	h.learn([]*Row{by})
	h.versions = append(h.versions, after)
	return func(grown bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		now := time.Now()
		if grown {
			before.until = now
			return
		}
		after.until = now
		before.until = now
		h.versions = append(h.versions, newVersion(before.rows, before.from))
	}
}

// Any returns a row at random, most likely one that the platform still has.
func (h *History) Any(random *rand.Rand) *Row {
	h.mu.RLock()
	defer h.mu.RUnlock()
	from := h.current().rows
	if random.IntN(20) == 0 {
		from = h.order
	}
	return from[random.IntN(len(from))]
}

// preferred returns the row that lead(tenantId:) shows for a tenant, nil if
// there is none. An active row comes before others, then the row modified last,
// then the row with the smallest id.
func preferred(rows []*Row) *Row {
	if len(rows) == 0 {
		return nil
	}
	return slices.MinFunc(rows, func(a, b *Row) int {
		if x, y := a.Status == "ACTIVE", b.Status == "ACTIVE"; x != y {
			if x {
				return -1
			}
			return 1
		}
		if later := b.Modified.Compare(a.Modified); later != 0 {
			return later
		}
		return strings.Compare(a.ID, b.ID)
	})
}
