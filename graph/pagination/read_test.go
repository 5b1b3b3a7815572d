package pagination_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

// server is a list of ids that is read in pages. It records the plans it gets.
type server struct {
	ids     []string
	maxSize int
	limit   int // largest page that is not cut; 0 if there is none
	plans   [][]pagination.Page
	whole   bool   // the last window was cut from the whole list
	between func() // called after each page while a plan is being read
}

func newServer(rows, maxSize int) *server {
	s := &server{maxSize: maxSize}
	for i := range rows {
		s.ids = append(s.ids, fmt.Sprintf("lead-%d", i))
	}
	return s
}

// errCut is the error of a page that is larger than limit.
var errCut = errors.New("cut")

func (s *server) fetch(pages []pagination.Page) ([][]string, error) {
	s.plans = append(s.plans, pages)
	if s.limit > 0 && pages[0].Size > s.limit {
		s.maxSize = s.limit
		return nil, errCut
	}
	var got [][]string
	for _, p := range pages {
		from := min(p.Number*p.Size, len(s.ids))
		got = append(got, slices.Clone(s.ids[from:min(from+p.Size, len(s.ids))]))
		if s.between != nil {
			s.between()
		}
	}
	return got, nil
}

func (s *server) read(t rapid.TB, w pagination.Window, next bool) pagination.Result[string] {
	t.Helper()
	s.plans = nil
	source := pagination.Source[string]{MaxSize: func() int { return s.maxSize }, Cut: func(err error) bool { return errors.Is(err, errCut) }, Hash: lead.AnchorHash[string], Fetch: s.fetch}
	result, err := source.Read(w, pagination.Wants{Next: next, Cursors: true})
	if s.whole = errors.Is(err, pagination.ErrNeedsWhole); s.whole {
		return s.cut(w)
	}
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return result
}

// table is the server's whole list.
type table struct{ *server }

func (s table) Total() int                  { return len(s.ids) }
func (s table) Slice(from, to int) []string { return s.ids[from:to] }
func (s table) Hash(id string) uint64       { return lead.AnchorHash(id) }
func (s table) Ordered() bool               { return false }

func (s table) Find(anchor uint64) (before int, found, known bool) {
	position := slices.IndexFunc(s.ids, func(id string) bool { return lead.AnchorHash(id) == anchor })
	return max(position, 0), position >= 0, position >= 0
}

func (table) Key(string) (value, id string)                { panic("there is no order") }
func (table) Seek(string, string) (before int, found bool) { panic("there is no order") }

// cut cuts the window from the whole list.
func (s *server) cut(w pagination.Window) pagination.Result[string] {
	return pagination.Cut(w, table{s})
}

// cursor returns the cursor of a row in the current list, with the anchors that a page
// of nothing but the row would give it.
func (s *server) cursor(position int) *pagination.Cursor {
	c := &pagination.Cursor{List: plain, Ordinal: position, Anchor: lead.AnchorHash(s.ids[position])}
	for _, distance := range []int{1, 2, 4, 8, 16, 32, 64, 512, 4096} {
		if at := position - distance; at >= 0 {
			c.Before = append(c.Before, lead.AnchorHash(s.ids[at]))
		}
		if at := position + distance; at < len(s.ids) {
			c.After = append(c.After, lead.AnchorHash(s.ids[at]))
		}
	}
	return c
}

// answer is the part of a result that a client sees.
type answer struct {
	Rows           []string
	Next, Previous bool
	Start, End     *pagination.Cursor
}

func see(r pagination.Result[string]) answer {
	return answer{append([]string(nil), r.Rows...), r.HasNextPage, r.HasPreviousPage, bare(r.StartCursor()), bare(r.EndCursor())}
}

// bare returns the cursor without the anchors of other rows.
func bare(c *pagination.Cursor) *pagination.Cursor {
	if c == nil {
		return nil
	}
	return &pagination.Cursor{List: c.List, Ordinal: c.Ordinal, Anchor: c.Anchor}
}

// expect computes the page as Relay's specification defines it: take the rows
// between the cursors, then the first or last of them. There is a next or previous
// page if the list has rows there, but nothing follows an empty page.
func (s *server) expect(w pagination.Window) answer {
	after, before := -1, len(s.ids)
	if w.After != nil {
		after = w.After.Ordinal
	}
	if w.Before != nil {
		before = w.Before.Ordinal
	}
	var kept []int
	for i := range s.ids {
		if i > after && i < before {
			kept = append(kept, i)
		}
	}
	var want answer
	if w.Backward {
		kept = kept[max(0, len(kept)-w.Size):]
	} else {
		kept = kept[:min(w.Size, len(kept))]
	}
	// The page lies between the rows before and after it.
	from, to := after+1, after+1
	if w.Backward {
		from, to = before, before
	}
	if len(kept) > 0 {
		from, to = kept[0], kept[len(kept)-1]+1
	}
	want.Start, want.End = bare(w.Before), bare(w.After)
	stuck := len(kept) == 0 && w.Size > 0
	want.Next = to < len(s.ids) && (w.Backward || !stuck)
	want.Previous = from > 0 && (!w.Backward || !stuck)
	for _, i := range kept {
		want.Rows = append(want.Rows, s.ids[i])
	}
	if len(kept) > 0 {
		want.Start, want.End = bare(s.cursor(kept[0])), bare(s.cursor(kept[len(kept)-1]))
	}
	return want
}

// drawWindow draws any window of the list. Its cursors may have crossed.
func drawWindow(t *rapid.T, s *server) pagination.Window {
	w := pagination.Window{
		List:     plain,
		Backward: rapid.Bool().Draw(t, "backward"),
		Size:     rapid.IntRange(0, 40).Draw(t, "size"),
	}
	if len(s.ids) > 0 {
		position := rapid.IntRange(0, len(s.ids)-1)
		if rapid.Bool().Draw(t, "after given") {
			w.After = s.cursor(position.Draw(t, "after"))
		}
		if rapid.Bool().Draw(t, "before given") {
			w.Before = s.cursor(position.Draw(t, "before"))
		}
	}
	return w
}

func TestAnyWindowEqualsSlicing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newServer(rapid.IntRange(0, 150).Draw(t, "rows"), rapid.IntRange(42, 300).Draw(t, "maximum"))
		w := drawWindow(t, s)
		want := s.expect(w)
		if diff := cmp.Diff(want, see(s.cut(w))); diff != "" {
			t.Fatalf("Cut (-want +got):\n%s", diff)
		}
		if w.FromEnd() {
			return
		}
		next := rapid.Bool().Draw(t, "next")
		got := see(s.read(t, w, next))
		if !next {
			got.Next = want.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Read (-want +got):\n%s", diff)
		}
		fetched := 0
		for _, plan := range s.plans {
			for _, page := range plan {
				fetched += page.Size
			}
		}
		if len(s.plans) > 1 || fetched > max(80, 2*(w.Size+9)) {
			t.Fatalf("%d rows asked for a window of %d: %v", fetched, w.Size, s.plans)
		}
	})
}

// walk cuts page after page until there are no more, and edits the list between
// pages.
func walk(w pagination.Window, page func(pagination.Window) pagination.Result[string], edit func(anchor *pagination.Cursor)) (seen []string) {
	for {
		r := page(w)
		if w.Backward {
			seen = append(slices.Clone(r.Rows), seen...)
			w.Before = r.StartCursor()
		} else {
			seen = append(seen, r.Rows...)
			w.After = r.EndCursor()
		}
		switch {
		case w.Backward && !r.HasPreviousPage:
			return seen
		case !w.Backward && !r.HasNextPage:
			return seen
		case w.Backward:
			edit(w.Before)
		default:
			edit(w.After)
		}
	}
}

func TestWalkTakesOnePageEach(t *testing.T) {
	t.Parallel()
	s := newServer(2000, 20_000)
	onePage := func(*pagination.Cursor) {
		if len(s.plans) != 1 || len(s.plans[0]) != 1 {
			t.Errorf("more than one upstream page: %v", s.plans)
		}
	}
	read := func(w pagination.Window) pagination.Result[string] { return s.read(t, w, true) }
	forward := walk(pagination.Window{List: plain, Size: 37}, read, onePage)
	onePage(nil)
	if diff := cmp.Diff(s.ids, forward); diff != "" {
		t.Errorf("forward (-want +got):\n%s", diff)
	}
	for behind := range 37 { // wherever the walk back begins
		from := len(s.ids) - 1 - behind
		backward := walk(pagination.Window{List: plain, Backward: true, Size: 37, Before: s.cursor(from)}, read, onePage)
		onePage(nil)
		if diff := cmp.Diff(s.ids[:from], backward); diff != "" {
			t.Errorf("backward from %d (-want +got):\n%s", from, diff)
		}
	}
}

// TestWalkOverMovingList edits the list between any two pages: either one
// insert or removal anywhere, which may remove the anchor itself, or many that
// spare the anchor. Rows that exist during the whole walk must occur, in order.
func TestWalkOverMovingList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newServer(rapid.IntRange(2, 120).Draw(t, "rows"), rapid.SampledFrom([]int{1000, 20_000}).Draw(t, "maximum"))
		w := pagination.Window{List: plain, Size: rapid.IntRange(1, 20).Draw(t, "size")}
		first := slices.Clone(s.ids)
		if w.Backward = rapid.Bool().Draw(t, "backward"); w.Backward {
			w.Before = s.cursor(len(s.ids) - 1)
			first = first[:len(first)-1]
		}
		most := rapid.SampledFrom([]int{1, 30}).Draw(t, "edits at once")
		steps, inserted := 0, 0
		page := s.cut
		if rapid.Bool().Draw(t, "read in pages") {
			page = func(w pagination.Window) pagination.Result[string] { return s.read(t, w, true) }
		}
		seen := walk(w, page, func(anchor *pagination.Cursor) {
			if steps++; steps > 20 {
				return // otherwise inserts could keep ahead of the walk forever
			}
			for range rapid.IntRange(0, most).Draw(t, "edits") {
				at := rapid.IntRange(0, len(s.ids)).Draw(t, "at")
				switch {
				case rapid.Bool().Draw(t, "insert"):
					inserted++
					s.ids = slices.Insert(s.ids, at, fmt.Sprintf("new-%d", inserted))
				case at < len(s.ids) && (most == 1 || lead.AnchorHash(s.ids[at]) != anchor.Anchor):
					s.ids = slices.Delete(s.ids, at, at+1)
				}
			}
		})
		survives := func(id string) bool { return slices.Contains(first, id) && slices.Contains(s.ids, id) }
		want := slices.DeleteFunc(first, func(id string) bool { return !slices.Contains(s.ids, id) })
		var got []string
		for i := range seen {
			id := seen[i]
			if w.Backward {
				id = seen[len(seen)-1-i]
			}
			if survives(id) && !slices.Contains(got, id) {
				got = append(got, id)
			}
		}
		if w.Backward {
			slices.Reverse(got)
		}
		if diff := cmp.Diff(append([]string(nil), want...), got); diff != "" {
			t.Fatalf("rows that lived through the walk (-want +got):\n%s", diff)
		}
	})
}

func TestSearchForAnchor(t *testing.T) {
	t.Parallel()
	const k = 30_000
	for name, test := range map[string]struct {
		moved    int // rows inserted before the anchor; negative: removed
		gone     bool
		fetches  int
		whole    bool // the window takes the whole list
		position int  // where the next row is expected
	}{
		"in its place":               {0, false, 1, false, k + 1},
		"one row on":                 {1, false, 1, false, k + 2},
		"two rows back":              {-2, false, 1, false, k - 1},
		"twenty rows back":           {-20, false, 2, false, k - 19},
		"in hand without its window": {20, false, 2, false, k + 21},
		"nearby":                     {300, false, 2, false, k + 301},
		"nearby, before":             {-300, false, 2, false, k - 299},
		"far away":                   {9_900, false, 2, true, k + 9_901},
		"far away, before":           {-9_900, false, 2, true, k - 9_899},
		"gone":                       {0, true, 1, false, k},
		"gone and nearby":            {300, true, 2, false, k + 300},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(50_000, 20_000)
			after := s.cursor(k)
			if test.gone {
				s.ids = slices.Delete(s.ids, k, k+1)
			}
			if test.moved < 0 {
				s.ids = slices.Delete(s.ids, 0, -test.moved)
			} else {
				s.ids = slices.Concat(newIDs(test.moved), s.ids)
			}
			r := s.read(t, pagination.Window{List: plain, Size: 37, After: after}, true)
			if diff := cmp.Diff(s.ids[test.position:test.position+37], r.Rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if got := r.Cursor(0).Ordinal; got != test.position {
				t.Errorf("ordinal %d, want %d", got, test.position)
			}
			if len(s.plans) != test.fetches || s.whole != test.whole {
				t.Errorf("%d fetches, whole list %v, want %d, %v: %v", len(s.plans), s.whole, test.fetches, test.whole, s.plans)
			}
		})
	}
}

func newIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("new-%d", i)
	}
	return ids
}
