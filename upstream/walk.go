package upstream

import (
	"context"
	"log/slog"
	"reflect"
	"slices"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

// Walk is the result of reading all pages.
type Walk struct {
	// Leads are the leads that were read, in the platform's order. Each id occurs
	// once.
	Leads []*lead.Lead
	// Unreadable is the number of rows that could not be read.
	Unreadable int
	// Conflicts is the number of rows that share their id with an earlier one but
	// differ from it, which is the one that counts.
	Conflicts int
	// Complete is false if the walk stopped before the end of the list. Leads must
	// then not be taken for all leads.
	Complete bool
	// Changed reports whether the list was seen to change between two pages. A lead
	// that was there throughout may then be missing.
	Changed bool
	// Pages is the number of pages with new rows. One page shows the list at one
	// moment, several pages do not.
	Pages int
	// Calls is the number of pages requested, not counting retries.
	Calls int
}

// AllLeads reads pages of size leads until the list ends. If size is 0 it uses
// Options.PageSize. It reads one page after the other, because only a page shows
// whether there is another one. If it returns an error, it returns no leads.
//
// The first page shows how many leads the platform puts on a page of this size. If
// they are fewer, although the list goes on, the walk begins again. If they are as few
// again, the platform cuts pages, and the walk goes on with pages of so many leads. It
// ends only at a page without a new lead, or at one that the platform refuses because it
// lies past the end.
//
// Each page begins before the end of what has been read. If its first rows are not
// those that were read there, the list has changed: AllLeads then steps back until it
// meets rows that it has read, so that no lead is passed over.
func (c *Client) AllLeads(ctx context.Context, size int) (Walk, error) {
	return c.AllLeadsAgain(ctx, size, Again{})
}

// Again is what a caller that reads all leads repeatedly does meanwhile.
type Again struct {
	// Known returns the lead that had an id when it was read before, or nil. A lead that
	// still has the same values shares its memory; see lead.Renewed. Known leads are not
	// changed. Nil means that none is known.
	Known func(id string) *lead.Lead
	// Rest is called every few µs of work, to let others have the processor. Nil means
	// that the reading does not rest.
	Rest func()
}

// AllLeadsAgain is AllLeads for a caller that may have read the leads before.
func (c *Client) AllLeadsAgain(ctx context.Context, size int, again Again) (Walk, error) {
	if again.Known == nil {
		again.Known = func(string) *lead.Lead { return nil }
	}
	if again.Rest == nil {
		again.Rest = func() {}
	}
	if size == 0 {
		size = c.opts.PageSize
	}
	if most := c.facts.accepted(); most > 0 {
		size = min(size, most)
	}
	calls, suspect := 0, 0
	for try := 1; ; try++ {
		w := &walk{client: c, caller: again, asked: size, suspect: suspect, last: try == walkTries, seen: map[string]entry{}, holes: map[hole]struct{}{}}
		err := w.run(ctx)
		calls += w.Calls
		w.Calls = calls
		if err != nil && w.Pages == 0 && !w.last && isPast(err) && c.refusesSize(ctx, size) {
			size = min(size, c.facts.known().Cap)
			continue
		}
		switch {
		case err == nil && w.again && !w.last:
			suspect = w.suspect
			continue
		case err == nil && w.disordered:
			c.reportDisorder(ctx)
		}
		c.reportConflicts(ctx, w.Conflicts)
		switch {
		case err != nil:
			return Walk{Calls: calls}, err
		case w.Complete && len(w.Leads) == 0 && w.Unreadable > 0: // this is not a platform without leads
			return Walk{Calls: calls}, noneReadable(w.Unreadable)
		case !w.Complete:
			c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "not all leads could be read",
				slog.Int("leads", len(w.Leads)), slog.Int("pages", calls))
		}
		return w.Walk, nil
	}
}

// walkTries is how often a walk begins: again when the size of the platform's pages has
// become known, and once more if it changes meanwhile.
const walkTries = 3

// walk is one try to read all pages. Positions in the list count from zero, and so do
// pages: the platform's number of the first one is added to them.
type walk struct {
	Walk
	client *Client
	caller Again
	asked  int  // the size of the first page
	last   bool // no other try follows
	// suspect is the number of leads at which the platform may cut pages; 0 if none.
	suspect int
	number  int // of the first page
	size    int // the largest that the platform fills in this walk

	seen  map[string]entry
	holes map[hole]struct{}
	clock int // of entries

	// The row at position start+i is tail[i], as far as is known. read is the position
	// after the last one.
	tail        []string
	start, read int

	// fixed is set if the platform ignores the size of pages.
	fixed bool
	// short is set if the last page with new rows was not full.
	short bool
	// again is set if the walk must begin again.
	again bool
	// backs is the number of pages that were read to find rows that had been read.
	backs int
	// disordered is set if rows that were read twice had another order.
	disordered bool
}

// entry is a lead that was read.
type entry struct {
	lead *lead.Lead
	at   int // when it was read last, in rows
}

// hole identifies an unreadable row, which has no id: it is the nth after a row.
type hole struct {
	after string
	nth   int
}

// part is a page of the list.
type part struct{ page, size int }

func (p part) start() int { return p.page * p.size }

// fetch reads a part of the list. A page that the platform refuses because it does not
// exist has no rows; its refusal is returned too.
func (w *walk) fetch(ctx context.Context, p part) (rows []*lead.Lead, refusal, err error) {
	q, err := w.client.pageQuery(p.page, p.size)
	if err != nil {
		return nil, nil, err
	}
	q.page += w.number
	rows, _, err = collectKept(ctx, w.client, leadList, q, reader.Options{Want: lead.AllParts, Max: acceptedLeads(p.size), Known: w.recall})
	w.Calls++
	if isPast(err) {
		return nil, err, nil
	}
	return rows, nil, err
}

// recall returns the lead that was read before, or nil. It is called for each row.
func (w *walk) recall(id string) *lead.Lead {
	w.caller.Rest()
	return w.caller.Known(id)
}

// run reads the first page and then the others.
func (w *walk) run(ctx context.Context) error {
	more, err := w.begin(ctx)
	for more && err == nil && !w.again && w.mayRead() {
		p := w.next()
		var rows []*lead.Lead
		var refusal error
		if rows, refusal, err = w.fetch(ctx, p); err == nil {
			more, err = w.judge(ctx, p, rows, refusal)
		}
	}
	return err
}

// mayRead reports whether the walk may read another page.
func (w *walk) mayRead() bool {
	o := &w.client.opts
	return w.Calls < o.MaxPages && len(w.Leads)+w.Unreadable <= o.MaxLeads
}

// judge takes a page and reports whether to read on.
func (w *walk) judge(ctx context.Context, p part, rows []*lead.Lead, refusal error) (more bool, err error) {
	switch {
	case !w.fixed && len(rows) > p.size:
		if w.fixed = p.page == 1; !w.fixed { // the platform has just begun to ignore the size
			w.again, w.Changed = !w.last, true
			return false, nil
		}
		return w.follow(ctx, rows, refusal)
	case w.fixed || p.start() >= w.read:
		return w.follow(ctx, rows, refusal)
	case w.isSteady(p, rows):
		w.Changed = w.Changed || w.comeBack(rows[w.read-p.start():])
		return w.goOn(p.start(), p.size, rows), nil
	}
	w.Changed = true
	return w.stepBack(ctx, p, rows, refusal)
}

// follow takes a page that begins where the last one ended.
func (w *walk) follow(ctx context.Context, rows []*lead.Lead, refusal error) (more bool, err error) {
	switch {
	case refusal != nil:
		return false, w.refused(ctx, refusal)
	case len(rows) == 0:
		w.ended(ctx, EndEmpty)
		return false, nil
	}
	if known := w.known(rows); known == len(rows) { // the last page repeats
		w.Complete = true
		last := w.tail[max(len(w.tail)-len(rows), 0):]
		w.Changed = w.Changed || !slices.Equal(last, idsOf(rows))
		return false, nil
	} else if known > 0 {
		w.Changed = true
	}
	return w.goOn(w.read, w.size, rows), nil
}

// goOn takes the rows of a page that continues what was read, and reports whether to
// read on. The list ends with a page that is not full and has no new row.
func (w *walk) goOn(start, size int, rows []*lead.Lead) (more bool) {
	fresh := w.add(start, rows)
	switch {
	case fresh == 0 && len(rows) < size:
		w.Complete = true
		w.client.ends.note(w.read, w.lastID())
		return false
	case fresh > 0 && w.short: // the platform has just begun to cut pages, or the list has grown
		w.again = !w.last
	}
	w.short = fresh > 0 && len(rows) < size
	return true
}

// lastID returns the id of the last row that was read, or "".
func (w *walk) lastID() string {
	if len(w.tail) == 0 {
		return ""
	}
	return w.tail[len(w.tail)-1]
}

// add takes the rows of a page that begins at a position, and returns how many of them
// are new.
func (w *walk) add(start int, rows []*lead.Lead) (fresh int) {
	if keep := start - w.start; keep >= 0 && start <= w.read {
		w.tail = w.tail[:keep]
	} else {
		w.start, w.tail = start, w.tail[:0]
	}
	anchored := start == 0
	after, nth := "", 0
	for i := len(w.tail) - 1; i >= 0 && !anchored; i-- { // the holes before the page belong to a row
		if w.tail[i] != "" {
			after, anchored = w.tail[i], true
		} else {
			nth++
		}
	}
	anchored = anchored || w.start == 0
	for _, l := range rows {
		w.caller.Rest()
		if l == nil {
			w.tail = append(w.tail, "")
			nth++
			if _, counted := w.holes[hole{after, nth}]; !counted && anchored {
				w.holes[hole{after, nth}] = struct{}{}
				w.Unreadable++
				fresh++
			}
			continue
		}
		w.tail = append(w.tail, l.ID)
		if after != l.ID {
			after, nth, anchored = l.ID, 0, true
		}
		fresh += w.take(l)
	}
	w.read = w.start + len(w.tail)
	if fresh > 0 {
		w.Pages++
	}
	return fresh
}

// take keeps a lead and returns 1 if it is new.
func (w *walk) take(l *lead.Lead) (fresh int) {
	w.clock++
	known, ok := w.seen[l.ID]
	if !ok {
		w.Leads = append(w.Leads, l)
		w.seen[l.ID] = entry{l, w.clock}
		return 1
	}
	if !reflect.DeepEqual(known.lead, l) {
		w.Conflicts++
	}
	known.at = w.clock
	w.seen[l.ID] = known
	return 0
}

// known returns how many rows have been read. Unreadable ones have if all others have.
func (w *walk) known(rows []*lead.Lead) (known int) {
	holes := 0
	for _, l := range rows {
		w.caller.Rest()
		if l == nil {
			holes++
		} else if _, ok := w.seen[l.ID]; ok {
			known++
		}
	}
	if known > 0 && known+holes == len(rows) {
		known += holes
	}
	return known
}
