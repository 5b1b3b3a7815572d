package recent

import (
	"strings"
	"sync"
	"time"

	"leadgraph/lead"
)

// Page notes the rows of a page while they are read. Use one for each page; it is not
// safe for concurrent use.
type Page struct {
	memory *Memory
	parts  lead.Parts
	with   lead.Imprint
	notes
	asOf time.Time // of the rows in notes
}

// notes say where leads were read: in which tenant. Before there is a catalogue, nothing
// else is remembered of the rows of a page.
type notes struct {
	text []byte
	ends []int // where the ids and tenants end in text, in turns
}

const (
	// maxIDs is the largest length of the two ids of a row that can be in notes, in bytes.
	// GUIDs have 72 together.
	maxIDs = 256
	// maxWaiting is the largest number of rows in the notes of a memory. Only the last
	// MaxLeads distinct ones of them are remembered, which is why they wait.
	maxWaiting = 8 * MaxLeads
)

func (n *notes) rows() int { return len(n.ends) / 2 }

func (n *notes) add(id, tenant string) {
	n.text = append(n.text, id...)
	n.ends = append(n.ends, len(n.text))
	n.text = append(n.text, tenant...)
	n.ends = append(n.ends, len(n.text))
}

// row returns the ids of row i.
func (n *notes) row(i int) (id, tenant []byte) {
	begin := 0
	if i > 0 {
		begin = n.ends[2*i-1]
	}
	return n.text[begin:n.ends[2*i]], n.text[n.ends[2*i]:n.ends[2*i+1]]
}

// addAll adds other notes.
func (n *notes) addAll(other *notes) {
	begin := len(n.text)
	n.text = append(n.text, other.text...)
	for _, end := range other.ends {
		n.ends = append(n.ends, begin+end)
	}
}

// drop removes the first rows.
func (n *notes) drop(rows int) {
	cut := n.ends[2*rows-1]
	n.text = n.text[:copy(n.text, n.text[cut:])]
	n.ends = n.ends[:copy(n.ends, n.ends[2*rows:])]
	for i := range n.ends {
		n.ends[i] -= cut
	}
}

func (n *notes) reset() { n.text, n.ends = n.text[:0], n.ends[:0] }

// pages recycles Pages, whose memory is bounded.
var pages = sync.Pool{New: func() any { return new(Page) }}

// Page returns a Page for rows that have some parts of a lead. Call Done afterwards.
func (m *Memory) Page(parts lead.Parts) *Page {
	p := pages.Get().(*Page)
	p.memory, p.parts = m, parts
	return p
}

// Read notes a row. It does not keep the lead. All rows of a page have the same AsOf.
func (p *Page) Read(l *lead.Lead) {
	all := p.memory.all.Load()
	switch {
	case all == nil && len(l.ID)+len(l.TenantID) <= maxIDs:
		if p.rows() == maxWaiting {
			p.drop(maxWaiting / 2) // rows that would be forgotten anyway
		}
		p.asOf = l.AsOf
		p.add(l.ID, l.TenantID)
	case all != nil && !l.AsOf.After(all.AsOf()):
	case all == nil || p.memory.noted(l.ID):
		p.memory.Read(l, p.parts)
	default: // usually nothing has changed, and nobody else has to wait for that
		if known := all.ByID(l.ID); known == nil || !p.with.Equal(known, l, p.parts) {
			p.memory.Read(l, p.parts)
		}
	}
}

// Done ends the page, also if it could not be read to its end. The Page must not be used
// afterwards.
func (p *Page) Done() {
	if p.rows() > 0 {
		p.memory.await(&p.notes, p.asOf)
	}
	p.memory = nil
	p.reset()
	pages.Put(p)
}

// waiting are the notes of pages that nobody has asked for yet. A server that answers
// only pages seldom has to look at them.
type waiting struct {
	notes
	pages []waitingPage
}

type waitingPage struct {
	end  int // its last row and one
	asOf time.Time
}

// await lets the notes of a page wait.
func (m *Memory) await(n *notes, asOf time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting.rows()+n.rows() > maxWaiting {
		m.settle()
	}
	m.waiting.addAll(n)
	m.waiting.pages = append(m.waiting.pages, waitingPage{m.waiting.rows(), asOf})
	m.waits.Store(true)
}

// settle remembers what waits, from the last row on: those before the last MaxLeads
// distinct ones would be pushed out again.
func (m *Memory) settle() {
	w := &m.waiting
	all, place, left := m.all.Load(), &m.order, MaxLeads
	for i, last := w.rows()-1, len(w.pages)-1; i >= 0 && left > 0; i-- {
		for last > 0 && i < w.pages[last-1].end {
			last--
		}
		asOf := w.pages[last].asOf
		id, tenant := w.row(i)
		if m.old(asOf) || all != nil && all.ByID(string(id)) != nil { // published meanwhile
			continue
		}
		if e := m.locate(id, tenant, asOf); e != nil {
			e.unlink()
			e.insertBefore(place)
			place, left, e.settled = e, left-1, m.settled+1
		}
	}
	m.shrink()
	m.settled++
	w.reset()
	w.pages = w.pages[:0]
	m.waits.Store(false)
}

// locate notes where a lead was read. It returns the entry, or nil if what is known is
// newer, as it is if a later row of those that settle has the lead too.
func (m *Memory) locate(id, tenant []byte, asOf time.Time) *entry {
	e, noted := m.leads[string(id)]
	later := noted && e.settled > m.settled
	if noted && !e.gone && e.tenant == string(tenant) { // usually it is where it was
		if e.asOf.After(asOf) || later && e.asOf.Equal(asOf) {
			return nil
		}
		e.asOf = asOf
	} else {
		if later && !asOf.After(e.asOf) {
			return nil
		}
		both := string(id) + string(tenant) // one allocation
		if e = m.merge(entry{id: both[:len(id)], tenant: strings.ToLower(both[len(id):]), asOf: asOf}); e == nil {
			return nil
		}
	}
	if later { // it has its place, but another time
		e.settled = m.settled + 1
		return nil
	}
	return e
}

// noted reports whether anything is known of a lead.
func (m *Memory) noted(id string) bool {
	if m.Len() == 0 {
		return false
	}
	m.lock()
	defer m.mu.Unlock()
	_, noted := m.leads[id]
	return noted
}
