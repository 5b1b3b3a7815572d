package main

import (
	"slices"
	"strings"
	"sync"
	"time"

	"math/rand/v2"
)

// version is the list of leads that the platform had for some time.
type version struct {
	// from and until bound the time in which it can have been read; a zero until
	// is still to come.
	from, until time.Time
	rows        []*row // in the platform's order
	places      map[string]int
	tenants     map[string][]*row
}

func newVersion(rows []*row, from time.Time) *version {
	v := &version{from: from, rows: rows, places: make(map[string]int, len(rows)), tenants: make(map[string][]*row, len(rows))}
	for place, r := range rows {
		v.places[r.id] = place
		v.tenants[r.tenant] = append(v.tenants[r.tenant], r)
	}
	return v
}

// history is all versions that the platform has had, oldest first, and every
// row. Changes and judgements exclude each other: no answer is judged by a
// history that lacks what the platform had already.
type history struct {
	mu       sync.RWMutex
	versions []*version
	rows     map[string]*row
	order    []*row // for choosing, also those that are gone
}

func newHistory(rows []*row, now time.Time) *history {
	h := &history{rows: map[string]*row{}}
	h.learn(rows)
	h.versions = []*version{newVersion(rows, now)}
	return h
}

func (h *history) learn(rows []*row) {
	for _, r := range rows {
		h.rows[r.id] = r
		h.order = append(h.order, r)
	}
}

// during returns the versions of which one was in force at each moment between
// two. The caller holds the lock.
func (h *history) during(from, to time.Time) []*version {
	var found []*version
	for _, v := range h.versions {
		if !v.from.After(to) && (v.until.IsZero() || !v.until.Before(from)) {
			found = append(found, v)
		}
	}
	return found
}

func (h *history) current() *version { return h.versions[len(h.versions)-1] }

// shift removes rows at a place and then inserts others there: change does it on
// the platform, and tells which.
func (h *history) shift(at int, change func() (inserted []*row, removed int)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	begun := time.Now()
	inserted, removed := change()
	last := h.current()
	last.until = time.Now()
	h.learn(inserted)
	h.versions = append(h.versions, newVersion(slices.Concat(last.rows[:at], inserted, last.rows[at+removed:]), begun))
}

// mayGrow says that the platform may append a row from now on. The function that
// it returns says whether it did; until then both are possible.
func (h *history) mayGrow(by *row) (settle func(grown bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.current()
	after := newVersion(append(slices.Clip(before.rows), by), time.Now())
	h.learn([]*row{by})
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

// tenant is one that has a lead, had one, or never will.
func (h *history) tenant(random *rand.Rand) string {
	if random.IntN(20) == 0 {
		return unknownTenant(random)
	}
	return h.any(random).tenant
}

// any is a row, most likely one that the platform still has.
func (h *history) any(random *rand.Rand) *row {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if random.IntN(20) == 0 {
		return pick(random, h.order)
	}
	return pick(random, h.current().rows)
}

const hexDigits = "0123456789abcdef"

func unknownTenant(random *rand.Rand) string {
	return strings.Map(func(r rune) rune {
		if r == 'x' {
			return rune(hexDigits[random.IntN(16)])
		}
		return r
	}, "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx")
}

// preferred is the row that stands for a tenant, nil of none: an active one
// before the others, then the one modified last, then the one with the least id.
func preferred(rows []*row) *row {
	if len(rows) == 0 {
		return nil
	}
	return slices.MinFunc(rows, func(a, b *row) int {
		if x, y := a.status == "ACTIVE", b.status == "ACTIVE"; x != y {
			if x {
				return -1
			}
			return 1
		}
		if later := b.modified.Compare(a.modified); later != 0 {
			return later
		}
		return strings.Compare(a.id, b.id)
	})
}
