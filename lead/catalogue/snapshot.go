package catalogue

import (
	"cmp"
	"fmt"
	"sort"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/lead/flight"
)

// Revision names a state of all leads. Replicas share the names of the states that they
// share. Two states have the same name only if they have the same leads in the same order.
// The zero Revision names none.
type Revision struct {
	// Log identifies the log that the revision belongs to, and is random.
	Log uint64
	// Number increases with every revision of a log.
	Number uint64
	// Tag is random, so that numbers that are given twice after a loss are told apart. It is
	// 0 in a log that only one process has.
	Tag uint64
}

// String returns the name as clients see it, or "" for none. It begins with the number.
func (r Revision) String() string {
	if r == (Revision{}) {
		return ""
	}
	return fmt.Sprintf("%d-%x-%x", r.Number, r.Log, r.Tag)
}

// Snapshot is all leads at one moment, with the indexes to filter, order, search
// and count them quickly. It is immutable and safe for concurrent use.
//
// The code of a snapshot calls the index of a lead in the platform's own order its
// row, and the index of a row in another order its place.
type Snapshot struct {
	asOf       time.Time
	leads      []*lead.Lead // by row
	unreadable int
	revision   Revision
	own        Revision // see Name

	byID      []int32          // rows by ascending id
	byTie     []int32          // rows by ascending tie
	anchors   map[uint64]int32 // rows by AnchorHash
	orderings [lead.OrderFields]fieldOrder
	combined  combinedOrders

	tenants   postings[string] // in lower case
	countries postings[string] // in upper case
	channels  postings[string]
	sizes     postings[string]
	operators postings[string]
	origins   postings[string]
	addresses postings[addressKind]
	statuses  postings[lead.Status]
	direct    postings[bool]
	customers bitset
	text      searchText
}

// addressKind is what a condition on addresses asks of one. The country is in upper
// case, and empty if the address has none.
type addressKind struct {
	country string
	status  lead.ValidationStatus
}

// Build returns a snapshot of leads in the platform's order; asOf is when reading
// them began. Of several leads with the same id it keeps the first. The leads are
// shared, not copied; the caller must not change them afterwards.
//
// Build takes from the previous snapshot, which may be nil, the indexes of what has not
// changed. The result is the same as without it. It does not keep the previous snapshot.
func Build(leads []*lead.Lead, asOf time.Time, previous *Snapshot) *Snapshot {
	return build(leads, asOf, previous, nil)
}

// build is Build at a pace, for work in the background.
func build(leads []*lead.Lead, asOf time.Time, previous *Snapshot, pace *flight.Pace) *Snapshot {
	b := &builder{Snapshot: &Snapshot{asOf: asOf}, old: previous, pace: pace}
	if previous == nil {
		b.old = &Snapshot{}
	}
	b.leads = b.distinct(leads)
	b.inherit()
	b.own = b.nextName()
	b.indexIDs()
	b.indexValues()
	b.text = b.searchText()
	b.orderings[lead.OrderAsRead].both[0] = asRead(len(b.leads))
	for field := lead.OrderAsRead + 1; field < lead.OrderFields; field++ {
		b.orderings[field] = b.ordered(field)
	}
	return b.Snapshot
}

// distinct keeps the first lead of each id.
func (b *builder) distinct(leads []*lead.Lead) []*lead.Lead {
	kept := make([]*lead.Lead, 0, len(leads))
	seen := make(map[string]struct{}, len(leads))
	for _, l := range leads {
		b.pace.Step()
		if _, repeated := seen[l.ID]; !repeated {
			seen[l.ID] = struct{}{}
			kept = append(kept, l)
		}
	}
	return kept
}

func (b *builder) indexIDs() {
	if b.still {
		b.anchors, b.byID, b.byTie = b.old.anchors, b.old.byID, b.old.byTie
		return
	}
	ids := make([]string, len(b.leads))
	b.anchors = make(map[uint64]int32, len(b.leads))
	long := false
	for row, l := range b.leads {
		b.pace.Step()
		ids[row] = l.ID
		b.anchors[lead.AnchorHash(l.ID)] = int32(row)
		long = long || len(l.ID) > maxTieBytes
	}
	if b.fewFresh() {
		b.byID = b.merged(b.old.byID, func(row, fresh int32) int { return strings.Compare(ids[row], ids[fresh]) }).rows
	} else {
		b.byID = newOrdering(rankTexts(ids, b.pace), asRead(len(ids)).rows, false, b.pace).rows
	}
	b.byTie = b.byID
	if long {
		for row, id := range ids {
			ids[row] = tie(id)
		}
		b.byTie = newOrdering(rankTexts(ids, b.pace), asRead(len(ids)).rows, false, b.pace).rows
	}
}

// ordered returns the orders by a field.
func (b *builder) ordered(field lead.OrderField) (o fieldOrder) {
	w := newKeyWriter()
	if b.unchanged(func(before, now *lead.Lead) bool { return w.key(field, before) == w.key(field, now) }) {
		return b.old.orderings[field]
	}
	if !b.fewFresh() {
		r := rankTexts(w.keys(field, b.leads, b.pace), b.pace)
		o.both = [2]ordering{newOrdering(r, b.byTie, false, b.pace), newOrdering(r, b.byTie, true, b.pace)}
		o.heads = headsOf(o.both[0].rows, func(row, next int32) bool { return r.ranks[row] == r.ranks[next] }, b.pace)
		o.valued = sort.Search(len(r.ranks), func(place int) bool { return r.ranks[o.both[0].rows[place]] == r.groups })
		return o
	}
	keys := make(map[int32]string) // of rows that are looked at
	key := func(row int32) string {
		text, known := keys[row]
		if !known {
			text = w.key(field, b.leads[row])
			keys[row] = text
		}
		return text
	}
	old := &b.old.orderings[field]
	for direction := range old.both {
		by := lead.Order{Field: field, Descending: direction == 1}
		o.both[direction] = b.merged(old.both[direction].rows, func(row, fresh int32) int {
			return cmp.Or(compareKeys(by, key(row), key(fresh)), strings.Compare(tie(b.leads[row].ID), tie(b.leads[fresh].ID)))
		})
	}
	ranks := old.ranking().ranks
	o.heads = headsOf(o.both[0].rows, func(row, next int32) bool {
		if known, also := b.from[row], b.from[next]; known >= 0 && also >= 0 {
			return ranks[known] == ranks[also]
		}
		return key(row) == key(next)
	}, b.pace)
	o.valued = sort.Search(len(b.leads), func(place int) bool { return key(o.both[0].rows[place]) == "" })
	return o
}

func (b *builder) indexValues() {
	b.tenants = postingsOf(b, &b.old.tenants, func(l *lead.Lead, add func(string)) { add(strings.ToLower(l.TenantID)) })
	b.statuses = postingsOf(b, &b.old.statuses, func(l *lead.Lead, add func(lead.Status)) { add(l.Status) })
	b.countries = postingsOf(b, &b.old.countries, func(l *lead.Lead, add func(string)) {
		for _, country := range l.ConsentedCountries {
			add(strings.ToUpper(country))
		}
	})
	given := func(text *string, add func(string)) {
		if text != nil && *text != "" {
			add(*text)
		}
	}
	b.channels = postingsOf(b, &b.old.channels, func(l *lead.Lead, add func(string)) {
		given(l.ChannelID, add)
		given(l.OVOCChannelID, add)
	})
	b.sizes = postingsOf(b, &b.old.sizes, func(l *lead.Lead, add func(string)) {
		if l.ContactDetails != nil {
			given(l.ContactDetails.CompanySize, add)
		}
	})
	b.operators = postingsOf(b, &b.old.operators, func(l *lead.Lead, add func(string)) { given(l.OperatorID, add) })
	b.origins = postingsOf(b, &b.old.origins, func(l *lead.Lead, add func(string)) { given(l.TenantOrigin, add) })
	b.addresses = postingsOf(b, &b.old.addresses, func(l *lead.Lead, add func(addressKind)) {
		for i := range l.CivicAddresses {
			a := &l.CivicAddresses[i]
			kind := addressKind{status: a.ValidationStatus}
			given(a.Country, func(country string) { kind.country = strings.ToUpper(country) })
			add(kind)
		}
	})
	b.direct = postingsOf(b, &b.old.direct, func(l *lead.Lead, add func(bool)) {
		if l.IsDirectLead != nil {
			add(*l.IsDirectLead)
		}
	})
	b.customers = newBitset(len(b.leads))
	for row, l := range b.leads {
		b.pace.Step()
		if l.UMPCustomerGUID != nil && *l.UMPCustomerGUID != "" {
			b.customers.set(int32(row))
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

// Revision returns the name under which replicas share the leads; zero if they do not.
func (s *Snapshot) Revision() Revision { return s.revision }

// Name returns a name of the leads. Snapshots with the same name have the same leads in
// the same order, apart from when they were read. If replicas do not share the leads, only
// this process has the name, and snapshots that it has built from each other have the same
// name until something changes.
func (s *Snapshot) Name() Revision {
	if s.revision != (Revision{}) {
		return s.revision
	}
	return s.own
}

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

// withIDs returns the rows of the leads with these ids.
func (s *Snapshot) withIDs(ids []string) bitset {
	rows := newBitset(len(s.leads))
	for _, id := range ids {
		if row, found := s.Position(id); found {
			rows.set(int32(row))
		}
	}
	return rows
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
