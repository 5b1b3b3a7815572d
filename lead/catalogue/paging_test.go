package catalogue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"leadgraph/lead/catalogue"
	"leadgraph/lead/leadtest"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

func anchor(l *lead.Lead) uint64 { return lead.AnchorHash(l.ID) }

func cutPage(v catalogue.View, w pagination.Window) pagination.Result[*lead.Lead] {
	locate := func(c pagination.Cursor) (int, bool) { return v.Locate(c.Anchor, c.Ordinal) }
	return pagination.Cut(w, v.Total(), locate, v.Slice, anchor)
}

// A page of a catalogue must equal filter + sort + slice in plain Go.
func TestPagingEqualsPlainGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leads := rapid.SliceOfN(leadtest.GenLead(), 0, 100).Draw(t, "leads")
		f, o := leadtest.GenFilter(3).Draw(t, "filter"), leadtest.GenOrder().Draw(t, "order")
		all := plainSelect(leads, f, o)
		w := pagination.Window{Size: rapid.IntRange(0, 40).Draw(t, "size"), Backward: rapid.Bool().Draw(t, "backward")}
		after, before := -1, len(all)
		cursor := func(position int) *pagination.Cursor {
			// The ordinal may be out of date: the anchor decides.
			return &pagination.Cursor{Ordinal: rapid.IntRange(0, 100).Draw(t, "ordinal"), Anchor: anchor(all[position])}
		}
		if len(all) > 0 {
			position := rapid.IntRange(0, len(all)-1)
			if rapid.Bool().Draw(t, "after given") {
				after = position.Draw(t, "after")
				w.After = cursor(after)
			}
			if rapid.Bool().Draw(t, "before given") {
				before = position.Draw(t, "before")
				w.Before = cursor(before)
			}
		}
		kept := all[after+1 : max(after+1, before)]
		next, previous := len(kept) > w.Size, w.After != nil
		want := kept[:min(w.Size, len(kept))]
		if w.Backward {
			next, previous = w.Before != nil, len(kept) > w.Size
			want = kept[len(kept)-min(w.Size, len(kept)):]
		}
		got := cutPage(catalogue.Build(leads, time.Time{}, nil).Select(f, o), w)
		if diff := gocmp.Diff(leadtest.IDs(want), leadtest.IDs(got.Rows)); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
		if got.HasNextPage != next || got.HasPreviousPage != previous {
			t.Fatalf("next %v, previous %v, want %v, %v", got.HasNextPage, got.HasPreviousPage, next, previous)
		}
		for i, l := range want {
			if c := got.Cursor(i); c.Anchor != anchor(l) || all[c.Ordinal] != l {
				t.Fatalf("cursor of row %d is %+v", i, c)
			}
		}
	})
}

// movingList is the platform's list of leads, and one walk over the leads that match.
type movingList struct {
	filter   *lead.Filter
	order    lead.Order
	leads    []*lead.Lead
	gone     []*lead.Lead
	snapshot *catalogue.Snapshot
	changes  int
	// fickle leads disappeared, stopped matching or moved during the walk. A lead
	// that moved may appear twice in the walk.
	fickle, moved map[string]bool
}

func (m *movingList) refresh() {
	asOf := time.Date(2025, 1, 1, 0, 0, m.changes, 0, time.UTC)
	m.snapshot = catalogue.Build(slices.Clone(m.leads), asOf, m.snapshot)
}

// change changes one lead. The lead with the given id never moves.
func (m *movingList) change(t *rapid.T, anchor string) {
	m.changes++
	at := rapid.IntRange(0, len(m.leads)).Draw(t, "at")
	if rapid.Bool().Draw(t, "the anchor") {
		at = slices.IndexFunc(m.leads, func(l *lead.Lead) bool { return l.ID == anchor })
	}
	exists := at >= 0 && at < len(m.leads)
	switch kind := rapid.SampledFrom([]string{"insert", "remove", "update", "return"}).Draw(t, "change"); {
	case kind == "insert":
		fresh := leadtest.GenLead().Draw(t, "fresh")
		fresh.ID += fmt.Sprint("-", m.changes)
		m.leads = slices.Insert(m.leads, max(at, 0), fresh)
	case kind == "remove" && exists:
		m.fickle[m.leads[at].ID] = true
		m.gone = append(m.gone, m.leads[at])
		m.leads = slices.Delete(m.leads, at, at+1)
	case kind == "update" && exists:
		m.update(at, leadtest.GenLead().Draw(t, "update"), m.leads[at].ID == anchor || rapid.Bool().Draw(t, "in place"))
	case kind == "return" && len(m.gone) > 0 && m.order.Field != lead.OrderAsRead:
		m.leads = slices.Insert(m.leads, max(at, 0), m.gone[0])
		m.gone = m.gone[1:]
	}
}

func (m *movingList) update(at int, updated *lead.Lead, inPlace bool) {
	old := m.leads[at]
	m.leads[at] = updated
	updated.ID = old.ID
	if inPlace {
		switch m.order.Field {
		case lead.OrderConsentedOn:
			updated.ConsentedOn = old.ConsentedOn
		case lead.OrderLastModifiedOn:
			updated.LastModifiedOn = old.LastModifiedOn
		case lead.OrderCompanyName:
			updated.ContactDetails = old.ContactDetails
		case lead.OrderStatus:
			updated.Status = old.Status
		case lead.OrderTenantID:
			updated.TenantID = old.TenantID
		}
	} else if m.order.Field != lead.OrderAsRead {
		m.moved[old.ID], m.fickle[old.ID] = true, true
	}
	if !plainMatch(updated, m.filter) {
		m.fickle[old.ID] = true
	}
}

// walk reads page after page while the list changes between them. It checks that each
// lead that was there throughout appears once and in order.
func (m *movingList) walk(t *rapid.T, w pagination.Window, start []*lead.Lead) (last *pagination.Cursor) {
	m.fickle, m.moved = map[string]bool{}, map[string]bool{}
	var seen []string
	for pages := 1; ; pages++ {
		page := cutPage(m.snapshot.Select(m.filter, m.order), w)
		rows := leadtest.IDs(page.Rows)
		more, edge := page.HasNextPage, len(rows)-1
		if w.Backward {
			seen = append(rows, seen...)
			w.Before = page.StartCursor()
			more, edge = page.HasPreviousPage, 0
		} else {
			seen = append(seen, rows...)
			w.After = page.EndCursor()
		}
		if !more {
			break
		}
		if pages > 20 {
			continue // inserts could stay ahead of the walk forever
		}
		for range rapid.IntRange(0, 3).Draw(t, "refreshes") {
			for range rapid.IntRange(0, 8).Draw(t, "changes") {
				m.change(t, rows[edge])
			}
			m.refresh()
		}
	}
	stayed := func(id string) bool {
		return !m.fickle[id] && slices.ContainsFunc(start, func(l *lead.Lead) bool { return l.ID == id })
	}
	unsteady := func(id string) bool { return !stayed(id) }
	want := slices.DeleteFunc(leadtest.IDs(start), unsteady)
	if got := slices.DeleteFunc(slices.Clone(seen), unsteady); !slices.Equal(want, got) {
		t.Fatalf("the walk returned the steady leads %v, want %v", got, want)
	}
	once := slices.DeleteFunc(slices.Sorted(slices.Values(seen)), func(id string) bool { return m.moved[id] })
	if len(slices.Compact(slices.Clone(once))) != len(once) {
		t.Fatalf("a lead appears twice: %v", seen)
	}
	return w.After
}

// A walk to the end and back neither skips nor repeats a lead that stays in the list,
// whatever else changes between two pages.
func TestWalkOverRefreshes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := func(l *lead.Lead) string { return l.ID }
		m := &movingList{
			filter: leadtest.GenFilter(2).Draw(t, "filter"),
			order:  leadtest.GenOrder().Draw(t, "order"),
			leads:  rapid.SliceOfNDistinct(leadtest.GenLead(), 0, 60, id).Draw(t, "leads"),
		}
		if rapid.Bool().Draw(t, "half of the leads") { // a drawn filter often matches few
			m.filter = &lead.Filter{Not: &lead.Filter{ConsentedCountries: []string{"US"}}}
		}
		m.refresh()
		size := rapid.IntRange(1, 12).Draw(t, "size")
		last := m.walk(t, pagination.Window{Size: size}, plainSelect(m.leads, m.filter, m.order))

		back := pagination.Window{Size: size, Backward: true}
		start := plainSelect(m.leads, m.filter, m.order)
		if last != nil && rapid.Bool().Draw(t, "from the last cursor") {
			back.Before = last
			if i := slices.IndexFunc(start, func(l *lead.Lead) bool { return anchor(l) == last.Anchor }); i >= 0 {
				start = start[:i]
			}
		}
		m.walk(t, back, start)
	})
}
