package recent

import (
	"slices"
	"strings"
	"time"

	"leadgraph/lead"
)

// Version is the newest version of a lead that is remembered.
type Version struct {
	// TenantID is in lower case.
	TenantID string
	// AsOf is when reading the lead, or that it is gone, began.
	AsOf time.Time
	// Gone says that the tenant had no such lead.
	Gone bool
	// Lead is the newest version with the wanted parts, or nil. Its own AsOf may be
	// earlier.
	Lead *lead.Lead
}

// Of returns what is remembered of a lead, and its newest version that has the parts.
func (m *Memory) Of(id string, parts lead.Parts) (v Version, noted bool) {
	if m.Len() == 0 {
		return v, false
	}
	m.lock()
	defer m.mu.Unlock()
	e, noted := m.leads[id]
	if !noted {
		return v, false
	}
	v = Version{TenantID: e.tenant, AsOf: e.asOf, Gone: e.gone, Lead: e.whole}
	if e.part != nil && e.parts.Has(parts) && (v.Lead == nil || e.part.AsOf.After(v.Lead.AsOf)) {
		v.Lead = e.part
	}
	return v, true
}

// OfTenant returns the ids of the leads of a tenant that are remembered, in the order in
// which they were read.
func (m *Memory) OfTenant(tenantID string) []string {
	if m.Len() == 0 {
		return nil
	}
	m.lock()
	defer m.mu.Unlock()
	var ids []string
	for e := m.byTenant[strings.ToLower(tenantID)]; e != nil; e = e.sameTenant {
		ids = append(ids, e.id)
	}
	return ids
}

// IDs returns the ids of all leads that are remembered.
func (m *Memory) IDs() []string {
	if m.Len() == 0 {
		return nil
	}
	m.lock()
	defer m.mu.Unlock()
	ids := make([]string, 0, len(m.leads))
	for id := range m.leads {
		ids = append(ids, id)
	}
	return ids
}

// Newer reports whether something newer than asOf is known of a tenant or of its leads.
func (m *Memory) Newer(tenantID string, leads []*lead.Lead, asOf time.Time) bool {
	m.lock()
	defer m.mu.Unlock()
	for e := m.byTenant[strings.ToLower(tenantID)]; e != nil; e = e.sameTenant {
		if e.asOf.After(asOf) {
			return true
		}
	}
	return slices.ContainsFunc(leads, func(l *lead.Lead) bool {
		e, noted := m.leads[l.ID]
		return noted && e.asOf.After(asOf)
	})
}

// Left returns when it was last noticed that one of these tenants no longer had a lead
// that is now known of no tenant, or zero. Leads of others that were read before may lack it.
func (m *Memory) Left(tenants []string) (last time.Time) {
	if m.Len() == 0 {
		return last
	}
	m.lock()
	defer m.mu.Unlock()
	for _, tenant := range tenants {
		for e := m.byTenant[strings.ToLower(tenant)]; e != nil; e = e.sameTenant {
			if e.gone && e.left.After(last) {
				last = e.left
			}
		}
	}
	return last
}
