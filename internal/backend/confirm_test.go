package backend_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"leadgraph/internal/backend"
	"leadgraph/lead"
	"leadgraph/upstream/sandbox"
)

// shared opens a platform whose leads are read for everybody.
func shared(t *testing.T, p *fakePlatform, pageSize int) *backend.Platform {
	t.Helper()
	return open(t, p, func(o *backend.Options) {
		o.Caller = nil
		o.Upstream.StaticToken = "token"
		o.Caches.CataloguePageSize = pageSize
	})
}

// newest reads all leads and returns their ids.
func newest(ctx context.Context, t interface{ Fatal(...any) }, b *backend.Platform) []string {
	s, _, err := b.Snapshot(ctx, lead.Freshness{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, s.Len())
	for i, l := range s.All() {
		ids[i] = l.ID
	}
	return ids
}

// history follows the list of a platform.
type history struct {
	*sandbox.Server
	stay  []string // the leads that were there throughout, in the order of the beginning
	moved map[string]bool
	known []string // the leads that were read before
}

// stir is a change of the list before a call.
type stir struct{ call, kind, at, rows int }

func drawStir(t *rapid.T) stir {
	return stir{
		call: rapid.IntRange(1, 12).Draw(t, "call"), kind: rapid.IntRange(0, 5).Draw(t, "kind"),
		at: rapid.IntRange(0, 100).Draw(t, "at"), rows: rapid.IntRange(1, 12).Draw(t, "rows"),
	}
}

func (h *history) apply(s stir) {
	n := len(h.IDs())
	at := s.at % (n + 1)
	switch s.kind {
	case 0, 1:
		gone := h.Remove(at, s.rows)
		h.stay = slices.DeleteFunc(h.stay, func(id string) bool { return slices.Contains(gone, id) })
		return
	case 2:
		h.Insert(at, s.rows)
		return
	}
	if n == 0 {
		return
	}
	at = min(at, n-1)
	switch id := h.IDs()[at]; s.kind {
	case 3:
		h.moved[id] = true
		h.Move(at, 0)
	case 4:
		h.moved[id] = true
		h.Move(at, n)
	default:
		h.Spoil(at, map[string]any{"comments": "edited"})
	}
}

// check reports leads that are missing, come twice or have left their places.
func (h *history) check(t *rapid.T, got []string) {
	seen := map[string]int{}
	for _, id := range got {
		if seen[id]++; seen[id] > 1 {
			t.Fatalf("%s comes twice", id)
		}
	}
	kept := map[string]bool{}
	var want []string
	for _, id := range h.stay {
		if seen[id] == 0 {
			if h.moved[id] && !slices.Contains(h.known, id) {
				continue // it moved among the rows that had been read, while another one left them: pages do not show that
			}
			t.Fatalf("%s is missing, moved: %v", id, h.moved[id])
		}
		if !h.moved[id] {
			kept[id] = true
			want = append(want, id)
		}
	}
	if order := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return !kept[id] }); !slices.Equal(order, want) {
		t.Fatalf("the order is\n%v, want\n%v", order, want)
	}
}

// A list that changes between the pages of one reading keeps the leads that were there
// throughout, and each lead that did not move keeps its place. Only a lead that moves, and
// that the server has never seen, may wait for the next reading.
func TestTornReadings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := newFakePlatform(t)
		p.Remove(0, rapid.IntRange(0, 70).Draw(rt, "without"))
		p.SetPaging(sandbox.Paging{CutAbove: rapid.SampledFrom([]int{0, 0, 10, 25}).Draw(rt, "cut above")})
		b := shared(t, p, rapid.SampledFrom([]int{8, 13, 20, 40, 1000}).Draw(rt, "page size"))
		defer b.Close()
		var known []string
		if rapid.Bool().Draw(rt, "known before") {
			known = newest(t.Context(), rt, b)
		}
		for range 2 {
			h := &history{Server: p.Server, stay: p.IDs(), moved: map[string]bool{}, known: known}
			plan := rapid.SliceOfN(rapid.Custom(drawStir), 1, 5).Draw(rt, "changes")
			calls := 0
			p.OnPage(func(sandbox.PageCall) {
				calls++
				for _, s := range plan {
					if s.call == calls {
						h.apply(s)
					}
				}
			})
			known = newest(t.Context(), rt, b)
			p.OnPage(nil)
			h.check(rt, known)
		}
	})
}

// A second reading confirms that leads are gone, and only then. It takes as many calls as
// the first, and no more follow.
func TestRemovalsAreConfirmedOnce(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := shared(t, p, 40)
	calls := func(change func()) int {
		p.ResetCalls()
		change()
		if got := newest(t.Context(), t, b); !slices.Equal(got, p.IDs()) {
			t.Errorf("%d leads, want %d", len(got), len(p.IDs()))
		}
		return p.Calls().Pages
	}
	once := calls(func() {})
	for name, c := range map[string]struct {
		change func()
		want   int
	}{
		"nothing":           {func() {}, once},
		"a new lead":        {func() { p.Insert(1000, 1) }, once},
		"a lead is gone":    {func() { p.Remove(50, 1) }, 2 * once},
		"a lead moved back": {func() { p.Move(0, 90) }, once},
	} {
		if got := calls(c.change); got != c.want {
			t.Errorf("%s: %d calls, want %d", name, got, c.want)
		}
		if got := calls(func() {}); got != once {
			t.Errorf("after %s: %d calls, want %d", name, got, once)
		}
	}
}

// One page is one moment. It is read again all the same if leads are gone: to those who
// watch, two readings have to agree about that.
func TestRemovalsFromOnePageAreConfirmed(t *testing.T) {
	t.Parallel()
	p := newFakePlatform(t)
	b := shared(t, p, 1000)
	newest(t.Context(), t, b)
	p.ResetCalls()
	newest(t.Context(), t, b)
	once := p.Calls().Pages
	removed := p.Remove(10, 3)
	p.ResetCalls()
	if got := newest(t.Context(), t, b); len(got) != len(p.IDs()) || p.Calls().Pages != 2*once {
		t.Errorf("%d leads after %d calls", len(got), p.Calls().Pages)
	}
	// A lead that is missing once only stays.
	stays := p.IDs()[5]
	row := p.Row(stays)
	p.OnPage(func(sandbox.PageCall) {
		p.OnPage(nil)
		p.Remove(5, 1)
		p.OnPage(func(sandbox.PageCall) {
			if p.Row(stays) == nil {
				_ = p.Replace(append(rowsOf(p), row))
			}
		})
	})
	newest(t.Context(), t, b)
	if s := b.Current(t.Context()); s.ByID(stays) == nil || s.ByID(removed[0]) != nil {
		t.Error("a lead is gone that was missing in one reading, or there again although it was missing in two")
	}
}

// Leads that were read twice are those of the second reading: they are dated by it, and
// other replicas find them.
func TestConfirmedLeadsAreDatedAndShared(t *testing.T) {
	t.Parallel()
	p, redis := newFakePlatform(t), miniredis.RunT(t)
	first := replica(t, p, redis)
	newest(t.Context(), t, first)
	p.Remove(10, 3)
	var before time.Time // the second reading
	p.OnPage(func(sandbox.PageCall) {
		before = time.Now()
		p.OnPage(nil)
	})
	newest(t.Context(), t, first)
	if asOf := first.Current(t.Context()).AsOf(); asOf.Before(before) {
		t.Errorf("dated %v before the reading that they are from", before.Sub(asOf))
	}
	settle(redis)
	p.ResetCalls()
	s, _, err := replica(t, p, redis).Snapshot(t.Context(), lead.Freshness{})
	if err != nil || s.Len() != len(p.IDs()) || p.Calls().Pages != 0 {
		t.Errorf("another replica has %d leads after %d calls, error %v", s.Len(), p.Calls().Pages, err)
	}
}

// rowsOf returns the rows of a platform.
func rowsOf(p *fakePlatform) (rows []json.RawMessage) {
	for _, id := range p.IDs() {
		rows = append(rows, p.Row(id))
	}
	return rows
}

// Without its second reading, a reading that needs one shows a list that never was: leads
// have come, and those that are gone may only have been passed over. It fails, and the
// catalogue before stays.
func TestUnconfirmedReadings(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]func(*fakePlatform){
		"leads were removed before":   func(*fakePlatform) {},
		"leads come during the first": func(p *fakePlatform) { p.Insert(3, 2) },
		"leads go during the first":   func(p *fakePlatform) { p.Remove(3, 2) },
	} {
		p := newFakePlatform(t)
		b := shared(t, p, 40)
		before := newest(t.Context(), t, b)
		p.Remove(50, 5)
		p.Insert(20, 3)
		readings := 0
		p.OnPage(func(c sandbox.PageCall) {
			if c.Page > 0 {
				return
			}
			switch readings++; readings {
			case 2:
				p.Inject(sandbox.Fault{Kind: sandbox.KindPage, Status: 500, Times: -1})
			case 1:
				during(p)
			}
		})
		if s, _, err := b.Snapshot(t.Context(), lead.Freshness{NoCache: true}); err == nil {
			t.Errorf("%s: %d leads without a second reading", name, s.Len())
		}
		if s := b.Current(t.Context()); s.Len() != len(before) || readings < 2 {
			t.Errorf("%s: %d leads after %d readings", name, s.Len(), readings)
		}
	}
}
