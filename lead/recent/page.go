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

	// Before there is a catalogue, only where a lead was read is noted, and of the last
	// MaxLeads rows. ends holds where their ids and tenants end in text.
	text []byte
	ends []int
	asOf time.Time // of the rows in text
}

// maxIDs is the largest length of the two ids of a row that is not noted at once, in
// bytes. GUIDs have 72 together.
const maxIDs = 256

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
	case all == nil:
		p.note(l)
	case !l.AsOf.After(all.AsOf()):
	case p.memory.noted(l.ID):
		p.memory.Read(l, p.parts)
	default: // usually nothing has changed, and nobody else has to wait for that
		if known := all.ByID(l.ID); known == nil || !p.with.Equal(known, l, p.parts) {
			p.memory.Read(l, p.parts)
		}
	}
}

func (p *Page) note(l *lead.Lead) {
	if len(l.ID)+len(l.TenantID) > maxIDs {
		p.memory.Read(l, p.parts)
		return
	}
	if len(p.ends) == 4*MaxLeads { // the first half would be forgotten anyway
		cut := p.ends[2*MaxLeads-1]
		p.text = p.text[:copy(p.text, p.text[cut:])]
		p.ends = p.ends[:copy(p.ends, p.ends[2*MaxLeads:])]
		for i := range p.ends {
			p.ends[i] -= cut
		}
	}
	p.asOf = l.AsOf
	p.text = append(p.text, l.ID...)
	p.ends = append(p.ends, len(p.text))
	p.text = append(p.text, l.TenantID...)
	p.ends = append(p.ends, len(p.text))
}

// Done ends the page, also if it could not be read to its end. The Page must not be used
// afterwards.
func (p *Page) Done() {
	if len(p.ends) > 0 {
		p.memory.readAll(p)
	}
	p.memory, p.text, p.ends = nil, p.text[:0], p.ends[:0]
	pages.Put(p)
}

// readAll notes where the leads of a page were read.
func (m *Memory) readAll(p *Page) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.old(p.asOf) {
		return
	}
	all, begin := m.all.Load(), 0
	for i := 0; i < len(p.ends); i += 2 {
		id, tenant := p.text[begin:p.ends[i]], p.text[p.ends[i]:p.ends[i+1]]
		begin = p.ends[i+1]
		if i+2*MaxLeads < len(p.ends) || all != nil && all.ByID(string(id)) != nil { // published meanwhile
			continue
		}
		m.locate(id, tenant, p.asOf)
	}
}

// locate notes where a lead was read. Usually it was there before.
func (m *Memory) locate(id, tenant []byte, asOf time.Time) {
	if e, noted := m.leads[string(id)]; noted && !e.gone && e.tenant == string(tenant) {
		if !e.asOf.After(asOf) {
			e.asOf = asOf
			e.unlink()
			m.append(e)
		}
		return
	}
	both := string(id) + string(tenant) // one allocation
	m.put(entry{id: both[:len(id)], tenant: strings.ToLower(both[len(id):]), asOf: asOf})
}

// noted reports whether anything is known of a lead.
func (m *Memory) noted(id string) bool {
	if m.Len() == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, noted := m.leads[id]
	return noted
}
