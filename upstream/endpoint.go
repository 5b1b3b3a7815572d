package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/reader"
)

const (
	// maxLargeRecord is the room for one large record in an answer that is kept in
	// memory, in bytes. It comes on top of maxMeanRecord for each record.
	maxLargeRecord = 4 << 20
	// maxMeanRecord is the room for each requested record, in bytes. A lead usually
	// takes 1.3 KB.
	maxMeanRecord = 16 << 10
)

// endpoint is a list on the platform that is read with GET, by page or by tenant.
// Another list needs another endpoint and a reader.Kind for its records, but no
// other client: see CONTRIBUTING.md.
type endpoint[T any] struct {
	path string // below the base URL
	kind *reader.Kind[T]
	// id returns the id of a record, and tenant the id of its tenant.
	id, tenant func(*T) string
}

// leadList is the only endpoint that returns leads [GSL, GAL].
var leadList = &endpoint[lead.Lead]{
	path:   "/api/v2/oc/lead",
	kind:   reader.Leads,
	id:     func(l *lead.Lead) string { return l.ID },
	tenant: func(l *lead.Lead) string { return l.TenantID },
}

// query is one read of an endpoint.
type query struct {
	tenant string // empty for all tenants
	page   int    // as the platform numbers pages
	size   int
	online bool
	again  bool // the query was made a moment ago: its conflicts have been reported
}

// encode writes the parameters in a fixed order, so that caches on the way see the
// same URL for the same query.
func (q query) encode(tenantParam string) string {
	b := make([]byte, 0, 128)
	b = strconv.AppendInt(append(b, "PageNumber="...), int64(q.page), 10)
	b = strconv.AppendInt(append(b, "&PageSize="...), int64(q.size), 10)
	if q.online {
		b = append(b, "&checkOnline=true"...)
	}
	if q.tenant != "" {
		b = append(append(append(b, '&'), tenantParam...), '=')
		b = append(b, url.QueryEscape(q.tenant)...)
	}
	return string(b)
}

// callFor returns the guard's settings for a query.
func (c *Client) callFor(q query) *guard.Call {
	allowance := time.Duration(q.size) * c.opts.TimePerRow
	call := &guard.Call{Kind: guard.KindLeads, AttemptTimeout: c.opts.AttemptTimeout + allowance, Expected: c.expected(q)}
	timeout := c.opts.Timeout + allowance
	switch {
	case q.online:
		timeout = c.opts.OnlineTimeout + allowance
		call.Kind, call.Once, call.AttemptTimeout = guard.KindOnline, true, timeout
	case q.tenant != "":
		call.Kind = guard.KindLead
	}
	call.Deadline = time.Now().Add(timeout)
	return call
}

// expected returns which refusals are the platform's way to say that there is no lead
// or no page.
func (c *Client) expected(q query) func(*guard.Answer) bool {
	if q.tenant == "" {
		return c.mayEnd(q)
	}
	return func(a *guard.Answer) bool {
		return namesNoLead(a) || c.facts.known().Answered && mayNameNoLead(a)
	}
}

// collect fetches a query and returns its records, at most limit of them. In the
// answer to a tenant query each record occurs once, and unreadable ones are left out.
// A page keeps repeated records, and nil for unreadable ones, because their positions
// in the list count.
func collect[T any](ctx context.Context, c *Client, e *endpoint[T], q query, want lead.Parts, limit int) ([]*T, error) {
	records, _, err := collectKept(ctx, c, e, q, reader.Options{Want: want, Max: limit})
	return records, err
}

// collectKept is collect with options of the reader. It also returns how many rows the
// answer had.
func collectKept[T any](ctx context.Context, c *Client, e *endpoint[T], q query, o reader.Options) (records []*T, rows int, err error) {
	o.IDKey = c.opts.IDKey
	conflicts := 0
	s := &sink[T]{
		endpoint: e,
		options:  o,
		maxBody:  min(c.opts.MaxBody, maxLargeRecord+int64(q.size)*maxMeanRecord),
		restart:  func() { records, conflicts = nil, 0 },
		each: func(record *T) error {
			switch {
			case q.tenant == "":
				records = append(records, record)
			case record == nil:
			default:
				known := e.find(records, record)
				if known == nil {
					records = append(records, record)
				} else if !reflect.DeepEqual(known, record) {
					conflicts++
				}
			}
			return nil
		},
	}
	err = fetch(ctx, c, q, s)
	if !q.again {
		c.reportConflicts(ctx, conflicts)
	}
	if err == nil {
		if foreign := e.checkTenant(q, records); foreign != nil {
			err = badResponse(http.StatusOK, foreign)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	return records, s.places(), nil
}

// find returns the one of the records that has the id of record, or nil.
func (e *endpoint[T]) find(records []*T, record *T) *T {
	for _, known := range records {
		if e.id(known) == e.id(record) {
			return known
		}
	}
	return nil
}

// checkTenant returns an error if the query asked for one tenant and a record
// belongs to another.
func (e *endpoint[T]) checkTenant(q query, records []*T) error {
	if q.tenant == "" {
		return nil
	}
	foreign := 0
	for _, record := range records {
		if !strings.EqualFold(e.tenant(record), q.tenant) {
			foreign++
		}
	}
	if foreign > 0 {
		return fmt.Errorf("%d of %d records belong to other tenants: the tenant filter was ignored (check the spelling of the tenant parameter)",
			foreign, len(records))
	}
	return nil
}
