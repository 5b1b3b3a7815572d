// Package truth makes the fields of an operation show the same values of a lead: the
// newest that the server has read.
//
// Each field notes what it has read and waits for the others at a Meeting. Only then
// does it ask for the version of each lead that it shows. A version that was shown
// once stays the operation's, because deferred parts may read newer ones after the
// first part of the response was sent.
package truth

import (
	"strings"
	"sync"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/lookup"
	"leadgraph/lead/recent"
)

// Operation is what one operation has read, with all its deferred parts. It is safe
// for concurrent use.
type Operation struct {
	memory onceOf[*recent.Memory]
	// parts are the parts of a lead that any field of the operation shows. Versions
	// without them are not used, so that all fields show the same one.
	parts onceOf[lead.Parts]
	alone bool
	// simplest says that what a field has read is the newest; see isSimple.
	simplest bool
	simple   sync.Once

	mu       sync.Mutex
	all      *catalogue.Snapshot // the newest; nil if none was read
	tenants  map[string]lookup.Found
	leads    map[string]version
	byTenant map[string][]string   // the ids of leads
	shown    map[string]*lead.Lead // nil for a lead that is gone
	answered map[string]struct{}   // the tenants whose leads were shown: they have no others
}

// version is a lead and when it was the platform's version.
type version struct {
	*lead.Lead
	asOf time.Time
}

// New returns an operation that has read nothing. The memory belongs to all operations
// of a caller. alone says that a single field of the operation shows leads: then it
// only matters whether others have read newer ones.
func New(memory func() *recent.Memory, alone bool, parts func() lead.Parts) *Operation {
	o := &Operation{alone: alone}
	o.memory.decide, o.parts.decide = memory, parts
	return o
}

// Parts returns the parts of a lead that any field of the operation shows.
func (o *Operation) Parts() lead.Parts { return o.parts.get() }

// Memory returns the memory of all operations of the caller.
func (o *Operation) Memory() *recent.Memory { return o.memory.get() }

// Tenant notes the leads of a tenant. asOf is when the tenant had these leads and no
// others.
func (o *Operation) Tenant(tenantID string, leads []*lead.Lead, asOf time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	tenantID = strings.ToLower(tenantID)
	if known, read := o.tenants[tenantID]; read && known.AsOf.After(asOf) {
		return
	}
	if o.tenants == nil {
		o.tenants = map[string]lookup.Found{}
	}
	o.tenants[tenantID] = lookup.Found{Leads: leads, AsOf: asOf}
	if o.alone {
		return // no other field asks for them
	}
	for _, l := range leads {
		o.note(l, asOf)
	}
}

// Read notes leads that were read in a page. It skips nil.
func (o *Operation) Read(leads []*lead.Lead) {
	if o.alone {
		return // no other field asks for them
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range leads {
		if l != nil {
			o.note(l, l.AsOf)
		}
	}
}

func (o *Operation) note(l *lead.Lead, asOf time.Time) {
	known, read := o.leads[l.ID]
	if read && known.asOf.After(asOf) {
		return
	}
	if o.leads == nil {
		o.leads, o.byTenant = map[string]version{}, map[string][]string{}
	}
	o.leads[l.ID] = version{l, asOf}
	if !read {
		key := strings.ToLower(l.TenantID)
		o.byTenant[key] = append(o.byTenant[key], l.ID)
	}
}

// Catalogue notes a snapshot of all leads.
func (o *Operation) Catalogue(s *catalogue.Snapshot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil || s.AsOf().After(o.all.AsOf()) {
		o.all = s
	}
}

// Found notes a lead that a field looked for after the fields had met.
func (o *Operation) Found(l *lead.Lead) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.note(l, l.AsOf)
}

// ByID returns the version of a lead to show, nil if the lead is gone, and whether
// anything is known of it.
func (o *Operation) ByID(id string) (l *lead.Lead, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.newest(id, nil, time.Time{})
}

// Settle is like ByID for the field that answers whether there is a lead. If nothing is
// known of it, no later part of the operation shows it.
func (o *Operation) Settle(id string) *lead.Lead {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, known := o.newest(id, nil, time.Time{})
	if !known {
		o.pin(id, nil)
	}
	return l
}

// Newest returns the version to show of a lead that a field has read, or nil if the
// lead is gone or no longer matches the field's filter.
func (o *Operation) Newest(read *lead.Lead, filter *lead.Filter) *lead.Lead {
	if o.isSimple() {
		return read
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	l, _ := o.newest(read.ID, read, read.AsOf)
	if l != nil && l != read && !catalogue.Empty(filter) && len(matching([]*lead.Lead{l}, filter)) == 0 {
		return nil // another field has just read it
	}
	return l
}

// newest returns the version of the lead to show. at is when the version that was read
// was the platform's; read may be nil.
func (o *Operation) newest(id string, read *lead.Lead, at time.Time) (l *lead.Lead, known bool) {
	if shown, pinned := o.shown[id]; pinned {
		return shown, true
	}
	var asOf time.Time
	var tenant string
	consider := func(other *lead.Lead, at time.Time) {
		newer := !known || at.After(asOf)
		if newer {
			l, asOf, known = other, at, true
		}
		if other != nil && (newer || tenant == "") {
			tenant = other.TenantID
		}
	}
	if read != nil {
		consider(read, at)
	}
	if o.all != nil {
		if l := o.all.ByID(id); l != nil {
			consider(l, o.all.AsOf())
		}
	}
	if v, noted := o.leads[id]; noted {
		consider(v.Lead, v.asOf)
	}
	if v, noted := o.Memory().Of(id, o.Parts()); noted && !o.isSimple() {
		if v.Gone {
			if tenant == "" || strings.EqualFold(tenant, v.TenantID) { // another tenant may have it now
				consider(nil, v.AsOf)
			}
		} else if v.Lead != nil {
			consider(v.Lead, v.Lead.AsOf)
		}
		asOf = o.exists(v, asOf)
	}
	if !known {
		return nil, false
	}
	l = o.unlessGone(id, tenant, l, asOf)
	if _, answered := o.answered[strings.ToLower(tenant)]; answered {
		l = nil
	}
	o.pin(id, l)
	return l, true
}

func (o *Operation) pin(id string, l *lead.Lead) {
	if o.shown == nil {
		o.shown = map[string]*lead.Lead{}
	}
	o.shown[id] = l
}

// exists returns the later one of asOf and when the lead is known to have existed.
func (o *Operation) exists(v recent.Version, asOf time.Time) time.Time {
	if !v.Gone && v.AsOf.After(asOf) {
		return v.AsOf
	}
	return asOf
}

// unlessGone returns nil if the lead of a tenant was no longer there after asOf.
func (o *Operation) unlessGone(id, tenant string, l *lead.Lead, asOf time.Time) *lead.Lead {
	if found, read := o.tenants[strings.ToLower(tenant)]; read && found.AsOf.After(asOf) && !has(found.Leads, id) {
		return nil
	}
	if o.all != nil && o.all.AsOf().After(asOf) && o.all.ByID(id) == nil {
		return nil
	}
	return l
}

func has(leads []*lead.Lead, id string) bool {
	for _, l := range leads {
		if l.ID == id {
			return true
		}
	}
	return false
}

// OfTenant returns the leads of a tenant whose leads were noted.
func (o *Operation) OfTenant(tenantID string) []*lead.Lead {
	simple := o.isSimple()
	o.mu.Lock()
	defer o.mu.Unlock()
	key := strings.ToLower(tenantID)
	found := o.tenants[key]
	if o.all != nil && o.all.AsOf().After(found.AsOf) {
		found = lookup.Found{Leads: o.all.ByTenant(key), AsOf: o.all.AsOf()}
	}
	if simple {
		return found.Leads
	}
	shown := make([]*lead.Lead, 0, len(found.Leads))
	for _, l := range found.Leads {
		if l, _ = o.newest(l.ID, l, found.AsOf); l != nil {
			shown = append(shown, l)
		}
	}
	for _, ids := range [][]string{o.byTenant[key], o.Memory().OfTenant(key)} {
		for _, id := range ids {
			if has(shown, id) || o.elsewhere(id, key) { // it has moved
				continue
			}
			if l, _ := o.newest(id, nil, time.Time{}); l != nil && strings.EqualFold(l.TenantID, key) {
				shown = append(shown, l)
			}
		}
	}
	if o.answered == nil {
		o.answered = map[string]struct{}{}
	}
	o.answered[key] = struct{}{}
	return shown
}

// elsewhere reports whether another tenant was read that has the lead.
func (o *Operation) elsewhere(id, key string) bool {
	for tenant, found := range o.tenants {
		if tenant != key && has(found.Leads, id) {
			return true
		}
	}
	return false
}

// Unlike returns the ids of leads in the snapshot that are gone or that no longer
// match the filter.
func (o *Operation) Unlike(s *catalogue.Snapshot, filter *lead.Filter) []string {
	if o.isSimple() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := o.Memory().IDs()
	for id := range o.leads {
		ids = append(ids, id)
	}
	for id := range o.shown {
		ids = append(ids, id)
	}
	var unlike []string
	var former, changed []*lead.Lead
	for _, id := range ids {
		before := s.ByID(id)
		if before == nil {
			continue
		}
		if now, _ := o.newest(id, before, s.AsOf()); now == nil {
			unlike = append(unlike, id)
		} else if now != before {
			former, changed = append(former, before), append(changed, now)
		}
	}
	if len(changed) == 0 || catalogue.Empty(filter) {
		return unlike
	}
	matched, matching := matching(former, filter), matching(changed, filter)
	for _, l := range matched {
		if !has(matching, l.ID) {
			unlike = append(unlike, l.ID)
		}
	}
	return unlike
}

// TenantOf returns the tenant of a lead that is known to exist although no version of
// it is at hand.
func (o *Operation) TenantOf(id string) (tenantID string, asOf time.Time, known bool) {
	v, noted := o.Memory().Of(id, o.Parts())
	return v.TenantID, v.AsOf, noted && !v.Gone
}

// matching returns the leads that match a filter.
func matching(leads []*lead.Lead, filter *lead.Filter) []*lead.Lead {
	view := catalogue.Build(leads, time.Time{}, nil).Select(filter, lead.Order{})
	return view.Slice(0, view.Total())
}
