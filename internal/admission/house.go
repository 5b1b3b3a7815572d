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

// crowdedWait is how long an operation may wait to call the platform if too many wait for
// it. It is enough for what memory answers, and for the queue of a platform that is not
// slow: with a tenth of a second, a server whose cores are busy refuses what it has begun.
const crowdedWait = 400 * time.Millisecond

// house bounds what the operations that have begun weigh together, which is a
// measure of their memory. The mutex of the Door protects it.
type house struct {
	most    int
	used    int
	calling int            // weight of those that wait for the platform
	callers map[string]int // their weight, by caller
	parties map[string]*party
	queue   list.List // *guest that wait because the house is full, longest wait first
	lined   int       // parties with guests in the queue
	own     int       // guests that wait for operations of their own callers
	first   rate      // of a party whose rate is not known
}

// party is what one caller has in the house and in front of it.
type party struct {
	weight int       // in the house and in its queue
	lined  int       // guests in the queue of the house
	own    list.List // *guest that wait until this is less, longest wait first
	line   line      // of those that wait in own
}

// guest is an operation that waits for room.
type guest struct {
	name   string
	weight int
	ready  chan struct{} // closed when it has room
	place  *list.Element
	own    bool // it is in the list of its party, not in the queue of the house
}

func newHouse(most int, first rate) house {
	return house{most: most, callers: map[string]int{}, parties: map[string]*party{}, first: first}
}

// enter lets a guest wait. One caller gets at most three quarters of the house.
// Those of its operations that would exceed them wait among themselves: they hold up
// no other caller, and do not count as overload.
func (h *house) enter(g *guest) {
	p := h.party(g.name)
	g.place, g.own = p.own.PushBack(g), true
	h.own++
	h.follow(g.name)
}

func (h *house) party(name string) *party {
	p := h.parties[name]
	if p == nil {
		p = &party{line: line{rate: h.first}}
		h.parties[name] = p
	}
	return p
}

// full reports whether an operation has to wait for room. One that is alone always has
// room.
func (h *house) full(weight int) bool { return h.used > 0 && h.used+weight > h.most }

// exceeds reports whether an operation has to wait for others of its caller.
func (h *house) exceeds(p *party, weight int) bool {
	return p.weight > 0 && p.weight+weight > h.most-h.most/4
}

// walkIn gives room to an operation that need not wait, and reports whether there was any.
func (h *house) walkIn(name string, weight int) bool {
	p := h.parties[name]
	if h.queue.Len() > 0 || h.full(weight) || p != nil && (p.own.Len() > 0 || h.exceeds(p, weight)) {
		return false
	}
	h.party(name).weight += weight
	h.used += weight
	return true
}

// follow moves the operations of a caller that are within its share now into the
// queue of the house, and gives room to those who wait there, in this order.
func (h *house) follow(name string) {
	p := h.parties[name]
	for place := p.own.Front(); place != nil; place = p.own.Front() {
		g := place.Value.(*guest)
		if h.exceeds(p, g.weight) {
			break
		}
		p.own.Remove(place)
		h.own--
		p.weight += g.weight
		g.place, g.own = h.queue.PushBack(g), false
		h.count(p, 1)
	}
	p.line.press(p.own.Len() > 0)
	if p.weight == 0 {
		delete(h.parties, name)
	}
	for place := h.queue.Front(); place != nil; place = h.queue.Front() {
		g := place.Value.(*guest)
		if h.full(g.weight) {
			return
		}
		h.queue.Remove(place)
		h.count(h.parties[g.name], -1)
		h.used += g.weight
		close(g.ready)
	}
}

// count counts a guest of a party who enters or leaves the queue.
func (h *house) count(p *party, guests int) {
	before := p.lined
	p.lined += guests
	switch {
	case before == 0:
		h.lined++
	case p.lined == 0:
		h.lined--
	}
}

// giveUp removes a guest that has no room.
func (h *house) giveUp(g *guest) {
	p := h.parties[g.name]
	if g.own {
		p.own.Remove(g.place)
		h.own--
	} else {
		h.queue.Remove(g.place)
		h.count(p, -1)
		p.weight -= g.weight
	}
	h.follow(g.name) // who came later may need less room
}

func (h *house) leave(name string, weight int) {
	h.used -= weight
	h.parties[name].weight -= weight
	h.follow(name)
}

// crowdedBy reports whether more than so many operations wait where the guest does.
// Of those that wait for their own caller there may be a quarter as many for each.
func (h *house) crowdedBy(g *guest, most int) bool {
	if g.own {
		return h.parties[g.name].own.Len() > (most+3)/4
	}
	return h.queue.Len() > most
}

// reserve waits for room for an operation. It returns false if there is none
// within the time that callers wait, or if too many wait already. It calls away
// before it waits.
func (d *Door) reserve(ctx context.Context, name string, weight int, away func()) bool {
	d.mu.Lock()
	if d.inHouse.walkIn(name, weight) {
		d.press()
		d.mu.Unlock()
		return true
	}
	g := &guest{name: name, weight: weight, ready: make(chan struct{})}
	d.inHouse.enter(g)
	full := !g.in() && d.inHouse.crowdedBy(g, d.options.Queue)
	if full {
		d.inHouse.giveUp(g)
	}
	d.press()
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
	d.inHouse.giveUp(g)
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

// call counts an operation of the named caller among those that wait for the platform,
// of which there may be three quarters of the house, or does no longer count it. It
// returns false if there are more and the caller has its share of them.
func (d *Door) call(name string, weight int) (room bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &d.inHouse
	h.calling += weight
	if h.callers[name] += weight; h.callers[name] == 0 {
		delete(h.callers, name)
	}
	most := max(1, h.most-h.most/4)
	return h.calling <= most || h.callers[name]*len(h.callers) <= most
}
