package upstream

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"

	"leadgraph/lead"
)

// lookupSize is the page size of a tenant lookup, whatever Options.PageSize is:
// a tenant has one or two leads [TRG], and all of them must fit one page.
const lookupSize = DefaultPageSize

// LeadsByTenant returns the leads of one tenant, in the platform's order; none
// for a tenant that the platform does not know. The id is compared without
// regard to case. With checkOnline the platform asks Microsoft when it has no
// record of its own, and stores what it learns [GAL]; such a read is not retried.
//
// The endpoint is GET /api/v2/oc/lead with the tenant filter [GSL].
func (c *Client) LeadsByTenant(ctx context.Context, tenantID string, checkOnline bool) ([]*lead.Lead, error) {
	if strings.TrimSpace(tenantID) == "" {
		// Without a filter the platform would answer everybody's leads.
		return nil, refused("no tenant id")
	}
	q := query{tenant: tenantID, page: c.opts.FirstPage, size: lookupSize, online: checkOnline}
	leads, err := c.read(ctx, q)
	if err != nil || len(leads) > 0 || q.page != 0 || c.pageZero.Load() {
		return leads, err
	}
	// The platform may count from 1 and answer nothing for page 0. What it learnt
	// online is stored by now, so it need not ask again.
	q.page, q.online = 1, false
	leads, err = c.read(ctx, q)
	if len(leads) > 0 && !c.oneBased.Swap(true) {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream counts pages from 1: every lookup asks twice until the first page is set to 1")
	}
	return leads, err
}

// LeadsPage returns one page of all leads, in the platform's order. Pages count
// from zero here whatever the platform's first page is. A page past the end is
// empty. A page may hold fewer rows than size in the middle of the list, and
// repeat rows of another page when leads came or went in between; AllLeads deals
// with both.
//
// The endpoint is GET /api/v2/oc/lead without the tenant filter [GAL].
func (c *Client) LeadsPage(ctx context.Context, page, size int) ([]*lead.Lead, error) {
	if page < 0 || page >= math.MaxInt32 {
		return nil, refused("page number out of range")
	}
	if size < 1 || size > MaxPageSize {
		return nil, refused("page size out of range")
	}
	return c.read(ctx, query{page: page + c.opts.FirstPage, size: size})
}

// refused is the failure of a request that is not sent.
func refused(why string) error {
	return &lead.SourceError{Kind: lead.FailureRejected, Err: errors.New(why)}
}
