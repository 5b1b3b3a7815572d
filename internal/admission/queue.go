package admission

import (
	"container/heap"
	"container/list"
	"context"
	"time"
)

// caller is one caller's share of the time for computing.
type caller struct {
	name  string
	queue list.List     // *waiter, oldest first
	used  time.Duration // time with a token, compared with that of other callers
	cost  time.Duration // of one operation, as measured
	began int           // operations that have begun since they waited, and have not ended
	index int           // in the turns
}

// turns is a heap of the callers who wait. The caller who has used the least time
// comes first.
type turns []*caller

// Len implements heap.Interface.
func (t turns) Len() int { return len(t) }

// Less implements heap.Interface.
func (t turns) Less(i, j int) bool { return t[i].used < t[j].used }

// Swap implements heap.Interface.
func (t turns) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

// Push implements heap.Interface.
func (t *turns) Push(c any) {
	c.(*caller).index = len(*t)
	*t = append(*t, c.(*caller))
}

// Pop implements heap.Interface.
func (t *turns) Pop() any {
	last := len(*t) - 1
	c := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return c
}

// firstCost is the cost of an operation of a caller that is not known yet.
const firstCost = 200 * time.Microsecond

// park waits for a token. It returns false if the operation is refused.
func (d *Door) park(ctx context.Context, name string) bool {
	w, c := d.queueUp(name)
	if w == nil {
		return false
	}
	bound := time.NewTimer(d.options.Wait)
	defer bound.Stop()
	select {
	case <-w.ready:
		letOthersRun()
		return true
	case <-bound.C:
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-w.ready: // the token was assigned in the meantime
		return true
	default:
	}
	d.unqueue(c, w)
	d.parked.Add(-1)
	d.forget(c)
	return false
}

// queueUp takes a place in the queue. It returns nil if the operation is refused.
func (d *Door) queueUp(name string) (*waiter, *caller) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuses(name) {
		return nil, nil
	}
	c := d.callers[name]
	if c == nil {
		c = &caller{name: name, cost: firstCost}
		d.callers[name] = c
	}
	if c.queue.Len() == 0 {
		c.used = max(c.used, d.clock) // a caller cannot save up time
		heap.Push(&d.turns, c)
	}
	w := &waiter{ready: make(chan struct{})}
	w.place = c.queue.PushBack(w)
	d.waiting++
	d.press()
	d.parked.Add(1)
	d.hand() // a token may have been returned in the meantime
	return w, c
}

// next takes the operation whose turn it is to begin out of the queue.
func (d *Door) next() *waiter {
	c := d.turns[0]
	w := c.queue.Front().Value.(*waiter)
	d.clock = c.used
	c.used += c.cost
	c.began++
	heap.Fix(&d.turns, c.index)
	d.unqueue(c, w)
	return w
}

func (d *Door) unqueue(c *caller, w *waiter) {
	c.queue.Remove(w.place)
	if c.queue.Len() == 0 {
		heap.Remove(&d.turns, c.index)
	}
	d.waiting--
	d.press()
}

// press begins to measure the rate when operations wait, and ends it when none does.
// Those that wait for others of their caller have a rate of their own.
func (d *Door) press() {
	waits := d.waiting+d.inHouse.queue.Len() > 0
	d.line.press(waits)
	d.pressed.Store(waits || d.inHouse.own > 0)
}

// ended counts an operation of the named caller that has ended.
func (d *Door) ended(name string) {
	if d.pressed.Load() {
		d.mu.Lock()
		defer d.mu.Unlock()
		now := time.Now()
		d.line.rate.count(now)
		if p := d.inHouse.parties[name]; p != nil {
			p.line.rate.count(now)
		}
	}
}

// charge adds the time that an operation has used to its caller's share.
func (d *Door) charge(name string, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.callers[name]
	if c == nil || c.began == 0 {
		return // the operation did not wait, or its caller was forgotten
	}
	c.began--
	c.used += took - c.cost
	c.cost += (took - c.cost) / 8
	if c.queue.Len() > 0 {
		heap.Fix(&d.turns, c.index)
	}
	d.forget(c)
}

// forget removes a caller who has nothing here.
func (d *Door) forget(c *caller) {
	if c.queue.Len() == 0 && c.began == 0 {
		delete(d.callers, c.name)
	}
}

// most returns how many operations of a line the server is sure to answer in this part of
// the time that callers wait.
func (d *Door) most(l *line, part float64) int {
	return max(int(part*l.rate.perSecond*d.options.Wait.Seconds()), int(d.tokens))
}

// refuses reports whether an operation of the named caller would be refused now.
// If everything in time is taken, a caller with less than its share still gets a
// place; what waits is never more than twice what can be answered in time.
func (d *Door) refuses(name string) bool {
	p := d.inHouse.parties[name]
	if p != nil && p.own.Len() >= d.most(&p.line, p.line.part()) {
		p.line.flooded = true
		return true
	}
	most, waiting := min(d.options.Queue, d.most(&d.line, d.line.part())), d.waiting+d.inHouse.queue.Len()
	if waiting < most {
		return false
	}
	d.line.flooded = true
	if waiting >= min(d.options.Queue, d.most(&d.line, 2*usualPart)) {
		return true
	}
	own := 0
	if c := d.callers[name]; c != nil {
		own = c.queue.Len()
	}
	if p != nil {
		own += p.lined
	}
	return own >= most/(max(len(d.turns), d.inHouse.lined)+1)
}

// Refuses reports whether an operation of the named caller would be refused now.
// If the name is empty it reports whether those of callers would be who have none
// here, and so those of all callers.
func (d *Door) Refuses(name string) bool {
	if !d.pressed.Load() { // the common case takes no lock
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuses(name)
}
