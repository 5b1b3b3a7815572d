package walks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/upstream/sandbox"
)

// record is a lead of the platform. An empty text means that the lead lacks the value.
type record struct {
	label                             string // short name, for reports
	id, tenant                        string
	status, name, consented, modified string
	country, size                     string
	json                              json.RawMessage
	changed                           time.Time // its match or its sort value; also when it appeared or went
	edited                            time.Time // its sort value
	moved                             time.Time // past other leads
	gone                              bool
}

// world is the platform during one walk: what it holds, and since when. Its methods
// are safe for concurrent use.
type world struct {
	t        testing.TB
	list     list
	platform *sandbox.Server
	torn     atomic.Bool // there was a change while a server read the platform

	mu      sync.Mutex
	rows    []*record // in the platform's order
	all     []*record // and those that are gone
	born    time.Time // of all leads
	changed time.Time // the last change of anything
	trace   []string
	armed   *armed // nil, or a change that waits for calls of the platform
}

// armed is a change that happens after some more calls of the platform.
type armed struct {
	calls int
	dice  *rand.Rand
	page  []string
}

// newWorld fills the platform with new leads.
func newWorld(t testing.TB, l list, platform *sandbox.Server, dice *rand.Rand) *world {
	w := &world{t: t, list: l, platform: platform}
	w.mu.Lock()
	defer w.mu.Unlock()
	size := 5 + dice.IntN(56)
	if dice.IntN(2) == 0 {
		size = 5 + dice.IntN(20)
	}
	for range size {
		w.rows = append(w.rows, w.give(dice))
	}
	if w.list.tenants != nil {
		w.list.tenants = w.someTenants(dice)
	}
	w.publish(slices.Clone(w.rows)...)
	w.born = w.changed
	return w
}

// give makes a lead. One in four shares the tenant of another lead.
func (w *world) give(dice *rand.Rand) *record {
	r := &record{label: fmt.Sprintf("L%d", len(w.all)), id: uuid(dice)}
	w.all = append(w.all, r)
	w.fill(r, dice)
	r.tenant = uuid(dice)
	if n := len(w.rows); n > 0 && dice.IntN(4) == 0 {
		r.tenant = w.rows[dice.IntN(n)].tenant
	}
	return r
}

// fill gives a lead new values. They are few, so that ties are common.
func (w *world) fill(r *record, dice *rand.Rand) {
	pick := func(values ...string) string { return values[dice.IntN(len(values))] }
	r.status = pick("Active", "Active", "NotActive", "Suspended", "Removed", "Dormant")
	r.consented = pick("", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.0000001Z", "2024-02-03T04:05:06Z", "2025-01-01T00:00:00Z")
	r.modified = pick("", "2024-01-01T00:00:00Z", "2024-05-01T00:00:00.5Z", "2024-05-02T00:00:00Z", "2024-05-03T00:00:00Z", "2025-12-31T23:59:59Z")
	r.country, r.size = pick("", "DE", "FR", "US"), pick("", "L1_U9", "L10", "L10_U49")
	long := strings.Repeat("long ", 12) + "name" // 64 characters
	r.name = pick("", "aria", "bravo", "nova", "nova east", long, long+" a", long+" b", long+" nova")
}

func (w *world) someTenants(dice *rand.Rand) []string {
	tenants := []string{uuid(dice)} // of nobody
	for _, r := range w.rows {
		if dice.IntN(3) > 0 && !slices.Contains(tenants, r.tenant) {
			tenants = append(tenants, r.tenant)
		}
	}
	dice.Shuffle(len(tenants), func(i, j int) { tenants[i], tenants[j] = tenants[j], tenants[i] })
	return tenants
}

// publish shows the rows to the platform's clients. The touched leads are new or have
// other values. The caller holds the lock.
func (w *world) publish(touched ...*record) {
	for _, r := range touched {
		r.json = r.encode()
	}
	leads := make([]json.RawMessage, len(w.rows))
	for i, r := range w.rows {
		leads[i] = r.json
	}
	if err := w.platform.Replace(leads); err != nil {
		w.t.Error(err)
	}
	w.changed = time.Now()
	for _, r := range touched {
		r.changed = w.changed
	}
}

func (r *record) encode() json.RawMessage {
	orNull := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	encoded, err := json.Marshal(map[string]any{
		"id": r.id, "tenantId": r.tenant, "status": r.status, "isDirectLead": true,
		"consentedOn": orNull(r.consented), "lastModifiedOn": orNull(r.modified),
		"contactDetails":     map[string]any{"companyName": orNull(r.name), "companySize": orNull(r.size)},
		"consentedCountries": slices.DeleteFunc([]string{r.country}, func(country string) bool { return country == "" }),
	})
	if err != nil {
		panic(err) // of texts only
	}
	return encoded
}

// note adds a line to the trace.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// label returns the short name of a lead. The caller holds the lock.
func (w *world) label(id string) string {
	if r := w.find(id); r != nil {
		return r.label
	}
	return "unknown " + id
}

// find returns a lead by its id, or nil. The caller holds the lock.
func (w *world) find(id string) *record {
	for _, r := range w.all {
		if r.id == id {
			return r
		}
	}
	return nil
}

// expected returns the leads of the list, in its order.
func (w *world) expected() []*record {
	rows := slices.DeleteFunc(slices.Clone(w.rows), func(r *record) bool { return !w.list.matches(r) })
	if w.list.field != "" {
		slices.SortFunc(rows, func(a, b *record) int { return w.list.compare(a, b) })
	}
	return rows
}

// list is a list of leads: a filter and an order.
type list struct {
	field      string // of LeadOrderField; empty is the platform's order
	descending bool
	then       *list  // orders ties by its field and direction; nil if the id does
	status     string // of LeadStatus
	search     string
	tenants    []string // nil is no condition
}

// sorted says whether the list has an order of its own.
func (l list) sorted() bool { return l.field != "" }

func (l list) matches(r *record) bool {
	return !r.gone &&
		(l.status == "" || l.status == statuses[r.status].public) &&
		(l.search == "" || strings.Contains(r.name, l.search)) &&
		(l.tenants == nil || slices.Contains(l.tenants, r.tenant))
}

// statuses says how the schema names and ranks the platform's statuses.
var statuses = map[string]struct{ public, rank string }{
	"Active": {"ACTIVE", "1"}, "NotActive": {"NOT_ACTIVE", "2"}, "Suspended": {"SUSPENDED", "3"},
	"Removed": {"REMOVED", "4"}, "Dormant": {"UNKNOWN", "5"},
}

// value returns what the list is ordered by.
func (l list) value(r *record) string {
	if l.then == nil {
		return l.first(r)
	}
	return l.first(r) + "\n" + l.then.value(r)
}

// first returns what the list is ordered by at first. The texts are such that their bytes are in
// the order that the schema promises.
func (l list) first(r *record) string {
	switch l.field {
	case "CONSENTED_ON":
		return instant(r.consented)
	case "LAST_MODIFIED_ON":
		return instant(r.modified)
	case "COMPANY_NAME":
		return r.name
	case "STATUS":
		return statuses[r.status].rank
	case "TENANT_ID":
		return r.tenant
	case "COUNTRY":
		return r.country
	case "COMPANY_SIZE":
		return map[string]string{"L1_U9": "1", "L10_U49": "2", "L10": "3"}[r.size]
	}
	return ""
}

func instant(text string) string { return strings.TrimSuffix(text, "Z") }

// compare orders two leads: those without the value last, ties by the next field or by id.
func (l list) compare(a, b *record) int {
	x, y := l.first(a), l.first(b)
	if l.field == "COMPANY_NAME" {
		x, y = x[:min(len(x), 64)], y[:min(len(y), 64)] // which the schema promises
	}
	switch {
	case x == y && l.then != nil:
		return l.then.compare(a, b)
	case x == y:
		return cmp.Compare(a.id, b.id)
	case x == "":
		return 1
	case y == "":
		return -1
	case l.descending:
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}

func uuid(dice *rand.Rand) string {
	a, b := dice.Uint64(), dice.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}
