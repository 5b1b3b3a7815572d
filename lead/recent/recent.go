// Package recent remembers leads whose newest version is not that of the catalogue:
// lookups and pages have read it since. It is bounded, and forgets a lead when the
// catalogue is newer.
package recent

import (
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
	all atomic.Pointer[catalogue.Snapshot] // the newest; nil before the first. mu guards changes

	mu       sync.Mutex
	leads    map[string]*entry
	byTenant map[string]*entry // the first in sameTenant, by tenant in lower case
	order    entry             // the ring of all entries, the oldest after order itself
	bytes    int
	with     lead.Imprint
	spare    *entry // forgotten ones, as a list by newer

	waiting waiting
	waits   atomic.Bool // something waits
	settled int         // how often settle was called
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

	// A page without a catalogue notes hundreds of leads, so an entry needs no more memory
	// than its own.
	older, newer *entry // in the order of the memory
	sameTenant   *entry // the next one of the tenant
	settled      int    // the settling that noted the lead
}

// New returns an empty memory.
func New() *Memory {
	m := &Memory{leads: map[string]*entry{}, byTenant: map[string]*entry{}}
	m.order.older, m.order.newer = &m.order, &m.order
	return m
}

// Len returns the number of leads.
func (m *Memory) Len() int {
	if m.waits.Load() {
		m.lock()
		m.mu.Unlock()
	}
	return int(m.len.Load())
}

// lock locks the memory when nothing waits.
func (m *Memory) lock() {
	m.mu.Lock()
	if m.waiting.rows() > 0 {
		m.settle()
	}
}

// Publish notes a newer snapshot of all leads and forgets what it makes superfluous.
func (m *Memory) Publish(s *catalogue.Snapshot) {
	m.lock()
	defer m.mu.Unlock()
	if all := m.all.Load(); all != nil && s.AsOf().Before(all.AsOf()) {
		return
	}
	m.all.Store(s)
	var next *entry
	for e := m.order.newer; e != &m.order; e = next {
		next = e.newer
		known := s.ByID(e.id)
		same := known == nil && e.gone || known != nil && !e.gone &&
			(e.whole == nil || m.with.Equal(known, e.whole, lead.AllParts)) && (e.part == nil || m.with.Equal(known, e.part, e.parts))
		if same || !e.asOf.After(s.AsOf()) {
			m.forget(e)
		}
	}
}

// Tenant notes that a tenant had these leads and no others.
func (m *Memory) Tenant(tenantID string, leads []*lead.Lead, asOf time.Time) {
	m.lock()
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
	var known []string
	for e := m.byTenant[tenantID]; e != nil; e = e.sameTenant {
		known = append(known, e.id)
	}
	for _, id := range known {
		gone(id)
	}
	if all := m.all.Load(); all != nil {
		for _, l := range all.ByTenant(tenantID) {
			gone(l.ID)
		}
	}
}

// Read notes some parts of a lead that was read just now. The lead is not kept; its
// values are copied only if they differ from those of the catalogue.
func (m *Memory) Read(l *lead.Lead, parts lead.Parts) {
	m.lock()
	defer m.mu.Unlock()
	if m.old(l.AsOf) {
		return
	}
	if _, noted := m.leads[l.ID]; (!noted || parts == lead.AllParts) && m.unchanged(l, parts, l.AsOf) {
		return
	}
	e := entry{id: strings.Clone(l.ID), tenant: strings.ToLower(strings.Clone(l.TenantID)), asOf: l.AsOf}
	if m.all.Load() != nil { // otherwise every lead of every page would be copied
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
	if all := m.all.Load(); all != nil {
		return all.ByID(id)
	}
	return nil
}

func (m *Memory) old(asOf time.Time) bool {
	all := m.all.Load()
	return all != nil && !asOf.After(all.AsOf())
}

// unchanged reports whether the catalogue has the same values, and then forgets what was
// noted before.
func (m *Memory) unchanged(l *lead.Lead, parts lead.Parts, asOf time.Time) bool {
	known := m.known(l.ID)
	if known == nil || !m.with.Equal(known, l, parts) {
		return false
	}
	if e, noted := m.leads[l.ID]; noted && !e.asOf.After(asOf) {
		m.forget(e)
	}
	return true
}

// put adds an entry to what is known of a lead.
func (m *Memory) put(e entry) {
	m.merge(e)
	m.shrink()
}

// merge is put without forgetting others. It returns the entry of the lead, or nil if
// what is known is newer. That one tenant does not have the lead says nothing about
// another.
func (m *Memory) merge(e entry) *entry {
	if old, noted := m.leads[e.id]; noted {
		moved := old.tenant != e.tenant && old.gone != e.gone
		if moved && e.gone || !moved && old.asOf.After(e.asOf) {
			return nil
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
		m.forget(old)
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
	return m.insert(e)
}

// insert adds an entry for a lead that has none.
func (m *Memory) insert(e entry) *entry {
	into := m.spare
	if into == nil {
		into = new(entry)
	} else {
		m.spare = into.newer
	}
	*into = e
	m.leads[e.id] = into
	if last := m.byTenant[e.tenant]; last == nil {
		m.byTenant[e.tenant] = into
	} else {
		for last.sameTenant != nil {
			last = last.sameTenant
		}
		last.sameTenant = into
	}
	m.bytes += e.bytes
	into.insertBefore(&m.order)
	m.len.Store(int32(len(m.leads)))
	return into
}

// insertBefore inserts an entry into the ring, as the next older one.
func (e *entry) insertBefore(newer *entry) {
	e.older, e.newer = newer.older, newer
	e.older.newer, newer.older = e, e
}

func (e *entry) unlink() { e.older.newer, e.newer.older = e.newer, e.older }

// shrink forgets the oldest leads until the others are within the bounds.
func (m *Memory) shrink() {
	for len(m.leads) > MaxLeads || m.bytes > MaxBytes {
		m.forget(m.order.newer)
	}
}

func (m *Memory) forget(e *entry) {
	e.unlink()
	delete(m.leads, e.id)
	if first := m.byTenant[e.tenant]; first != e {
		for first.sameTenant != e {
			first = first.sameTenant
		}
		first.sameTenant = e.sameTenant
	} else if e.sameTenant != nil {
		m.byTenant[e.tenant] = e.sameTenant
	} else {
		delete(m.byTenant, e.tenant)
	}
	m.bytes -= e.bytes
	m.len.Store(int32(len(m.leads)))
	*e = entry{newer: m.spare}
	m.spare = e
}
