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

// TestRowsShiftWhileRead inserts a row at the front after every page that is
// read, so that the second of two pages begins with the row that ended the
// first.
func TestRowsShiftWhileRead(t *testing.T) {
	t.Parallel()
	// Windows that take two pages, the first row being that of the cursor.
	for after, size := range map[int]int{11: 1, 23: 2, 39: 3, 68: 4} {
		s := newServer(100, 20_000)
		w := pagination.Window{List: plain, Size: size, After: s.cursor(after)}
		want := slices.Clone(s.ids[after+1 : after+1+size])
		s.between = func() { s.ids = slices.Insert(s.ids, 0, fmt.Sprintf("new-%d", len(s.ids))) }
		r := s.read(t, w, false)
		if len(s.plans[0]) != 2 {
			t.Errorf("not two pages: %v", s.plans[0])
		}
		if diff := cmp.Diff(want, r.Rows); diff != "" {
			t.Errorf("%d rows after %d (-want +got):\n%s", size, after, diff)
		}
	}
}

func TestEndOfShrunkList(t *testing.T) {
	t.Parallel()
	s := newServer(2000, 20_000)
	last := s.cursor(1999)
	s.ids = s.ids[:100]
	r := s.read(t, pagination.Window{List: plain, Size: 10, After: last}, true)
	want := answer{Previous: true, End: last} // repeats after
	if diff := cmp.Diff(want, see(r)); diff != "" {
		t.Errorf("forward (-want +got):\n%s", diff)
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
		Hash:    lead.AnchorHash,
		Fetch:   func([]pagination.Page) ([][]string, error) { return nil, broken },
	}
	if _, err := source.Read(pagination.Window{Size: 10}, true); !errors.Is(err, broken) {
		t.Errorf("without a cursor: %v", err)
	}
	if _, err := source.Read(pagination.Window{Size: 10, After: &pagination.Cursor{}}, true); !errors.Is(err, broken) {
		t.Errorf("with a cursor: %v", err)
	}
	_, err := source.Read(pagination.Window{Size: 10, Backward: true}, true)
	var refused *pagination.ArgumentError
	if !errors.As(err, &refused) || err.Error() != "last: requires before" {
		t.Errorf("from the end: %v", err)
	}
	if _, err := source.Read(pagination.Window{Size: 100 * pagination.MaxPages}, true); !errors.Is(err, pagination.ErrTooManyPages) {
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
