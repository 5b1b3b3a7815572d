package upstream

import (
	"context"
	"log/slog"

	"leadgraph/lead"
)

// Walk is the result of reading all pages.
type Walk struct {
	// Leads are all leads read, each id once, in the platform's order.
	Leads []*lead.Lead
	// Complete is false when the walk stopped without having seen the end of the
	// list. Leads must then not pass for all leads.
	Complete bool
	// Calls is the number of pages asked for, retries aside.
	Calls int
}

// AllLeads reads page after page of size leads, or of Options.PageSize if size
// is 0, until the list ends. It is sequential, because only the page before
// tells whether there is another. On an error no lead is returned.
//
// Leads that come or go during the walk can be missed: the API offers no
// snapshot.
func (c *Client) AllLeads(ctx context.Context, size int) (Walk, error) {
	if size == 0 {
		size = c.opts.PageSize
	}
	var w Walk
	seen := map[string]struct{}{}
	firstPage := 0 // Rows of the first page
	for page := range c.opts.MaxPages {
		q, err := c.page(page, size)
		if err != nil {
			return Walk{}, err
		}
		rows, err := collect(ctx, c, leadList, q, lead.AllFields, loosely(size))
		w.Calls++
		if err != nil {
			return Walk{Calls: w.Calls}, err
		}
		known := len(w.Leads)
		for _, l := range rows {
			if _, ok := seen[l.ID]; !ok {
				seen[l.ID] = struct{}{}
				w.Leads = append(w.Leads, l)
			}
		}
		if page == 0 {
			firstPage = len(rows)
		}
		if len(w.Leads) > c.opts.MaxLeads {
			break
		}
		// A short page is no end: the platform may ignore the size.
		if len(w.Leads) > known || c.maybeOneBased(page, len(rows)) {
			continue
		}
		// The same full page for ever means that the page number is ignored.
		w.Complete = len(rows) == 0 || len(w.Leads) > firstPage || firstPage < size
		break
	}
	if !w.Complete {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "not all leads could be read",
			slog.Int("leads", len(w.Leads)), slog.Int("pages", w.Calls))
	}
	return w, nil
}

// maybeOneBased tells whether a page without a new lead may be the doing of a
// platform that counts from 1: its page 0 can be empty or the same as page 1.
func (c *Client) maybeOneBased(page, rows int) bool {
	return c.opts.FirstPage == 0 && (page == 0 || page == 1 && rows > 0)
}
