package lead

import (
	"crypto/sha256"
	"encoding/binary"
	"sort"
	"strings"
	"time"
)

// Snapshot is all leads at one moment, with what is needed to filter, order,
// search and count them quickly. It is immutable and safe for concurrent use.
type Snapshot struct {
	asOf  time.Time
	leads []*Lead // by row: the place in the platform's own order

	byID      []int32                  // rows by ascending id
	anchors   map[uint64]int32         // rows by AnchorHash
	orderings [orderFields][2]ordering // ascending, descending

	tenants   postings[string] // in lower case
	countries postings[string] // in upper case
	channels  postings[string]
	sizes     postings[string]
	statuses  postings[Status]
	direct    postings[bool]
	customers bitset
	text      searchText

	tombstones []tombstone // the latest first
}

// Build makes a snapshot of leads in the platform's order; asOf is when reading
// them began. Of leads with the same id the first is kept. The leads are shared,
// not copied; the caller must not change them any more.
//
// From the previous snapshot, nil if there is none, it copies what View.Locate
// needs to find the place of leads that are gone; it does not keep it.
func Build(leads []*Lead, asOf time.Time, previous *Snapshot) *Snapshot {
	s := &Snapshot{asOf: asOf, leads: distinct(leads)}
	var rankings [orderFields]ranking
	parts := []func(){func() { s.text = newSearchText(s.leads) }, s.indexIDs, s.indexValues}
	for field := OrderAsRead + 1; field < orderFields; field++ {
		parts = append(parts, func() { rankings[field] = rankTexts(newKeyWriter().keys(field, s.leads)) })
	}
	// The parts share nothing, and together they are most of the work.
	inParallel(parts...)
	for field := OrderAsRead + 1; field < orderFields; field++ {
		s.orderings[field][0] = newOrdering(rankings[field], s.byID, false)
		s.orderings[field][1] = newOrdering(rankings[field], s.byID, true)
	}
	s.orderings[OrderAsRead][0] = asRead(len(s.leads))
	if previous != nil {
		s.bury(previous)
	}
	return s
}

func distinct(leads []*Lead) []*Lead {
	kept := make([]*Lead, 0, len(leads))
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
		s.anchors[AnchorHash(l.ID)] = int32(row)
	}
	s.byID = newOrdering(rankTexts(ids), asRead(len(ids)).rows, false).rows
}

func (s *Snapshot) indexValues() {
	s.tenants = newPostings(s.leads, func(l *Lead, add func(string)) { add(strings.ToLower(l.TenantID)) })
	s.statuses = newPostings(s.leads, func(l *Lead, add func(Status)) { add(l.Status) })
	s.countries = newPostings(s.leads, func(l *Lead, add func(string)) {
		for _, country := range l.ConsentedCountries {
			add(strings.ToUpper(country))
		}
	})
	s.channels = newPostings(s.leads, func(l *Lead, add func(string)) {
		for _, id := range []*string{l.ChannelID, l.OVOCChannelID} {
			if id != nil {
				add(*id)
			}
		}
	})
	s.sizes = newPostings(s.leads, func(l *Lead, add func(string)) {
		if d := l.ContactDetails; d != nil && d.CompanySize != nil && *d.CompanySize != "" {
			add(*d.CompanySize)
		}
	})
	s.direct = newPostings(s.leads, func(l *Lead, add func(bool)) {
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

func consentedOn(l *Lead) time.Time    { return l.ConsentedOn }
func lastModifiedOn(l *Lead) time.Time { return l.LastModifiedOn }

// AsOf is when reading the leads began: nothing in the snapshot is older.
func (s *Snapshot) AsOf() time.Time { return s.asOf }

// Len is the number of leads.
func (s *Snapshot) Len() int { return len(s.leads) }

// All returns the leads in the platform's own order. The slice is shared and
// must not be changed.
func (s *Snapshot) All() []*Lead { return s.leads }

// ByID returns the lead with the id, nil if there is none.
func (s *Snapshot) ByID(id string) *Lead {
	i, found := sort.Find(len(s.byID), func(i int) int { return strings.Compare(id, s.leads[s.byID[i]].ID) })
	if !found {
		return nil
	}
	return s.leads[s.byID[i]]
}

// ByTenant returns the leads of a tenant in the platform's own order, whatever
// the case of the id's letters; nil if there are none.
func (s *Snapshot) ByTenant(tenantID string) []*Lead {
	return s.at(s.tenants.of(strings.ToLower(tenantID)))
}

func (s *Snapshot) at(rows []int32) []*Lead {
	if len(rows) == 0 {
		return nil
	}
	leads := make([]*Lead, len(rows))
	for i, row := range rows {
		leads[i] = s.leads[row]
	}
	return leads
}

// AnchorHash is the hash of a lead's id by which a cursor remembers the lead:
// the first eight bytes of its SHA-256. Package pagination, which knows no
// leads, has the same; neither may change, because clients keep cursors.
func AnchorHash(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:8])
}
