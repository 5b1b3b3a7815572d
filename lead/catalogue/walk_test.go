package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"
)

// world is the platform's list, what replicas have read of it, and the oracle's
// notes on one walk. It compares leads in plain Go only.
type world struct {
	t        *rapid.T
	filter   *lead.Filter
	orders   []lead.Order
	leads    []*lead.Lead
	replicas []*catalogue.Snapshot
	clock    int
	edits    int
	shuffles bool // leads move in the platform's order

	// steady leads match throughout and keep their sort value and, in the platform's
	// order, their place.
	steady  map[string]bool
	seen    map[string]int
	answers []string
	// loose is true once the list has changed. Leads of the platform's order may then
	// repeat.
	loose   bool
	repeats int
}

func newWorld(t *rapid.T, orders []lead.Order) *world {
	w := &world{
		t: t, orders: orders, shuffles: rapid.Bool().Draw(t, "shuffles"),
		filter: leadtest.GenFilter(2).Draw(t, "filter"), steady: map[string]bool{}, seen: map[string]int{},
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind of filter") { // a drawn filter often matches few
	case 0:
		w.filter = &lead.Filter{Not: &lead.Filter{ConsentedCountries: []string{"US"}}}
	case 1:
		w.filter = nil
	}
	for range rapid.IntRange(0, 60).Draw(t, "leads") {
		w.leads = append(w.leads, w.fresh())
	}
	w.replicas = make([]*catalogue.Snapshot, rapid.IntRange(1, 2).Draw(t, "replicas"))
	for i := range w.replicas {
		w.refresh(i)
	}
	for _, l := range w.leads {
		w.steady[l.ID] = plainMatch(l, w.filter)
	}
	return w
}

// fresh returns a lead with an id of its own. Some names only differ after their
// 64th character, and some ids are longer than a cursor can hold.
func (w *world) fresh() *lead.Lead {
	w.edits++
	l := leadtest.GenLead().Draw(w.t, "lead")
	l.ID = fmt.Sprintf("%03d-%d", rapid.IntRange(0, 999).Draw(w.t, "id"), w.edits)
	if rapid.IntRange(0, 3).Draw(w.t, "long id") == 0 {
		l.ID += strings.Repeat("x", 44)
	}
	if l.ContactDetails != nil && rapid.IntRange(0, 2).Draw(w.t, "long name") == 0 {
		l.ContactDetails.CompanyName = new(strings.Repeat("é🙂", 31+w.edits%3) + fmt.Sprint(w.edits%7))
	}
	return l
}

func (w *world) refresh(replica int) {
	w.clock++
	asOf := time.Date(2025, 1, 1, 0, 0, w.clock, 0, time.UTC)
	w.replicas[replica] = catalogue.Build(slices.Clone(w.leads), asOf, w.replicas[replica])
}

// edit changes the list, four times in ten at the lead with the id.
func (w *world) edit(anchor string, shown []string) {
	w.edits++
	w.loose = true
	at := rapid.IntRange(0, len(w.leads)).Draw(w.t, "at")
	if i := w.find(anchor); i >= 0 && rapid.IntRange(0, 9).Draw(w.t, "at the anchor") < 4 {
		at = i
	}
	kinds := []string{"value", "value", "other", "delete", "delete", "insert", "page"}
	if w.shuffles {
		kinds = append(kinds, "front", "end")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(w.t, "edit"); {
	case kind == "insert" || at == len(w.leads):
		w.leads = slices.Insert(w.leads, at, w.fresh())
	case kind == "delete":
		w.remove(at)
	case kind == "page":
		for _, id := range shown {
			if i := w.find(id); i >= 0 {
				w.remove(i)
			}
		}
	case kind == "front" || kind == "end":
		w.move(at, kind == "end")
	default:
		w.rewrite(at, kind == "value")
	}
}

func (w *world) find(id string) int {
	return slices.IndexFunc(w.leads, func(l *lead.Lead) bool { return l.ID == id })
}

func (w *world) remove(at int) {
	w.steady[w.leads[at].ID] = false
	w.leads = slices.Delete(w.leads, at, at+1)
}

func (w *world) move(at int, end bool) {
	moved := w.leads[at]
	w.leads = slices.Delete(w.leads, at, at+1)
	if end {
		w.leads = append(w.leads, moved)
	} else {
		w.leads = slices.Insert(w.leads, 0, moved)
	}
	if len(w.orders) == 0 {
		w.steady[moved.ID] = false
	}
}

// rewrite gives a lead other values, its sort value among them or not.
func (w *world) rewrite(at int, value bool) {
	old, updated := w.leads[at], w.fresh()
	updated.ID = old.ID
	if !value {
		updated.ConsentedOn, updated.LastModifiedOn, updated.ContactDetails = old.ConsentedOn, old.LastModifiedOn, old.ContactDetails
		updated.Status, updated.TenantID, updated.ConsentedCountries = old.Status, old.TenantID, old.ConsentedCountries
	}
	w.leads[at] = updated
	if !plainMatch(updated, w.filter) || len(w.orders) > 0 && plainCompare(w.orders)(old, updated) != 0 {
		w.steady[old.ID] = false
	}
}

// page answers one window at a replica. It sends the cursor over the wire, and first
// refreshes a replica that is older than the cursor.
func (w *world) page(window pagination.Window) pagination.Result[*lead.Lead] {
	replica := rapid.IntRange(0, len(w.replicas)-1).Draw(w.t, "replica")
	if rapid.IntRange(0, 5).Draw(w.t, "restart") == 0 {
		w.replicas[replica] = nil
		w.refresh(replica)
	}
	for _, cursor := range []**pagination.Cursor{&window.After, &window.Before} {
		if *cursor == nil {
			continue
		}
		text := pagination.NewSeal("account", []byte("key")).Text(**cursor, "caller")
		opened, err := pagination.NewSeal("account", []byte("key")).Open(text, "caller")
		if err != nil || len(text) > pagination.MaxCursorLength {
			w.t.Fatalf("cursor of %d characters: %v", len(text), err)
		}
		*cursor = &opened
	}
	if w.replicas[replica].AsOf().Before(window.Since()) {
		w.refresh(replica)
	}
	snapshot := w.replicas[replica]
	result := pagination.Cut(window, snapshot.Select(w.filter, w.orders...))
	result.AsOf = snapshot.AsOf()
	return result
}

// walk reads page after page and edits the list in between, until the walk ends.
func (w *world) walk(backward bool) {
	window := pagination.Window{Size: rapid.IntRange(1, 12).Draw(w.t, "size"), Backward: backward}
	for pages := 1; ; pages++ {
		result := w.page(window)
		rows := leadtest.IDs(result.Rows)
		more, edge := result.HasNextPage, len(rows)-1
		window.After = result.EndCursor()
		if backward {
			window.After, window.Before = nil, result.StartCursor()
			more, edge = result.HasPreviousPage, 0
		}
		w.note(rows, backward)
		if !more {
			return
		}
		if pages > 300 {
			w.t.Fatalf("the walk does not end: %v", w.answers)
		}
		if pages > 20 {
			continue // otherwise new leads could stay ahead of the walk
		}
		for range rapid.IntRange(0, 2).Draw(w.t, "rounds") {
			for range rapid.IntRange(0, 4).Draw(w.t, "edits") {
				w.edit(rows[edge], rows)
			}
			w.refresh(rapid.IntRange(0, len(w.replicas)-1).Draw(w.t, "refreshed"))
		}
	}
}

func (w *world) note(rows []string, backward bool) {
	once := map[string]bool{}
	for _, id := range rows {
		if once[id] {
			w.t.Fatalf("lead %s is twice on a page: %v", id, rows)
		}
		once[id] = true
		w.seen[id]++
		if w.seen[id] > 1 {
			w.repeats++
		}
	}
	if backward {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	w.answers = append(w.answers, rows...)
}

// check checks that each steady lead was answered exactly once, in order, or at least
// once where leads of the platform's order were deleted or moved.
func (w *world) check(backward bool) {
	var kept []*lead.Lead
	for _, l := range w.leads {
		if w.steady[l.ID] {
			kept = append(kept, l)
		}
	}
	slices.SortStableFunc(kept, plainCompare(w.orders))
	want := leadtest.IDs(kept)
	if backward {
		slices.Reverse(want)
	}
	var got []string
	for _, id := range w.answers {
		if w.steady[id] && (len(w.orders) > 0 || !w.loose || !slices.Contains(got, id)) {
			got = append(got, id)
		}
	}
	if len(w.orders) == 0 && w.loose && w.shuffles {
		for _, id := range want {
			if !slices.Contains(got, id) {
				w.t.Fatalf("steady lead %s was never answered: %v", id, w.answers)
			}
		}
		return
	}
	if !slices.Equal(want, got) {
		w.t.Fatalf("the walk returned the steady leads\n%v, want\n%v", got, want)
	}
}

// A walk answers every lead that matches throughout and keeps its sort value exactly
// once, whatever happens between two pages, and it ends.
func TestWalks(t *testing.T) {
	t.Parallel()
	for field := range lead.OrderFields {
		for _, descending := range []bool{false, true} {
			if field == lead.OrderAsRead && descending {
				continue
			}
			orders := []lead.Order{{Field: field, Descending: descending}}
			if field == lead.OrderAsRead {
				orders = nil
			}
			checkWalks(t, fmt.Sprintf("field %d descending %v", field, descending), func(*rapid.T) []lead.Order { return orders })
		}
	}
	checkWalks(t, "several fields", func(t *rapid.T) []lead.Order {
		return leadtest.GenOrders().Filter(func(orders []lead.Order) bool { return len(orders) > 1 }).Draw(t, "orders")
	})
}

func checkWalks(t *testing.T, name string, orders func(*rapid.T) []lead.Order) {
	t.Helper()
	for _, backward := range []bool{false, true} {
		t.Run(fmt.Sprintf("%s backward %v", name, backward), func(t *testing.T) {
			t.Parallel()
			repeats, rows := 0, 0
			leadtest.Walks(t, func(t *rapid.T) {
				w := newWorld(t, orders(t))
				w.walk(backward)
				w.check(backward)
				repeats, rows = repeats+w.repeats, rows+len(w.answers)
			})
			t.Logf("%d of %d rows were repeated", repeats, rows)
		})
	}
}
