package walks

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"leadgraph/internal/apptest"
)

// page is an answered page.
type page struct {
	size           int // as asked
	ids            []string
	start, end     string // cursors
	next, previous *bool  // nil if not selected
	total          *int   // nil if not selected
	asOf           time.Time
}

// walk is one walk of a client through a list.
type walk struct {
	rig                             *rig
	world                           *world
	dice                            *rand.Rand
	count                           count
	backward, edges, next, previous bool
	size                            int // 0: another size for each page
	still                           bool
	changes                         int // still to come
	restarts                        bool
	pages                           []page
}

// count says which pages select totalCount.
type count int

const (
	never count = iota
	always
	sometimes
)

// newWalk fills the platform and lets the servers read it, some of them before more
// changes than others.
func newWalk(r *rig, k kind, dice *rand.Rand) *walk {
	flip := func() bool { return dice.IntN(2) == 0 }
	w := &walk{
		rig: r, dice: dice, count: k.count, backward: flip(), edges: flip(), next: flip(), previous: flip(),
		size: 1 + dice.IntN(7), still: dice.IntN(4) == 0, changes: dice.IntN(1 + dice.IntN(25)), restarts: dice.IntN(8) == 0,
	}
	if dice.IntN(4) == 0 {
		w.size = 0
	}
	r.world.Store(nil)
	for replica := range r.replicas {
		r.refresh(replica) // so that none still reads the leads of the walk before
	}
	w.world = newWorld(r.t, k.list(dice), r.platform, dice)
	for _, replica := range dice.Perm(len(r.replicas)) {
		if dice.IntN(8) > 0 {
			r.refresh(replica)
			w.world.note("server %d reads the catalogue", replica)
		}
		for range dice.IntN(8) - 5 {
			w.world.change(dice, nil, "")
		}
	}
	r.world.Store(w.world)
	return w
}

// run walks to the end and returns what broke the guarantee.
func (w *walk) run() []fault {
	var cursor string
	for limit := -1; limit < 0 || len(w.pages) < limit; {
		p, broken := w.ask(cursor)
		if broken != nil {
			return []fault{*broken}
		}
		w.pages = append(w.pages, p)
		if cursor = p.end; w.backward {
			cursor = p.start
		}
		more := p.next
		if w.backward {
			more = p.previous
		}
		if more == nil && len(p.ids) < p.size || more != nil && !*more {
			return w.judge()
		}
		w.disturb(p)
		limit = w.limit()
	}
	return []fault{{"unending", fmt.Sprintf("not at the end after %d pages", len(w.pages))}}
}

// limit returns a number of pages that no walk needs.
func (w *walk) limit() int {
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	const changes = 25
	rows := len(w.world.all) + 3*changes // an edit makes up to three leads come once more
	if !w.world.list.sorted() {
		rows += 70 * changes // a change repeats no more rows than the anchors' reach
	}
	return 10 + rows/max(w.size, 1)
}

// disturb does to the platform and to the servers what may happen between two pages.
func (w *walk) disturb(p page) {
	ids := slices.Clone(p.ids)
	if !w.backward {
		slices.Reverse(ids) // the cursor's lead first
	}
	w.world.arm(nil, 0, nil)
	if w.dice.IntN(10) == 0 {
		replica := w.dice.IntN(len(w.rig.replicas))
		w.rig.refresh(replica)
		w.world.note("    server %d reads the catalogue", replica)
	}
	if w.restarts && w.dice.IntN(8) == 0 {
		replica := w.dice.IntN(len(w.rig.replicas))
		w.rig.restart(replica)
		w.world.note("    server %d restarts", replica)
	}
	if w.still {
		return
	}
	for range w.dice.IntN(6) - 2 {
		if w.changes--; w.changes >= 0 {
			w.world.change(w.dice, ids, "")
		}
	}
	if w.dice.IntN(6) == 0 && w.changes > 0 {
		w.changes--
		w.world.arm(rand.New(rand.NewPCG(w.dice.Uint64(), 0)), 1+w.dice.IntN(3), ids)
	}
}

// ask asks a random server for the page at a cursor.
func (w *walk) ask(cursor string) (page, *fault) {
	size, replica := w.size, w.dice.IntN(len(w.rig.replicas))
	if size == 0 {
		size = 1 + w.dice.IntN(7)
	}
	counted := w.count == always || w.count == sometimes && w.dice.IntN(2) == 0
	variables := w.world.list.variables()
	count, place := "first", "after"
	if w.backward {
		count, place = "last", "before"
	}
	variables[count] = size
	if cursor != "" {
		variables[place] = cursor
	}
	var headers []string
	if w.dice.IntN(10) == 0 {
		headers = []string{"Cache-Control", "no-cache"}
	}
	a := w.rig.ask(replica, w.document(counted), variables, headers...)
	p, err := readPage(a)
	p.size = size
	line := fmt.Sprintf("server %d, %s %d, %s %s", replica, count, size, place, w.cursorLabel())
	if headers != nil {
		line += ", no-cache"
	}
	if counted {
		line += ", counted"
	}
	if err != nil {
		w.world.note("%s: %s", line, a.Body)
		return p, &fault{"error", fmt.Sprintf("%v\nthe server's log:\n%s", err, w.rig.replicas[replica].Log)}
	}
	w.world.note("%s: %s", line, w.describe(p))
	return p, nil
}

func (w *walk) cursorLabel() string {
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	for _, p := range slices.Backward(w.pages) {
		if len(p.ids) > 0 && w.backward {
			return w.world.label(p.ids[0])
		} else if len(p.ids) > 0 {
			return w.world.label(p.ids[len(p.ids)-1])
		}
	}
	return "nothing"
}

func (w *walk) describe(p page) string {
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	var words []string
	for _, id := range p.ids {
		words = append(words, w.world.label(id))
	}
	if p.next != nil {
		words = append(words, fmt.Sprintf("hasNextPage=%t", *p.next))
	}
	if p.previous != nil {
		words = append(words, fmt.Sprintf("hasPreviousPage=%t", *p.previous))
	}
	if p.total != nil {
		words = append(words, fmt.Sprintf("totalCount=%d", *p.total))
	}
	return strings.Join(append(words, "asOf "+p.asOf.Format("05.000000")), " ")
}

// document returns the query with the fields that this walk selects.
func (w *walk) document(counted bool) string {
	var b strings.Builder
	b.WriteString(`query ($first: Int, $after: Cursor, $last: Int, $before: Cursor, $filter: LeadFilter, $orderBy: [LeadOrder!]) {
leads(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) { asOf `)
	if w.edges {
		b.WriteString(`edges { cursor node { id } } `)
	} else {
		b.WriteString(`nodes { id } `)
	}
	b.WriteString(`pageInfo { startCursor endCursor `)
	if w.next {
		b.WriteString(`hasNextPage `)
	}
	if w.previous {
		b.WriteString(`hasPreviousPage `)
	}
	b.WriteString(`} `)
	if counted {
		b.WriteString(`totalCount `)
	}
	b.WriteString(`} }`)
	return b.String()
}

func (l list) variables() map[string]any {
	variables, filter := map[string]any{}, map[string]any{}
	var orders []map[string]any
	for by := &l; by != nil && by.field != ""; by = by.then {
		direction := "ASC"
		if by.descending {
			direction = "DESC"
		}
		orders = append(orders, map[string]any{"field": by.field, "direction": direction})
	}
	variables["orderBy"] = orders
	if l.status != "" {
		filter["status"] = []string{l.status}
	}
	if l.search != "" {
		filter["search"] = l.search
	}
	if l.tenants != nil {
		filter["tenantId"] = l.tenants
	}
	if len(filter) > 0 {
		variables["filter"] = filter
	}
	return variables
}

func readPage(a apptest.Answer) (page, error) {
	type node struct{ ID string }
	var data struct {
		Leads *struct {
			Edges []struct {
				Cursor string
				Node   node
			}
			Nodes    []node
			PageInfo struct {
				StartCursor, EndCursor       string
				HasNextPage, HasPreviousPage *bool
			}
			TotalCount *int
			AsOf       time.Time
		}
	}
	if len(a.Errors) > 0 {
		return page{}, fmt.Errorf("errors: %+v", a.Errors)
	}
	if err := json.Unmarshal(a.Data, &data); err != nil || data.Leads == nil {
		return page{}, fmt.Errorf("status %d without leads: %w", a.Status, err)
	}
	l := data.Leads
	p := page{next: l.PageInfo.HasNextPage, previous: l.PageInfo.HasPreviousPage, total: l.TotalCount, asOf: l.AsOf}
	p.start, p.end = l.PageInfo.StartCursor, l.PageInfo.EndCursor
	for _, n := range l.Nodes {
		p.ids = append(p.ids, n.ID)
	}
	for _, e := range l.Edges {
		p.ids = append(p.ids, e.Node.ID)
	}
	if n := len(l.Edges); n > 0 && (l.Edges[0].Cursor != p.start || l.Edges[n-1].Cursor != p.end) {
		return p, fmt.Errorf("pageInfo has other cursors than the edges")
	}
	return p, nil
}
