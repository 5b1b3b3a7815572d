package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// row is a serialised lead. Leads are serialised only once, so that answering a
// page only copies bytes. A row is immutable.
type row struct {
	id, tenant string
	json       []byte
}

// with returns a copy of the row with the given members replaced.
func (r row) with(values map[string]any) row {
	members := map[string]any{}
	if json.Unmarshal(r.json, &members) != nil { // cannot fail: we wrote the JSON
		return r
	}
	maps.Copy(members, values)
	if changed, err := json.Marshal(members); err == nil {
		r.json = changed
	}
	return r
}

// store holds the rows in the platform's order. Slices that it has returned are
// never changed in place; a change replaces them.
type store struct {
	mu       sync.RWMutex
	rows     []row
	byTenant map[string][]row // keys in lower case, rows in the platform's order
}

func newStore(rows []row) *store {
	s := &store{rows: rows, byTenant: make(map[string][]row, len(rows))}
	for _, r := range rows {
		s.key(r)
	}
	return s
}

func (s *store) key(r row) {
	key := strings.ToLower(r.tenant)
	s.byTenant[key] = append(slices.Clip(s.byTenant[key]), r)
}

// index returns the position of the row with the given id, or -1.
func (s *store) index(id string) int {
	return slices.IndexFunc(s.rows, func(r row) bool { return r.id == id })
}

func (s *store) len() int { return len(s.all()) }

func (s *store) all() []row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rows
}

func (s *store) ofTenant(id string) []row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byTenant[strings.ToLower(id)]
}

// insert inserts rows before position at. Positions past the end mean the end.
func (s *store) insert(at int, rows ...row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = min(max(at, 0), len(s.rows))
	s.rows = slices.Concat(s.rows[:at], rows, s.rows[at:])
	for _, r := range rows {
		s.key(r)
	}
}

// appendMissing appends r unless its tenant has a lead. Thus concurrent lookups
// of a tenant add its lead only once.
func (s *store) appendMissing(r row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byTenant[strings.ToLower(r.tenant)]) == 0 {
		s.rows = append(slices.Clip(s.rows), r)
		s.key(r)
	}
}

func (s *store) remove(at, n int) []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut(at, n)
}

// drop removes the row with the given id, if there is one.
func (s *store) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.index(id); at >= 0 {
		s.cut(at, 1)
	}
}

// cut removes up to n rows from position at on.
func (s *store) cut(at, n int) []row {
	at = min(max(at, 0), len(s.rows))
	end := at + min(max(n, 0), len(s.rows)-at)
	removed := s.rows[at:end]
	s.rows = slices.Concat(s.rows[:at], s.rows[end:])
	for _, r := range removed {
		key := strings.ToLower(r.tenant)
		rest := slices.DeleteFunc(slices.Clone(s.byTenant[key]), func(o row) bool { return o.id == r.id })
		if s.byTenant[key] = rest; len(rest) == 0 {
			delete(s.byTenant, key)
		}
	}
	return removed
}

// edit replaces members of the row with the given id. It returns false if there is
// no such row.
func (s *store) edit(id string, members map[string]any) (found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.index(id)
	if at < 0 {
		return false
	}
	edited := s.rows[at].with(members)
	s.rows = slices.Clone(s.rows)
	s.rows[at] = edited
	key := strings.ToLower(edited.tenant)
	of := slices.Clone(s.byTenant[key])
	of[slices.IndexFunc(of, func(r row) bool { return r.id == id })] = edited
	s.byTenant[key] = of
	return true
}

// replace replaces all rows.
func (s *store) replace(rows []row) {
	fresh := newStore(rows)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.byTenant = fresh.rows, fresh.byTenant
}

// Shift moves rows between two calls: it removes Remove rows at position At in
// the platform's order, then inserts Insert new leads there. Positions past the
// end mean the end.
type Shift struct {
	At     int `json:"at"`
	Insert int `json:"insert"`
	Remove int `json:"remove"`
}

func (s *Server) shift(by Shift) (inserted, removed []string) {
	removed = s.Remove(by.At, by.Remove)
	return s.Insert(by.At, by.Insert), removed
}

// Insert inserts n new leads of new tenants before position at and returns their
// ids. It is safe for concurrent use.
func (s *Server) Insert(at, n int) []string {
	rows := s.fresh(max(n, 0))
	s.rows.insert(at, rows...)
	return ids(rows)
}

// fresh makes n leads with unused serial numbers.
func (s *Server) fresh(n int) []row {
	return s.factory.batch(s.serial.Add(uint64(n))-uint64(n), n)
}

// Remove removes up to n leads from position at on and returns their ids. It is
// safe for concurrent use.
func (s *Server) Remove(at, n int) []string { return ids(s.rows.remove(at, n)) }

// Move moves the lead at a position in the platform's order to another position, which
// is counted without that lead. Positions past the end mean the end. It is safe for
// concurrent use.
func (s *Server) Move(from, to int) {
	s.rows.mu.Lock()
	defer s.rows.mu.Unlock()
	if len(s.rows.rows) == 0 {
		return
	}
	from = min(max(from, 0), len(s.rows.rows)-1)
	moved := s.rows.rows[from]
	rest := slices.Concat(s.rows.rows[:from], s.rows.rows[from+1:])
	s.rows.rows = slices.Insert(rest, min(max(to, 0), len(rest)), moved)
}

// OnPage makes the server call a function before it answers a page of all leads, for
// example to change the list while a client reads it. Nil stops that. It is safe for
// concurrent use.
func (s *Server) OnPage(call func(PageCall)) {
	if call == nil {
		s.onPage.Store(nil)
		return
	}
	s.onPage.Store(&call)
}

// Spoil replaces members of the row at a position in the platform's order, in its
// pages only. It panics if there is no such row. The server still knows the row by its
// old id and tenant. It is safe for concurrent use.
func (s *Server) Spoil(at int, members map[string]any) {
	s.rows.mu.Lock()
	defer s.rows.mu.Unlock()
	s.rows.rows = slices.Clone(s.rows.rows)
	s.rows.rows[at] = s.rows.rows[at].with(members)
}

// Replace makes the given leads all leads of the platform, in this order. It fails if
// one of them is not an object with an id and a tenantId. The caller must not change
// the JSON afterwards. It is safe for concurrent use: a page has rows of before or of
// after.
func (s *Server) Replace(leads []json.RawMessage) error {
	rows := make([]row, len(leads))
	for i, lead := range leads {
		var key struct{ ID, TenantID string }
		err := json.Unmarshal(lead, &key)
		if err == nil && (key.ID == "" || key.TenantID == "") {
			err = errors.New("no id or no tenantId")
		}
		if err != nil {
			return fmt.Errorf("sandbox: lead %d: %w", i, err)
		}
		rows[i] = row{id: key.ID, tenant: key.TenantID, json: lead}
	}
	s.rows.replace(rows)
	return nil
}

// Edit replaces members of a lead, in pages and in lookups. It panics if there is no
// such lead. It is safe for concurrent use.
func (s *Server) Edit(id string, members map[string]any) {
	if !s.rows.edit(id, members) {
		panic("sandbox: there is no lead " + id)
	}
}

// IDs returns the ids of all leads in the platform's order.
func (s *Server) IDs() []string { return ids(s.rows.all()) }

func ids(rows []row) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.id
	}
	return out
}

// Tenants returns the tenants that have a lead, each once, in the platform's
// order.
func (s *Server) Tenants() []string { return tenants(s.rows.all()) }

func tenants(rows []row) []string {
	out := make([]string, 0, len(rows))
	seen := make(map[string]bool, len(rows))
	for _, r := range rows {
		if !seen[r.tenant] {
			seen[r.tenant] = true
			out = append(out, r.tenant)
		}
	}
	return out
}

// OnlineTenants returns the tenants whose lead only Microsoft has at first. A
// lookup with checkOnline=true appends it to the platform's leads.
func (s *Server) OnlineTenants() []string { return tenants(s.online) }

// Row returns the JSON of the lead with the given id, exactly as pages have it,
// or nil if there is no such lead. The caller must not change it.
func (s *Server) Row(id string) json.RawMessage {
	rows := s.rows.all()
	if i := slices.IndexFunc(rows, func(r row) bool { return r.id == id }); i >= 0 {
		return rows[i].json
	}
	return nil
}
