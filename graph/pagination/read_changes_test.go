package pagination_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leadgraph/graph/pagination"
	"leadgraph/lead"
)

// The list changes while the pages of a window are read: once, so that they are read
// again, or each time, so that the whole list is needed.
func TestRowsShiftWhileRead(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(ids []string) []string{
		"insert": func(ids []string) []string { return slices.Insert(ids, 0, fmt.Sprintf("new-%d", len(ids))) },
		"delete": func(ids []string) []string { return slices.Delete(ids, 3, 4) },
	} {
		for _, times := range []int{1, 100} {
			s := newServer(200, 20)
			w := pagination.Window{List: plain, Size: 50, After: s.cursor(50)}
			want := slices.Clone(s.ids[51:101])
			changes := 0
			s.between = func() {
				if changes++; changes <= times {
					s.ids = change(s.ids)
				}
			}
			r := s.read(t, w, false)
			if diff := cmp.Diff(want, r.Rows); diff != "" || s.whole != (times > 1) || len(s.plans) != 2 {
				t.Errorf("%d times %s: whole list %v, plans %v (-want +got):\n%s", times, name, s.whole, s.plans, diff)
			}
		}
	}
}

// Nothing is left of the rows around the cursor. Rather than pass over rows, the walk
// begins again.
func TestEndOfShrunkList(t *testing.T) {
	t.Parallel()
	s := newServer(20_000, 20_000)
	last := s.cursor(19_999)
	s.ids = s.ids[:100]
	r := s.read(t, pagination.Window{List: plain, Size: 10, After: last}, true)
	if diff := cmp.Diff(s.ids[:10], r.Rows); diff != "" || !r.HasNextPage {
		t.Errorf("forward: next page %v (-want +got):\n%s", r.HasNextPage, diff)
	}
	r = s.read(t, pagination.Window{List: plain, Size: 10, Backward: true, Before: last}, true)
	if diff := cmp.Diff(s.ids[90:], r.Rows); diff != "" {
		t.Errorf("backward (-want +got):\n%s", diff)
	}
}

func TestBoundMovesWithTheList(t *testing.T) {
	t.Parallel()
	s := newServer(100, 20_000)
	w := pagination.Window{List: plain, Size: 10, After: s.cursor(50), Before: s.cursor(55)}
	want := slices.Clone(s.ids[51:55])

	s.ids = slices.Concat(newIDs(7), s.ids)
	if diff := cmp.Diff(want, s.read(t, w, true).Rows); diff != "" {
		t.Errorf("both moved (-want +got):\n%s", diff)
	}
	s.ids = slices.Delete(s.ids, 62, 63) // the bound, moved from 55
	r := s.read(t, w, true)
	if diff := cmp.Diff(want, r.Rows); diff != "" {
		t.Errorf("bound gone (-want +got):\n%s", diff)
	}
	w.After = r.EndCursor()
	if r = s.read(t, w, true); len(r.Rows) > 0 && r.Rows[0] != "lead-56" || r.HasNextPage && len(r.Rows) == 0 {
		t.Errorf("after the bound %+v", see(r))
	}
}

func TestReadFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	source := pagination.Source[string]{
		MaxSize: func() int { return 100 },
		Cut:     func(error) bool { return false },
		Hash:    lead.AnchorHash[string],
		Fetch:   func([]pagination.Page) ([][]string, error) { return nil, broken },
	}
	if _, err := source.Read(pagination.Window{Size: 10}, pagination.Wants{Next: true, Cursors: true}); !errors.Is(err, broken) {
		t.Errorf("without a cursor: %v", err)
	}
	if _, err := source.Read(pagination.Window{Size: 10, After: &pagination.Cursor{}}, pagination.Wants{Next: true, Cursors: true}); !errors.Is(err, broken) {
		t.Errorf("with a cursor: %v", err)
	}
	_, err := source.Read(pagination.Window{Size: 10, Backward: true}, pagination.Wants{Next: true, Cursors: true})
	var refused *pagination.ArgumentError
	if !errors.As(err, &refused) || err.Error() != "last: requires before" {
		t.Errorf("from the end: %v", err)
	}
	if _, err := source.Read(pagination.Window{Size: 100 * pagination.MaxPages}, pagination.Wants{Next: true, Cursors: true}); !errors.Is(err, pagination.ErrNeedsWhole) {
		t.Errorf("more rows than the pages hold: %v", err)
	}
}

func TestNothingWantedFetchesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(10, 100)
	if r := s.read(t, pagination.Window{List: plain}, false); len(r.Rows) != 0 || len(s.plans) != 0 {
		t.Errorf("%d rows from %v", len(r.Rows), s.plans)
	}
}
