package catalogue

import (
	"sort"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// Snapshot is all leads at one moment, with the indexes to filter, order, search
// and count them quickly. It is immutable and safe for concurrent use.
//
// The code of a snapshot calls the index of a lead in the platform's own order its
// row, and the index of a row in another order its place.
type Snapshot struct {
	asOf       time.Time
	leads      []*lead.Lead // by row
	unreadable int

	byID      []int32                       // rows by ascending id
	byTie     []int32                       // rows by ascending tie
	anchors   map[uint64]int32              // rows by AnchorHash
	orderings [lead.OrderFields][2]ordering // ascending, descending

	tenants   postings[string] // in lower case
	countries postings[string] // in upper case
	channels  postings[string]
	sizes     postings[string]
	statuses  postings[lead.Status]
	direct    postings[bool]
	customers bitset
	text      searchText

	tombstones []tombstone // of the leads that disappeared last, first
}

// Build returns a snapshot of leads in the platform's order; asOf is when reading
// them began. Of several leads with the same id it keeps the first. The leads are
// shared, not copied; the caller must not change them afterwards.
//
// Build compares the leads with the previous snapshot, which may be nil, to make
// the tombstones of leads that have disappeared. It does not keep the previous
// snapshot.
func Build(leads []*lead.Lead, asOf time.Time, previous *Snapshot) *Snapshot {
	s := &Snapshot{asOf: asOf, leads: distinct(leads)}
	var rankings [lead.OrderFields]ranking
	parts := []func(){func() { s.text = newSearchText(s.leads) }, s.indexIDs, s.indexValues}
	for field := lead.OrderAsRead + 1; field < lead.OrderFields; field++ {
		parts = append(parts, func() { rankings[field] = rankTexts(newKeyWriter().keys(field, s.leads)) })
	}
	// The parts share no data, and together they are most of the work.
	flight.Parallel(parts...)
	for field := lead.OrderAsRead + 1; field < lead.OrderFields; field++ {
		s.orderings[field][0] = newOrdering(rankings[field], s.byTie, false)
		s.orderings[field][1] = newOrdering(rankings[field], s.byTie, true)
	}
	s.orderings[lead.OrderAsRead][0] = asRead(len(s.leads))
	if previous != nil {
		s.bury(previous)
	}
	return s
}

// distinct keeps the first lead of each id.
func distinct(leads []*lead.Lead) []*lead.Lead {
	kept := make([]*lead.Lead, 0, len(leads))
	seen := make(map[string]struct{}, len(leads))
	for _, l := range leads {
		if _, repeated := seen[l.ID]; !repeated {
			seen[l.ID] = struct{}{}
			kept = append(kept, l)
		}
	}
	return kept
}

func (s *Snapshot) indexIDs() {
	ids := make([]string, len(s.leads))
	s.anchors = make(map[uint64]int32, len(s.leads))
	for row, l := range s.leads {
		ids[row] = l.ID
		s.anchors[lead.AnchorHash(l.ID)] = int32(row)
	}
	s.byID = newOrdering(rankTexts(ids), asRead(len(ids)).rows, false).rows
	s.byTie = s.byID
	long := false
	for row, id := range ids {
		ids[row] = tie(id)
		long = long || len(id) > maxTieBytes
	}
	if long {
		s.byTie = newOrdering(rankTexts(ids), asRead(len(ids)).rows, false).rows
	}
}

func (s *Snapshot) indexValues() {
	s.tenants = newPostings(s.leads, func(l *lead.Lead, add func(string)) { add(strings.ToLower(l.TenantID)) })
	s.statuses = newPostings(s.leads, func(l *lead.Lead, add func(lead.Status)) { add(l.Status) })
	s.countries = newPostings(s.leads, func(l *lead.Lead, add func(string)) {
		for _, country := range l.ConsentedCountries {
			add(strings.ToUpper(country))
		}
	})
	s.channels = newPostings(s.leads, func(l *lead.Lead, add func(string)) {
		for _, id := range []*string{l.ChannelID, l.OVOCChannelID} {
			if id != nil {
				add(*id)
			}
		}
	})
	s.sizes = newPostings(s.leads, func(l *lead.Lead, add func(string)) {
		if d := l.ContactDetails; d != nil && d.CompanySize != nil && *d.CompanySize != "" {
			add(*d.CompanySize)
		}
	})
	s.direct = newPostings(s.leads, func(l *lead.Lead, add func(bool)) {
		if l.IsDirectLead != nil {
			add(*l.IsDirectLead)
		}
	})
	s.customers = newBitset(len(s.leads))
	for row, l := range s.leads {
		if l.UMPCustomerGUID != nil && *l.UMPCustomerGUID != "" {
			s.customers.set(int32(row))
		}
	}
}

func consentedOn(l *lead.Lead) time.Time    { return l.ConsentedOn }
func lastModifiedOn(l *lead.Lead) time.Time { return l.LastModifiedOn }

// AsOf returns when reading the leads began: no data in the snapshot is older.
func (s *Snapshot) AsOf() time.Time { return s.asOf }

// Len returns the number of leads.
func (s *Snapshot) Len() int { return len(s.leads) }

// Unreadable returns the number of the platform's rows that could not be read. The
// snapshot has no lead for them.
func (s *Snapshot) Unreadable() int { return s.unreadable }

// All returns the leads in the platform's own order. The slice is shared; do not
// change it.
func (s *Snapshot) All() []*lead.Lead { return s.leads }

// ByID returns the lead with the id, or nil if there is none.
func (s *Snapshot) ByID(id string) *lead.Lead {
	row, found := s.Position(id)
	if !found {
		return nil
	}
	return s.leads[row]
}

// Position returns the position of the lead with the id in the platform's order.
func (s *Snapshot) Position(id string) (position int, found bool) {
	i, found := sort.Find(len(s.byID), func(i int) int { return strings.Compare(id, s.leads[s.byID[i]].ID) })
	if !found {
		return 0, false
	}
	return int(s.byID[i]), true
}

// ByTenant returns the leads of a tenant in the platform's own order, or nil if
// there are none. It ignores the case of the id.
func (s *Snapshot) ByTenant(tenantID string) []*lead.Lead {
	return s.at(s.tenants.of(strings.ToLower(tenantID)))
}

// at returns the leads in the rows.
func (s *Snapshot) at(rows []int32) []*lead.Lead {
	if len(rows) == 0 {
		return nil
	}
	leads := make([]*lead.Lead, len(rows))
	for i, row := range rows {
		leads[i] = s.leads[row]
	}
	return leads
}
