package oracle

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// moment returns the time of a page.
func (w world) moment(page int) string {
	return w.when.Sent.Add(time.Duration(page) * 10 * time.Millisecond).Format(time.RFC3339Nano)
}

// walk returns a walk that met pages of leads.
func (w world) walk(q Query, pages ...[]string) *Walk {
	way := &Walk{Window: Window{Query: q, Size: 10}, Begun: w.when.Sent}
	for number, ids := range pages {
		way.Advance(w.met(number, ids))
	}
	return way
}

// met returns a page of leads of which only the ids count.
func (w world) met(number int, ids []string) Object {
	edges := []any{}
	for _, id := range ids {
		edges = append(edges, Object{"cursor": id, "node": Object{"id": id}})
	}
	info := Object{}
	if len(ids) > 0 {
		info = Object{"startCursor": ids[0], "endCursor": ids[len(ids)-1]}
	}
	return Object{"edges": edges, "asOf": w.moment(number), "pageInfo": info}
}

func inPages(ids []string, size int) [][]string { return slices.Collect(slices.Chunk(ids, size)) }

// edited returns a row with other members.
func edited(t *testing.T, r *Row, members Object) *Row {
	t.Helper()
	all := maps.Clone(r.Raw)
	maps.Copy(all, members)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewRow(text)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// TestWrongWalksAreNoticed plants every broken promise in walks through a list that
// changes while they are under way.
func TestWrongWalksAreNoticed(t *testing.T) {
	t.Parallel()
	byTime := Query{Field: "LAST_MODIFIED_ON"}
	const ten, twenty = 10, 20 // places of leads that change
	edit := func(at int) func(*testing.T, []*Row) []*Row {
		return func(t *testing.T, rows []*Row) []*Row {
			t.Helper()
			rows[at] = edited(t, rows[at], Object{"lastModifiedOn": "2030-01-01T00:00:00Z"})
			return rows
		}
	}
	remove := func(_ *testing.T, rows []*Row) []*Row { return slices.Delete(rows, ten-1, ten) }
	toFront := func(_ *testing.T, rows []*Row) []*Row {
		moved := rows[twenty]
		return slices.Insert(slices.Delete(rows, twenty, twenty+1), 0, moved)
	}
	without := func(ids []string, at int) []string { return slices.Delete(slices.Clone(ids), at, at+1) }
	again := func(ids []string, at int) []string { return slices.Insert(slices.Clone(ids), at, ids[at]) }
	for name, test := range map[string]struct {
		query   Query
		change  func(*testing.T, []*Row) []*Row
		met     func(ids []string) []string // of those that the first version has
		lost    int
		twice   int
		repeats int
		passed  int
	}{
		"right":                               {met: slices.Clone[[]string]},
		"one is lost":                         {met: func(ids []string) []string { return without(ids, 50) }, lost: 1},
		"one is repeated":                     {met: func(ids []string) []string { return again(ids, 50) }, twice: 1},
		"sorted, one is lost":                 {query: byTime, met: func(ids []string) []string { return without(ids, 50) }, lost: 1},
		"sorted, another is edited":           {query: byTime, change: edit(3), met: func(ids []string) []string { return without(ids, 50) }, lost: 1},
		"sorted, repeated after an edit":      {query: byTime, change: edit(3), met: func(ids []string) []string { return again(ids, 50) }, twice: 1},
		"an edit does not move a lead":        {change: edit(50), met: func(ids []string) []string { return without(ids, 50) }, lost: 1},
		"a cursor's lead goes":                {change: remove, met: slices.Clone[[]string]},
		"a cursor's lead goes, one is lost":   {change: remove, met: func(ids []string) []string { return without(ids, 10) }, lost: 1},
		"a cursor's lead goes, one comes":     {change: remove, met: func(ids []string) []string { return again(ids, 12) }, repeats: 1},
		"sorted, a lead goes, one is again":   {query: byTime, change: remove, met: func(ids []string) []string { return again(ids, 50) }, twice: 1},
		"a lead moves and is not met":         {change: toFront, met: func(ids []string) []string { return without(ids, twenty) }, passed: 1},
		"a lead that is passed is not met":    {change: toFront, met: func(ids []string) []string { return without(ids, 5) }, passed: 1},
		"a lead moves, another is lost":       {change: toFront, met: func(ids []string) []string { return without(ids, 50) }, lost: 1},
		"only what matches counts, one lacks": {query: active, met: func(ids []string) []string { return without(ids, 5) }, lost: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ids := idsOf(test.query.all(w.current()))
			if test.change != nil {
				w.changeAt(t, w.when.Sent.Add(5*time.Millisecond), test.change)
			}
			got := w.JudgeWalk(w.walk(test.query, inPages(test.met(ids), 10)...), w.when.Answered)
			if len(got.Lost) != test.lost || len(got.Twice) != test.twice || got.Repeats != test.repeats || got.Passed != test.passed || got.Back != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

var active = Query{Filter: Object{"status": "ACTIVE"}, Matches: func(r *Row) bool { return r.Status == "ACTIVE" }}

// changeAt changes the list at a time.
func (w world) changeAt(t *testing.T, at time.Time, change func(*testing.T, []*Row) []*Row) {
	t.Helper()
	if err := w.Change(func(rows []*Row) ([]*Row, error) { return change(t, slices.Clone(rows)), nil }); err != nil {
		t.Fatal(err)
	}
	n := len(w.versions)
	w.versions[n-2].until, w.versions[n-1].from = at, at
}

func TestSortedWalksMayMissEditedLeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byTime := Query{Field: "LAST_MODIFIED_ON"}
	sorted := byTime.all(w.current())
	w.changeAt(t, w.when.Sent.Add(5*time.Millisecond), func(t *testing.T, rows []*Row) []*Row {
		t.Helper()
		at := slices.Index(rows, sorted[50])
		rows[at] = edited(t, rows[at], Object{"lastModifiedOn": "2001-01-01T00:00:00Z"})
		return rows
	})
	ids := idsOf(sorted)
	if got := w.JudgeWalk(w.walk(byTime, inPages(slices.Delete(ids, 50, 51), 10)...), w.when.Answered); !got.Right() || got.Leads != 119 {
		t.Errorf("%+v", got)
	}
}

func TestWalksThatGoBackInTimeAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	way := w.walk(Query{}, inPages(idsOf(w.current().rows), 10)...)
	way.asOf[7] = way.asOf[6].Add(-time.Millisecond)
	if got := w.JudgeWalk(way, w.when.Answered); !strings.HasSuffix(got.Back, "at page 8") || got.Right() {
		t.Errorf("%+v", got)
	}
}

func TestUnendingWalksAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := idsOf(w.current().rows[:10])
	way := w.walk(Query{})
	for number := range 1000 {
		way.Advance(w.met(number, page))
		if w.Overdue(way) {
			if number < 2*12 {
				t.Errorf("a walk of %d pages is taken for unending", number)
			}
			return
		}
	}
	t.Error("not noticed")
}

// TestContradictionsAreNoticed shows one lead through several fields.
func TestContradictionsAreNoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.current().rows[0]
	is := w.truth(t, w.everything.expect(r.Raw))
	was := strings.Replace(is, `"status":"`, `"status":"NOT_`, 1)
	for name, test := range map[string]struct {
		lead, list, node, page string
		fine                   bool
	}{
		"the same everywhere":        {is, is, is, is, true},
		"nowhere":                    {"null", "", "null", "", true},
		"not on the page":            {is, is, is, "", true},
		"the lead differs":           {was, is, is, is, false},
		"the list differs":           {is, was, is, is, false},
		"the node differs":           {is, is, was, is, false},
		"the page differs":           {is, is, is, was, false},
		"the node is null":           {is, is, "null", "", false},
		"only the page shows a node": {"null", "", "null", is, false},
		"the list is empty":          {is, "", is, "", false},
		"the lead is null":           {"null", is, is, "", false},
	} {
		a := says(t, "lead", test.lead+`,"list":[[`+test.list+`]],"node":`+test.node+`,"page":{"nodes":[`+test.page+`]}`)
		wrong := w.Judge(w.when, a, ages, func(j *Judge) { j.Agree("lead", "list", "node", r.ID) })
		if (wrong == nil) != test.fine {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

// TestPageInfoIsJudgedUnlessTheListHasChanged asks for the page after a lead that
// was moved.
func TestPageInfoIsJudgedUnlessTheListHasChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := w.current().rows
	window := Window{Size: 10, Selected: w.everything, Cursor: "c", Anchor: rows[9].ID, Since: w.when.Sent.Add(-time.Second), Count: true, Next: true}
	lie := w.truth(t, w.page(rows[10:20], len(rows), false, true))
	far := w.truth(t, w.page(rows[40:50], len(rows), true, true))
	p := Page("leads", window, nil)
	w.refuse(t, p, map[string]string{"hasNextPage is wrong": lie, "the page is elsewhere": far})
	w.changeAt(t, w.when.Sent.Add(-time.Millisecond), func(_ *testing.T, rows []*Row) []*Row {
		moved := rows[9]
		return append(slices.Delete(rows, 9, 10), moved)
	})
	now := w.current().rows
	w.accept(t, p, w.truth(t, w.page(now[40:50], len(now), true, true)))
	w.refuse(t, p, map[string]string{"the leads are not consecutive": w.truth(t, w.page(append(slices.Clone(now[40:49]), now[60]), len(now), true, true))})
}
