package upstream

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

// lookupSize is the page size of a tenant lookup, whatever Options.PageSize is:
// a tenant has one or two leads [TRG], and all of them must fit one page.
const lookupSize = DefaultPageSize

// leadList is the one endpoint that reads leads [GSL, GAL].
var leadList = &endpoint[lead.Lead]{
	path:   "/api/v2/oc/lead",
	kind:   reader.Leads,
	id:     func(l *lead.Lead) string { return l.ID },
	tenant: func(l *lead.Lead) string { return l.TenantID },
}

// loosely is how many leads are accepted where it does not matter on which page
// they stand: the platform's own page size, of 10 or 100 [GAL, GSL], may be
// larger than the one asked for.
func loosely(size int) int { return 2*size + DefaultPageSize }

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
	found, err := collect(ctx, c, leadList, q, lead.AllFields, loosely(q.size))
	if err != nil || len(found) > 0 || q.page != 0 || c.pageZero.Load() {
		return found, err
	}
	// The platform may count from 1 and answer nothing for page 0. What it learnt
	// online is stored by now, so it need not ask again.
	q.page, q.online = 1, false
	found, err = collect(ctx, c, leadList, q, lead.AllFields, loosely(q.size))
	if len(found) > 0 && !c.oneBased.Swap(true) {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream counts pages from 1: every lookup asks twice until the first page is set to 1")
	}
	return found, err
}

// LeadsPage returns one page of all leads, in the platform's order. Of a lead
// only the fields in want are set. Pages count from zero here whatever the
// platform's first page is. A page past the end is empty. A page may hold fewer
// rows than size in the middle of the list, and repeat rows of another page when
// leads came or went in between; AllLeads deals with both. One that holds more
// than size is a bad response: its leads would not be where they are looked for.
//
// The platform may fetch addresses from Microsoft while it answers, and store
// them [GAL]. Doing that again does no harm, so a page is retried like any read;
// it is never asked for twice at a time.
//
// The endpoint is GET /api/v2/oc/lead without the tenant filter [GAL].
func (c *Client) LeadsPage(ctx context.Context, page, size int, want lead.Fields) ([]*lead.Lead, error) {
	q, err := c.page(page, size)
	if err != nil {
		return nil, err
	}
	return collect(ctx, c, leadList, q, want, size)
}

// EachLead reads one page as LeadsPage does, but holds no more than one lead at
// a time: it calls each with every lead as it arrives. The lead and all that it
// refers to are valid during the call only. An error of each ends the read and
// is returned as it is.
//
// The leads of a page that is not read to its end count for nothing: where an
// answer breaks off and the page is asked for again, restart is called before
// its leads come anew, and on an error those that came must be dropped. While
// each runs, the time-out of the attempt does too.
func (c *Client) EachLead(ctx context.Context, page, size int, want lead.Fields, restart func(), each func(*lead.Lead) error) error {
	q, err := c.page(page, size)
	if err != nil {
		return err
	}
	return read(ctx, c, q, &reading[lead.Lead]{
		endpoint: leadList, options: reader.Options{Want: want, Max: size, Borrow: true}, restart: restart, each: each,
	})
}

// page is the query for a page that counts from zero.
func (c *Client) page(page, size int) (query, error) {
	if page < 0 || page >= math.MaxInt32 {
		return query{}, refused("page number out of range")
	}
	if size < 1 || size > MaxPageSize {
		return query{}, refused("page size out of range")
	}
	return query{page: page + c.opts.FirstPage, size: size}, nil
}

// refused is the failure of a request that is not sent.
func refused(why string) error {
	return &lead.SourceError{Kind: lead.FailureRejected, Err: errors.New(why)}
}
