package upstream

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"

	"leadgraph/lead"
)

// Walk is the result of reading all pages.
type Walk struct {
	// Leads are the leads that were read, in the platform's order. Each id occurs
	// once.
	Leads []*lead.Lead
	// Unreadable is the number of rows that could not be read. A row that is read on
	// two pages, because the list changed, can count twice.
	Unreadable int
	// Conflicts is the number of rows that share their id with an earlier one but
	// differ from it, which is the one that counts.
	Conflicts int
	// Complete is false if the walk stopped before the end of the list. Leads must
	// then not be taken for all leads.
	Complete bool
	// Calls is the number of pages requested, not counting retries.
	Calls int
}

// AllLeads reads pages of size leads until the list ends. If size is 0 it uses
// Options.PageSize. It reads one page after the other, because only a page shows
// whether there is another one. If it returns an error, it returns no leads.
//
// The first page shows how many leads the platform puts on a page of this size. If
// they are fewer, the platform may cut pages, so the walk goes on with pages of just
// so many leads. It ends only at a page without a new lead, or at one that the
// platform refuses because it lies past the end.
//
// The walk can miss leads that are added or removed meanwhile: the API offers no
// snapshot.
func (c *Client) AllLeads(ctx context.Context, size int) (Walk, error) {
	if size == 0 {
		size = c.opts.PageSize
	}
	calls := 0
	for try := 1; ; try++ {
		w := &walk{client: c, asked: size, size: size, seen: map[string]*lead.Lead{}}
		err := w.run(ctx)
		calls += w.Calls
		w.Calls = calls
		c.reportConflicts(ctx, w.Conflicts)
		switch {
		case err != nil:
			return Walk{Calls: calls}, err
		case w.torn && try == 1:
			continue // the platform has just begun to cut pages, or the list has grown
		case w.Complete && len(w.Leads) == 0 && w.Unreadable > 0: // this is not a platform without leads
			return Walk{Calls: calls}, noneReadable(w.Unreadable)
		case !w.Complete:
			c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "not all leads could be read",
				slog.Int("leads", len(w.Leads)), slog.Int("pages", calls))
		}
		return w.Walk, nil
	}
}

// walk is one try to read all pages.
type walk struct {
	Walk
	client *Client
	asked  int // the size of the first page
	size   int // the size of the next page
	seen   map[string]*lead.Lead

	places int // leads on all pages, with those that moved from page to page
	pages  int // pages with leads
	rows   int // leads on the last page with leads
	first  int // leads on the first of them
	// repeats is set if the second page was the first again.
	repeats bool
	// torn is set if a page that was not full was not the last one.
	torn bool
}

func (w *walk) run(ctx context.Context) error {
	c := w.client
	for page := range c.opts.MaxPages {
		q, err := c.pageQuery(page, w.size)
		if err != nil {
			return err
		}
		q.page += c.opts.FirstPage
		rows, err := collect(ctx, c, leadList, q, lead.AllParts, acceptedLeads(w.size))
		w.Calls++
		if err != nil {
			return w.refused(ctx, page, err)
		}
		more, err := w.add(ctx, page, rows)
		if !more || err != nil {
			return err
		}
	}
	return nil
}

// add adds a page and reports whether to read on. A page of unreadable rows alone
// counts as new: the list may go on after it.
func (w *walk) add(ctx context.Context, page int, rows []*lead.Lead) (more bool, err error) {
	known, holes := len(w.Leads), 0
	for _, l := range rows {
		if l == nil {
			holes++
			continue
		}
		switch earlier, ok := w.seen[l.ID]; {
		case !ok:
			w.seen[l.ID] = l
			w.Leads = append(w.Leads, l)
		case !reflect.DeepEqual(earlier, l):
			w.Conflicts++
		}
	}
	fresh := len(w.Leads) > known || holes > 0 && holes == len(rows)
	if fresh { // the unreadable rows of a page that repeats another one have been counted
		w.Unreadable += holes
	}
	switch {
	case len(w.Leads)+w.Unreadable > w.client.opts.MaxLeads:
		return false, nil
	case fresh:
		return w.goOn(ctx, page, len(rows)), nil
	case w.maybeOneBased(page, len(rows)):
		w.repeats = page == 1
		return true, nil
	}
	return false, w.end(ctx, len(rows))
}

// goOn takes note of a page with new leads and reports whether to read on.
func (w *walk) goOn(ctx context.Context, page, rows int) bool {
	facts := w.client.facts
	if w.pages > 0 && w.rows < w.size {
		w.torn = true
		return false
	}
	if w.client.opts.FirstPage == 0 && page > 0 && w.pages <= 1 {
		switch {
		case w.pages == 0:
			facts.startsAt(ctx, 1, false)
		case w.repeats:
			facts.startsAt(ctx, 1, true)
		case page == 1:
			facts.startsAt(ctx, 0, true)
		}
	}
	w.pages++
	w.places += rows
	w.rows = rows
	if w.pages == 1 {
		w.first, w.size = rows, min(rows, MaxPageSize)
	} else if w.pages == 2 && w.first < w.asked && rows == w.first {
		facts.cuts(ctx, w.first)
	}
	return true
}

// end decides whether a page without a new lead is the end of the list.
func (w *walk) end(ctx context.Context, rows int) error {
	if rows == 0 {
		w.ended(ctx, EndEmpty)
		return nil
	}
	if w.pages > 1 { // the last page repeats
		w.Complete = true
		return nil
	}
	// Every page is the first. Either it is the only one, or the platform ignores
	// the page number.
	honoured, err := w.honoursNumber(ctx)
	w.Complete = err == nil && w.first < w.asked && honoured
	return err
}

// honoursNumber reports whether the second half of the only page is a page.
func (w *walk) honoursNumber(ctx context.Context) (bool, error) {
	if w.first >= w.asked || w.first < 2 {
		return true, nil
	}
	half := (w.first + 1) / 2
	q := query{page: 1 + w.client.opts.FirstPage, size: half}
	rows, err := collect(ctx, w.client, leadList, q, 0, acceptedLeads(half))
	w.Calls++
	first := slices.IndexFunc(rows, func(l *lead.Lead) bool { return l != nil })
	if err != nil || first < 0 || len(w.Leads) == 0 {
		return false, err
	}
	return rows[first].ID != w.Leads[0].ID, nil
}

// refused decides whether a page was refused because it lies past the end. If not, it
// returns the error.
func (w *walk) refused(ctx context.Context, page int, refusal error) error {
	if page == 0 || !isPast(refusal) {
		return refusal
	}
	// A page after one that was not full cannot exist. After a full one, the platform
	// may refuse to go on for another reason.
	short := w.rows < w.size || w.pages == 1 && w.first < w.asked
	if !short && w.pages > 0 {
		w.Calls++
		if !w.client.provesEnd(ctx, w.places) {
			return refusal
		}
	}
	source, _ := errors.AsType[*lead.SourceError](refusal)
	w.ended(ctx, statusEnd(source.Status))
	return nil
}

// ended notes that the list has ended and how.
func (w *walk) ended(ctx context.Context, how string) {
	c := w.client
	w.Complete = true
	c.ends.note(w.places)
	if w.places == 0 {
		return
	}
	if c.opts.FirstPage == 0 && w.pages == 1 {
		switch {
		case w.repeats:
			c.facts.startsAt(ctx, 1, true)
		case c.facts.hasPageZero():
			c.facts.startsAt(ctx, 0, true)
		}
	}
	c.facts.endsWith(ctx, how)
}

// maybeOneBased reports whether a page without a new lead can be explained by a
// platform that numbers pages from 1. On such a platform page 0 may be empty or
// equal to page 1.
func (w *walk) maybeOneBased(page, rows int) bool {
	return w.client.opts.FirstPage == 0 && (page == 0 || page == 1 && rows > 0)
}
