package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"

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
// The walk can miss leads that are added or removed meanwhile: the API offers no
// snapshot.
func (c *Client) AllLeads(ctx context.Context, size int) (Walk, error) {
	if size == 0 {
		size = c.opts.PageSize
	}
	var w Walk
	seen := map[string]*lead.Lead{}
	firstRows := 0 // of the first page
	for page := range c.opts.MaxPages {
		q, err := c.pageQuery(page, size)
		if err != nil {
			return Walk{}, err
		}
		rows, err := collect(ctx, c, leadList, q, lead.AllParts, acceptedLeads(size))
		w.Calls++
		if err != nil {
			return Walk{Calls: w.Calls}, err
		}
		fresh := w.add(rows, seen)
		if page == 0 {
			firstRows = len(rows)
		}
		if len(w.Leads)+w.Unreadable > c.opts.MaxLeads {
			break
		}
		// A short page is not the end: the platform may ignore the size.
		if fresh || c.maybeOneBased(page, len(rows)) {
			continue
		}
		// If every page is the same full page, the platform ignores the page number.
		w.Complete = len(rows) == 0 || len(w.Leads)+w.Unreadable > firstRows || firstRows < size
		break
	}
	c.reportConflicts(ctx, w.Conflicts)
	if w.Complete && len(w.Leads) == 0 && w.Unreadable > 0 { // this is not a platform without leads
		return Walk{Calls: w.Calls}, badResponse(http.StatusOK, fmt.Errorf("none of the %d rows could be read", w.Unreadable))
	}
	if !w.Complete {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "not all leads could be read",
			slog.Int("leads", len(w.Leads)), slog.Int("pages", w.Calls))
	}
	return w, nil
}

// add adds the leads of a page that are new, and reports whether there are any. A page
// of unreadable rows alone counts as new: the list may go on after it.
func (w *Walk) add(rows []*lead.Lead, seen map[string]*lead.Lead) bool {
	known, holes := len(w.Leads), 0
	for _, l := range rows {
		if l == nil {
			holes++
			continue
		}
		switch known, ok := seen[l.ID]; {
		case !ok:
			seen[l.ID] = l
			w.Leads = append(w.Leads, l)
		case !reflect.DeepEqual(known, l):
			w.Conflicts++
		}
	}
	fresh := len(w.Leads) > known || holes > 0 && holes == len(rows)
	if fresh { // the unreadable rows of a page that repeats another one have been counted
		w.Unreadable += holes
	}
	return fresh
}

// maybeOneBased reports whether a page without a new lead can be explained by a
// platform that numbers pages from 1. On such a platform page 0 may be empty or
// equal to page 1.
func (c *Client) maybeOneBased(page, rows int) bool {
	return c.opts.FirstPage == 0 && (page == 0 || page == 1 && rows > 0)
}
