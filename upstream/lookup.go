package upstream

import (
	"context"
	"errors"
	"strings"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

// lookupSize is the page size of a tenant lookup; Options.PageSize does not apply. A
// tenant has one or two leads [TRG], but other pages are read if there are more.
const lookupSize = DefaultPageSize

// LeadsByTenant returns the leads of one tenant in the platform's order. For a
// tenant that the platform does not know it returns none. The case of the id does
// not matter. With checkOnline the platform asks Microsoft if it has no record
// itself, and stores the result [GAL]; such a read is not retried.
//
// The endpoint is GET /api/v2/oc/lead with the tenant filter [GSL].
func (c *Client) LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error) {
	if strings.TrimSpace(tenantID) == "" {
		// Without a filter the platform would return the leads of all tenants.
		return nil, rejected("no tenant id")
	}
	first, err := c.firstPage(ctx, false)
	if err != nil {
		return nil, err
	}
	q := query{tenant: tenantID, page: first, size: lookupSize, online: checkOnline}
	found, err := c.ofTenant(ctx, q)
	if err != nil || len(found) > 0 || c.opts.FirstPage > 0 || c.facts.hasPageZero() {
		return found, err
	}
	// The platform may number pages otherwise and return nothing for this page. If it
	// asked Microsoft, it has stored the result by now and need not ask again.
	q.online = false
	_, err = c.otherFirst(ctx, q, func(q query) (page, error) {
		found, err = c.ofTenant(ctx, q)
		return page{rows: len(found)}, err
	})
	return found, err
}

// ofTenant reads the leads of a tenant from its first page on. Several calls do not show
// one moment: they are made again until two readings have the same leads, or three times.
// Then those of the last two count.
func (c *Client) ofTenant(ctx context.Context, q query) ([]*lead.Lead, error) {
	last, pages, err := c.pagesOfTenant(ctx, q)
	found := last
	for try := 1; err == nil && pages > 1 && try < walkTries; try++ {
		before := last
		q.online, q.again = false, true
		if last, pages, err = c.pagesOfTenant(ctx, q); err != nil {
			break
		}
		var gone int
		if found, gone = join(last, before); gone == 0 && len(last) == len(before) {
			break
		}
	}
	return found, err
}

// pagesOfTenant reads the pages of a tenant once, and returns how many it asked for.
func (c *Client) pagesOfTenant(ctx context.Context, q query) (found []*lead.Lead, pages int, err error) {
	found, rows, err := c.pageOfTenant(ctx, q)
	pages = 1
	if err != nil || !c.mayBeCut(rows) {
		return found, pages, err
	}
	if first, failure := c.firstPage(ctx, true); failure == nil {
		q.page = first
	}
	if !c.mayBeCut(rows) { // larger pages were filled to determine the first one
		return found, pages, nil
	}
	q.online, q.size = false, min(rows, q.size)
	for rows >= q.size && pages < c.opts.MaxPages && len(found) <= c.opts.MaxLeads {
		q.page++
		pages++
		var next []*lead.Lead
		if next, rows, err = c.pageOfTenant(ctx, q); err != nil && !isPast(err) {
			return nil, pages, err
		}
		var fresh int
		if found, fresh = join(found, next); fresh == 0 && (rows == 0 || len(next) > 0) { // the end, or a page again
			break
		}
	}
	return found, pages, nil
}

// mayBeCut reports whether a tenant may have more leads than a page of so many rows. It
// usually has one or two [TRG], so that pages are only suspected of being cut at so few
// rows if they are known to be.
func (c *Client) mayBeCut(rows int) bool {
	known := c.facts.known()
	most := max(known.Filled, 3)
	if known.Cap > 0 {
		most = known.Cap
	}
	return rows >= min(most, lookupSize)
}

// join returns the leads with those of the others that are missing there, and their number.
func join(leads, others []*lead.Lead) (joined []*lead.Lead, fresh int) {
	known := make(map[string]struct{}, len(leads))
	for _, l := range leads {
		known[l.ID] = struct{}{}
	}
	joined = leads
	for _, l := range others { // each has another id
		if _, ok := known[l.ID]; !ok {
			joined = append(joined, l)
			fresh++
		}
	}
	return joined, fresh
}

// pageOfTenant reads one page of a tenant, and returns its leads and the number of its
// rows. It has none if the platform does not know the tenant, however it says so.
func (c *Client) pageOfTenant(ctx context.Context, q query) (found []*lead.Lead, rows int, err error) {
	found, rows, err = collectKept(ctx, c, leadList, q, reader.Options{Want: lead.AllParts, Max: acceptedLeads(q.size)})
	if (errors.Is(err, errNoLead) || errors.Is(err, errBlank)) && c.answers(ctx) {
		return nil, 0, nil
	}
	return found, rows, err
}

// errNoLead marks a 404 that says that there is no such lead, unless there is no lead
// endpoint.
var errNoLead = errors.New("no such lead")
