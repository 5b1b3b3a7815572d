package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"leadgraph/lead"
)

// leadPath is the one endpoint that reads leads [GSL, GAL].
const leadPath = "/api/v2/oc/lead"

// Client reads leads from the platform. It is safe for concurrent use.
type Client struct {
	opts     Options
	endpoint url.URL
	// transport is used without an http.Client: redirects are then not followed
	// by construction, and errors do not quote URLs.
	transport http.RoundTripper
	conns     *http.Transport
	tokens    *tokenSource // nil unless Options.Credentials are set

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
	c := &Client{opts: o, endpoint: *endpoint, conns: newConns(o)}
	single := &attemptTransport{next: c.conns, maxBody: o.MaxBody, logger: o.Logger}
	c.transport = newResilientTransport(single, o)
	switch {
	case o.StaticToken != "":
		c.transport = &staticBearer{next: c.transport, token: o.StaticToken}
	case o.Credentials != (ClientCredentials{}):
		c.tokens = newTokenSource(fetchTokens(o, single), o.Logger)
		c.transport = &renewingBearer{next: c.transport, tokens: c.tokens}
	}
	return c, nil
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

func (q query) encode(tenantParam string) string {
	v := url.Values{
		"PageNumber": {strconv.Itoa(q.page)},
		"PageSize":   {strconv.Itoa(q.size)},
	}
	if q.tenant != "" {
		v.Set(tenantParam, q.tenant)
	}
	if q.online {
		v.Set("checkOnline", "true")
	}
	return v.Encode()
}

// read asks the lead endpoint once, retries aside, and returns the rows.
func (c *Client) read(ctx context.Context, q query) ([]*lead.Lead, error) {
	a, err := c.get(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.tenant != "" && a.namesNoLead() {
		return nil, nil
	}
	if a.status < 200 || a.status > 299 {
		return nil, a.failure()
	}
	leads, odd, err := decode(a.body)
	if len(odd) > 0 {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream sent values that could not be used", slog.Any("fields", odd))
	}
	if err == nil {
		err = q.check(leads)
	}
	if err != nil {
		return nil, &lead.SourceError{Kind: lead.FailureBadResponse, Status: a.status, Err: err}
	}
	if q.page == 0 && len(leads) > 0 {
		c.pageZero.Store(true)
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

// get sends the query and returns whatever the platform answered.
func (c *Client) get(ctx context.Context, q query) (*answer, error) {
	allowance := time.Duration(q.size) * c.opts.TimePerRow
	timeout := c.opts.Timeout + allowance
	call := callSpec{attemptTimeout: c.opts.AttemptTimeout + allowance}
	if q.online {
		call = callSpec{attemptTimeout: timeout, once: true}
	}
	callCtx, cancel := context.WithTimeout(withCall(ctx, call), timeout)
	defer cancel()

	target := c.endpoint
	target.RawQuery = q.encode(c.opts.TenantParam)
	req := (&http.Request{
		Method: http.MethodGet,
		URL:    &target,
		Host:   target.Host,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {c.opts.UserAgent}},
	}).WithContext(callCtx)
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
