package recent_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadgraph/lead"
	"leadgraph/lead/recent"
)

// TestPagesRememberWhatRowsWould reads pages into one memory and their rows one by one
// into another, with lookups and catalogues between them. The rows of a page that is
// larger than the memory may push out what lookups have read of others of its rows.
func TestPagesRememberWhatRowsWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		byPage, byRow := recent.New(), recent.New()
		ids := rapid.SampledFrom([]int{3, 3, 3, 2 * recent.MaxLeads}).Draw(t, "ids")
		for step := range rapid.IntRange(1, 8).Draw(t, "steps") {
			asOf := time.Duration(rapid.IntRange(0, 8).Draw(t, "asOf"))
			if ids > recent.MaxLeads {
				asOf = time.Duration(step)
			}
			first, rows := rapid.IntRange(0, ids-1).Draw(t, "first"), rapid.IntRange(0, min(ids*2, 5*recent.MaxLeads)).Draw(t, "rows")
			status := rapid.SampledFrom([]lead.Status{lead.StatusActive, lead.StatusRemoved}).Draw(t, "status")
			of := rapid.SampledFrom([]string{tenant, "6A7C0E81-4B3D-4F92-AE15-C9D8F7B6E510", "other"}).Draw(t, "tenant")
			leads := make([]*lead.Lead, rows)
			for i := range leads {
				leads[i] = one(fmt.Sprint((first+i)%ids), status, asOf)
				leads[i].TenantID = of
			}
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				byPage.Publish(snapshot(asOf, leads...))
				byRow.Publish(snapshot(asOf, leads...))
			case 1:
				byPage.Tenant(of, leads, begun.Add(asOf))
				byRow.Tenant(of, leads, begun.Add(asOf))
			default:
				parts := rapid.SampledFrom([]lead.Parts{lead.AllParts, lead.PartStatus}).Draw(t, "parts")
				page := byPage.Page(parts)
				for _, l := range leads {
					page.Read(l)
					byRow.Read(l, parts)
				}
				page.Done()
			}
			if rapid.Bool().Draw(t, "unseen") {
				continue // what was noted waits
			}
			sameMemories(t, step, byPage, byRow, ids <= recent.MaxLeads)
		}
		sameMemories(t, -1, byPage, byRow, ids <= recent.MaxLeads)
	})
}

func sameMemories(t *rapid.T, step int, a, b *recent.Memory, values bool) {
	idsOf := func(m *recent.Memory) []string {
		ids := m.IDs()
		slices.Sort(ids)
		return ids
	}
	if !slices.Equal(idsOf(a), idsOf(b)) {
		t.Fatalf("step %d: %d and %d leads", step, a.Len(), b.Len())
	}
	for _, id := range a.IDs() {
		for _, parts := range []lead.Parts{0, lead.PartStatus, lead.AllParts} {
			v, _ := a.Of(id, parts)
			w, _ := b.Of(id, parts)
			same := v.TenantID == w.TenantID && v.AsOf.Equal(w.AsOf) && v.Gone == w.Gone && (!values || (v.Lead == nil) == (w.Lead == nil))
			if !same || values && v.Lead != nil && (v.Lead.Status != w.Lead.Status || !v.Lead.AsOf.Equal(w.Lead.AsOf)) {
				t.Fatalf("step %d, %s: %+v and %+v", step, id, v, w)
			}
		}
	}
	for _, of := range []string{tenant, "other"} {
		v, w := a.OfTenant(of), b.OfTenant(of)
		slices.Sort(v)
		slices.Sort(w)
		if !slices.Equal(v, w) {
			t.Fatalf("step %d: tenant %s has %d and %d leads", step, of, len(v), len(w))
		}
	}
}

// A catalogue may be published while a page is read.
func TestACatalogueComesDuringAPage(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{0: 1, 2: 0} {
		m := recent.New()
		page := m.Page(lead.PartStatus)
		page.Read(one("a", lead.StatusActive, 1))
		page.Read(one("new", lead.StatusActive, 1))
		m.Publish(snapshot(after, one("a", lead.StatusActive, 0)))
		page.Done()
		if ids := m.IDs(); len(ids) != want || want == 1 && ids[0] != "new" {
			t.Errorf("a catalogue of %v: %v", after, ids)
		}
	}
}
