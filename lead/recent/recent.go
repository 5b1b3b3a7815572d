// Package recent remembers leads whose newest version is not that of the catalogue:
// lookups and pages have read it since. It is bounded, and forgets a lead when the
// catalogue is newer.
package recent

import (
	"container/list"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
)

// The bounds of a Memory. The lead that has been there longest goes first.
const (
	MaxLeads = 500
	MaxBytes = 8 << 20
	// maxLead is the size of the largest lead whose values are kept, in bytes.
	maxLead = 64 << 10
)

// Memory remembers leads. It is safe for concurrent use.
type Memory struct {
	len atomic.Int32

	mu       sync.Mutex
	all      *catalogue.Snapshot // the newest; nil before the first
	leads    map[string]*list.Element
	byTenant map[string]map[string]struct{} // ids by tenant in lower case
	order    list.List                      // of *entry, the oldest first
	bytes    int
	with     lead.Imprint
}

// entry is what is known of a lead.
type entry struct {
	id, tenant string // the tenant in lower case
	asOf       time.Time
	// gone says that the tenant had no such lead, and left when that was first noticed.
	gone bool
	left time.Time
	// whole has all parts, and part has some. Either may be nil.
	whole, part *lead.Lead
	parts       lead.Parts // of part
	bytes       int
}

// New returns an empty memory.
func New() *Memory {
	return &Memory{leads: map[string]*list.Element{}, byTenant: map[string]map[string]struct{}{}}
}

// Len returns the number of leads.
func (m *Memory) Len() int { return int(m.len.Load()) }

// Publish notes a newer snapshot of all leads and forgets what it makes superfluous.
func (m *Memory) Publish(s *catalogue.Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all != nil && s.AsOf().Before(m.all.AsOf()) {
		return
	}
	m.all = s
	var next *list.Element
	for at := m.order.Front(); at != nil; at = next {
		next = at.Next()
		e := at.Value.(*entry)
		known := s.ByID(e.id)
		same := known == nil && e.gone || known != nil && !e.gone &&
			(e.whole == nil || m.with.Equal(known, e.whole, lead.AllParts)) && (e.part == nil || m.with.Equal(known, e.part, e.parts))
		if same || !e.asOf.After(s.AsOf()) {
			m.forget(e.id)
		}
	}
}

// Tenant notes that a tenant had these leads and no others.
func (m *Memory) Tenant(tenantID string, leads []*lead.Lead, asOf time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tenantID = strings.ToLower(tenantID)
	if m.old(asOf) {
		return
	}
	present := make(map[string]struct{}, len(leads))
	for _, l := range leads {
		present[l.ID] = struct{}{}
		if !m.unchanged(l, lead.AllParts, asOf) {
			m.put(entry{id: l.ID, tenant: tenantID, asOf: asOf, whole: l})
		}
	}
	gone := func(id string) {
		if _, here := present[id]; !here {
			m.put(entry{id: id, tenant: tenantID, asOf: asOf, gone: true, left: time.Now()})
		}
	}
	for id := range m.byTenant[tenantID] {
		gone(id)
	}
	if m.all != nil {
		for _, l := range m.all.ByTenant(tenantID) {
			gone(l.ID)
		}
	}
}

// Read notes some parts of a lead that was read just now. The lead is not kept; its
// values are copied only if they differ from those of the catalogue.
func (m *Memory) Read(l *lead.Lead, parts lead.Parts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.old(l.AsOf) {
		return
	}
	if _, noted := m.leads[l.ID]; (!noted || parts == lead.AllParts) && m.unchanged(l, parts, l.AsOf) {
		return
	}
	e := entry{id: strings.Clone(l.ID), tenant: strings.ToLower(strings.Clone(l.TenantID)), asOf: l.AsOf}
	if m.all != nil { // otherwise every lead of every page would be copied
		copied := lead.Copy(l)
		if parts == lead.AllParts {
			e.whole = copied
		} else {
			e.part, e.parts = copied, parts
		}
	}
	m.put(e)
}

// known returns the catalogue's version of a lead, or nil.
func (m *Memory) known(id string) *lead.Lead {
	if m.all == nil {
		return nil
	}
	return m.all.ByID(id)
}

func (m *Memory) old(asOf time.Time) bool { return m.all != nil && !asOf.After(m.all.AsOf()) }

// unchanged reports whether the catalogue has the same values, and then forgets what was
// noted before.
func (m *Memory) unchanged(l *lead.Lead, parts lead.Parts, asOf time.Time) bool {
	known := m.known(l.ID)
	if known == nil || !m.with.Equal(known, l, parts) {
		return false
	}
	if at, noted := m.leads[l.ID]; noted && !at.Value.(*entry).asOf.After(asOf) {
		m.forget(l.ID)
	}
	return true
}

// put adds an entry to what is known of a lead. That one tenant does not have it says
// nothing about another.
func (m *Memory) put(e entry) {
	if at, noted := m.leads[e.id]; noted {
		old := at.Value.(*entry)
		moved := old.tenant != e.tenant && old.gone != e.gone
		if moved && e.gone || !moved && old.asOf.After(e.asOf) {
			return
		}
		if e.gone && old.gone && !moved {
			e.left = old.left
		}
		if !e.gone && e.whole == nil {
			e.whole = old.whole
			if e.part == nil {
				e.part, e.parts = old.part, old.parts
			}
		}
		m.forget(e.id)
	}
	e.bytes = 256
	for _, l := range []*lead.Lead{e.whole, e.part} {
		if l != nil {
			e.bytes += m.with.Size(l)
		}
	}
	if e.bytes > maxLead {
		e.whole, e.part, e.bytes = nil, nil, 256
	}
	m.leads[e.id] = m.order.PushBack(&e)
	if m.byTenant[e.tenant] == nil {
		m.byTenant[e.tenant] = map[string]struct{}{}
	}
	m.byTenant[e.tenant][e.id] = struct{}{}
	m.bytes += e.bytes
	m.len.Store(int32(len(m.leads)))
	for len(m.leads) > MaxLeads || m.bytes > MaxBytes {
		m.forget(m.order.Front().Value.(*entry).id)
	}
}

func (m *Memory) forget(id string) {
	e := m.order.Remove(m.leads[id]).(*entry)
	delete(m.leads, id)
	if delete(m.byTenant[e.tenant], id); len(m.byTenant[e.tenant]) == 0 {
		delete(m.byTenant, e.tenant)
	}
	m.bytes -= e.bytes
	m.len.Store(int32(len(m.leads)))
}
