package upstream

import (
	"context"
	"errors"
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

// ofTenant reads one page of a tenant. It returns no leads if the platform does not
// know the tenant, however it says so.
func (c *Client) ofTenant(ctx context.Context, q query) ([]*lead.Lead, error) {
	found, err := collect(ctx, c, leadList, q, lead.AllParts, acceptedLeads(q.size))
	if (errors.Is(err, errNoLead) || errors.Is(err, errBlank)) && c.answers(ctx) {
		return nil, nil
	}
	return found, err
}

// errNoLead marks a 404 that says that there is no such lead, unless there is no lead
// endpoint.
var errNoLead = errors.New("no such lead")
