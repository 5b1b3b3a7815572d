package upstream

import (
	"context"
	"log/slog"
	"strings"

	"leadgraph/lead"
)

// lookupSize is the page size of a tenant lookup; Options.PageSize does not apply.
// All leads of a tenant must fit on one page, and a tenant has one or two [TRG].
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
	q := query{tenant: tenantID, page: c.opts.FirstPage, size: lookupSize, online: checkOnline}
	found, err := collect(ctx, c, leadList, q, lead.AllParts, acceptedLeads(q.size))
	if err != nil || len(found) > 0 || q.page != 0 || c.pageZero.Load() {
		return found, err
	}
	// The platform may number pages from 1 and return nothing for page 0. If it
	// asked Microsoft, it has stored the result by now and need not ask again.
	q.page, q.online = 1, false
	found, err = collect(ctx, c, leadList, q, lead.AllParts, acceptedLeads(q.size))
	if len(found) > 0 && !c.oneBased.Swap(true) {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream numbers pages from 1: every lookup takes two requests until the first page is set to 1")
	}
	return found, err
}
