package admission

import (
	"container/list"
	"context"
	"errors"
	"time"
)

// ErrCrowded ends a call to the platform if too many operations wait for the
// platform already.
var ErrCrowded = errors.New("too many operations wait for the platform")

// crowdedWait is how long an operation may call the platform if too many wait for
// it. It is enough for what memory answers.
const crowdedWait = 100 * time.Millisecond

// house bounds what the operations that have begun weigh together, which is a
// measure of their memory. The mutex of the Door protects it.
type house struct {
	most    int
	used    int
	calling int // weight of those that call the platform
	callers map[string]int
	queue   list.List // *guest, longest wait first
}

// guest is an operation that waits for room.
type guest struct {
	name   string
	weight int
	ready  chan struct{} // closed when it has room
}

func newHouse(most int) house { return house{most: most, callers: map[string]int{}} }

// admit gives room to those who wait for it, in the order of their arrival. One
// caller gets at most three quarters of the house; those who have them let others
// pass. An operation that is alone always has room.
func (h *house) admit() {
	for place := h.queue.Front(); place != nil; {
		g, next := place.Value.(*guest), place.Next()
		if h.used > 0 && h.used+g.weight > h.most {
			return
		}
		if own := h.callers[g.name]; own == 0 || own+g.weight <= h.most-h.most/4 {
			h.queue.Remove(place)
			h.used += g.weight
			h.callers[g.name] += g.weight
			close(g.ready)
		}
		place = next
	}
}

func (h *house) leave(name string, weight int) {
	h.used -= weight
	if h.callers[name] -= weight; h.callers[name] == 0 {
		delete(h.callers, name)
	}
	h.admit()
}

// reserve waits for room for an operation. It returns false if there is none
// within the time that callers wait, or if too many wait already. It calls away
// before it waits.
func (d *Door) reserve(ctx context.Context, name string, weight int, away func()) bool {
	g := &guest{name: name, weight: weight, ready: make(chan struct{})}
	d.mu.Lock()
	place := d.inHouse.queue.PushBack(g)
	d.inHouse.admit()
	d.press()
	full := !g.in() && d.inHouse.queue.Len() > d.options.Queue
	if full {
		d.inHouse.queue.Remove(place)
		d.press()
	}
	d.mu.Unlock()
	if full || g.in() {
		return !full
	}
	away()
	bound := time.NewTimer(d.options.Wait)
	defer bound.Stop()
	select {
	case <-g.ready:
		return true
	case <-bound.C:
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if g.in() {
		return true
	}
	d.inHouse.queue.Remove(place)
	d.inHouse.admit() // who came later may need less room
	d.press()
	return false
}

func (g *guest) in() bool {
	select {
	case <-g.ready:
		return true
	default:
		return false
	}
}

// call counts an operation among those that call the platform, of which there may
// be three quarters of the house. It returns false if there are more.
func (d *Door) call(weight int) (room bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inHouse.calling += weight
	return d.inHouse.calling <= max(1, d.inHouse.most-d.inHouse.most/4)
}
