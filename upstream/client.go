package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream/reader"
)

// leadPath is the one endpoint that reads leads [GSL, GAL].
const leadPath = "/api/v2/oc/lead"

// Client reads leads from the platform. It is safe for concurrent use.
type Client struct {
	*platform
	// transport is used without an http.Client: redirects are then not followed
	// by construction, and errors do not quote URLs.
	transport http.RoundTripper
	tokens    *tokenSource // nil unless Options.Credentials are set
}

// platform is what the clients of one platform share, whoever they are for:
// nothing in it depends on a caller.
type platform struct {
	opts     Options
	endpoint url.URL
	header   http.Header // of every request; never changed
	// anonymous is the transport without authorization.
	anonymous *resilientTransport
	conns     *http.Transport

	rows    sync.Pool // of *rows
	keepers sync.Pool // of *keeper

	// pageZero is set once page 0 answered a row, which proves that it exists.
	pageZero atomic.Bool
	// oneBased is set once page 0 was empty where page 1 was not.
	oneBased atomic.Bool
}

// NewClient checks the options and returns a client; it makes no call. The
// error names every field that is wrong, never a value.
func NewClient(options Options) (*Client, error) {
	o := options.withDefaults()
	if err := o.problems(); err != nil {
		return nil, fmt.Errorf("upstream options: %w", err)
	}
	endpoint, err := url.Parse(o.BaseURL + leadPath)
	if err != nil {
		return nil, fmt.Errorf("upstream options: BaseURL: %w", err)
	}
	conns := newConns(o)
	var wire http.RoundTripper = conns
	if o.Wrap != nil {
		wire = o.Wrap(wire)
	}
	single := &attemptTransport{next: wire, maxBody: o.MaxBody, logger: o.Logger, observe: o.Observe}
	c := &Client{platform: &platform{
		opts:      o,
		endpoint:  *endpoint,
		header:    http.Header{"Accept": {"application/json"}, "User-Agent": {o.UserAgent}},
		anonymous: newResilientTransport(single, o),
		conns:     conns,
		rows:      sync.Pool{New: func() any { return reader.NewRows() }},
		keepers:   sync.Pool{New: func() any { return reader.NewKeeper() }},
	}}
	c.transport = c.anonymous
	switch {
	case o.StaticToken != "":
		c.transport = &staticBearer{next: c.anonymous, token: o.StaticToken}
	case o.TokenSource != nil:
		c.transport = &sourceBearer{next: c.anonymous, source: o.TokenSource}
	case o.Credentials != (ClientCredentials{}):
		c.tokens = newTokenSource(fetchTokens(o, single), o.Logger)
		c.transport = &renewingBearer{next: c.anonymous, tokens: c.tokens}
	}
	return c, nil
}

// WithToken returns a client that sends this bearer token instead. It shares the
// connections, the limits and what is known of the platform, but nothing that was
// read. It need not be closed.
func (c *Client) WithToken(token string) *Client {
	return &Client{platform: c.platform, transport: &staticBearer{next: c.anonymous, token: token}}
}

// Close ends a token request under way and closes idle connections. Calls that
// still need a token fail.
func (c *Client) Close() {
	if c.tokens != nil {
		c.tokens.close()
	}
	c.conns.CloseIdleConnections()
}

// query is one read of the lead endpoint.
type query struct {
	tenant string // empty for all tenants
	page   int    // as the platform counts
	size   int
	online bool
}

// encode appends the parts in a fixed order, for caches on the way.
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

// reading is what a read does with the leads that it wants.
type reading struct {
	client *Client
	want   lead.Fields
	// maxBody and maxRows bound the answer.
	maxBody int64
	maxRows int
	each    func(*lead.Lead) error
	// restart is called when leads were handed to each and come again.
	restart func()

	// Of the last attempt whose answer could be read to its end, or was given up.
	count int
	odd   reader.Oddities
	err   error
	// stopped is the error of each.
	stopped error
}

// consume reads the answer of one attempt. Its error says that another attempt
// may succeed.
func (r *reading) consume(body io.Reader) error {
	if r.count > 0 {
		r.restart()
	}
	rows := r.client.rows.Get().(*reader.Rows)
	r.count, r.odd, r.err = rows.Read(body, r.want, func(l *lead.Lead) error {
		if rows.Count > r.maxRows {
			return errTooManyLeads
		}
		r.stopped = r.each(l)
		return r.stopped
	})
	if rows.Reusable() {
		r.client.rows.Put(rows)
	}
	if broken, ok := errors.AsType[*reader.BrokenError](r.err); ok && r.stopped == nil {
		return broken.Err
	}
	return nil
}

// Read asks the lead endpoint once, retries aside, and hands the rows on.
func (c *Client) read(ctx context.Context, q query, r *reading) error {
	call := c.spec(q)
	call.maxBody, call.consumer = r.maxBody, r
	a, err := c.get(ctx, q, call)
	if err != nil {
		return err
	}
	if q.tenant != "" && a.namesNoLead() {
		if r.count > 0 { // of an answer that broke off before this one
			r.restart()
		}
		return nil
	}
	if a.status < 200 || a.status > 299 {
		return a.failure()
	}
	if r.stopped != nil {
		return r.stopped
	}
	if len(r.odd) > 0 {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream sent values that could not be used", slog.Any("fields", r.odd))
	}
	if r.err != nil {
		return badResponse(a.status, r.err)
	}
	if q.page == 0 && r.count > 0 {
		c.pageZero.Store(true)
	}
	return nil
}

func badResponse(status int, err error) error {
	return &lead.SourceError{Kind: lead.FailureBadResponse, Status: status, Err: err}
}

// kept asks the lead endpoint as read does and returns the leads, maxRows at
// most, of a tenant each once. A page keeps rows that repeat: their places in the
// list count.
func (c *Client) kept(ctx context.Context, q query, want lead.Fields, maxRows int) ([]*lead.Lead, error) {
	keeper := c.keepers.Get().(*reader.Keeper)
	defer c.keepers.Put(keeper)
	var leads []*lead.Lead
	err := c.read(ctx, q, &reading{
		client:  c,
		want:    want,
		maxBody: min(c.opts.MaxBody, reader.MaxValue+int64(q.size)*maxMeanLead),
		maxRows: maxRows,
		restart: func() { leads = nil },
		each: func(l *lead.Lead) error {
			if q.tenant == "" || !slices.ContainsFunc(leads, func(known *lead.Lead) bool { return known.ID == l.ID }) {
				leads = append(leads, keeper.Keep(l))
			}
			return nil
		},
	})
	if err == nil {
		if foreign := q.check(leads); foreign != nil {
			err = badResponse(http.StatusOK, foreign)
		}
	}
	if err != nil {
		return nil, err
	}
	return leads, nil
}

// check refuses rows of a tenant that was not asked for.
func (q query) check(leads []*lead.Lead) error {
	if q.tenant == "" {
		return nil
	}
	foreign := 0
	for _, l := range leads {
		if !strings.EqualFold(l.TenantID, q.tenant) {
			foreign++
		}
	}
	if foreign > 0 {
		return fmt.Errorf("%d of %d leads belong to other tenants: the tenant filter was ignored (is the tenant parameter spelt as the platform expects?)",
			foreign, len(leads))
	}
	return nil
}

// verdict is the outcome of an attempt whose answer was read.
func (r *reading) verdict() string {
	switch {
	case r.stopped != nil:
		return OutcomeCanceled
	case r.err == nil:
		return OutcomeOK
	case errors.Is(r.err, errTooManyLeads), errors.Is(r.err, reader.ErrValueTooLarge):
		return OutcomeTooLarge
	}
	return OutcomeBadResponse
}

// spec says how the query may be asked.
func (c *Client) spec(q query) callSpec {
	allowance := time.Duration(q.size) * c.opts.TimePerRow
	call := callSpec{kind: KindLeads, attemptTimeout: c.opts.AttemptTimeout + allowance}
	timeout := c.opts.Timeout + allowance
	switch {
	case q.online:
		timeout = c.opts.OnlineTimeout + allowance
		call.kind, call.once, call.attemptTimeout = KindOnline, true, timeout
	case q.tenant != "":
		call.kind = KindLead
	}
	call.deadline = time.Now().Add(timeout)
	return call
}

// get sends the query and returns whatever the platform answered, after the body
// has been read if that was a success.
func (c *Client) get(ctx context.Context, q query, call callSpec) (*answer, error) {
	target := c.endpoint
	target.RawQuery = q.encode(c.opts.TenantParam)
	req := (&http.Request{
		Method: http.MethodGet,
		URL:    &target,
		Host:   target.Host,
		Header: c.header,
	}).WithContext(withCall(ctx, call))
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, transportFailure(err)
	}
	defer func() { _ = resp.Body.Close() }() // in memory: cannot fail
	return newAnswer(resp), nil
}
