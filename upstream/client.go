package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"leadgraph/upstream/conns"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/token"
)

// Client reads from the platform. It is safe for concurrent use.
type Client struct {
	*platform
	sender guard.Sender  // adds the authorization
	tokens *token.Source // nil unless Options.Credentials are set
	ends   *ends
	// denied reports whether the last answer denied access.
	denied *atomic.Bool
}

// platform is what all clients of one platform share. Nothing in it depends on a
// caller.
type platform struct {
	opts   Options
	base   url.URL
	header http.Header // of every request; never changed
	guard  *guard.Guard
	// callers makes the guards of clients from ForCaller.
	callers *guard.Callers
	conns   *conns.Transport
	facts   *learner
}

// NewClient checks the options and returns a client. It makes no call. The error
// names every wrong field, but no value.
func NewClient(options Options) (*Client, error) {
	o := options.withDefaults()
	if err := o.problems(); err != nil {
		return nil, fmt.Errorf("upstream options: %w", err)
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("upstream options: BaseURL: %w", err)
	}
	to := conns.New(conns.Options{Base: base, MaxConcurrent: o.MaxConcurrent, AttemptTimeout: o.AttemptTimeout, RootCAs: o.rootCAs})
	wire := guard.NewWire(guard.WireOptions{Transport: to, Wrap: o.Wrap, MaxBody: o.MaxBody, Observe: o.Observe, Logger: o.Logger})
	p := &platform{
		opts:   o,
		base:   *base,
		header: http.Header{"Accept": {"application/json"}, "User-Agent": {o.UserAgent}},
		guard: guard.New(wire, guard.Options{
			Timeout: o.Timeout, OnlineTimeout: o.OnlineTimeout, MaxConcurrent: o.MaxConcurrent, MaxOnline: o.MaxOnline,
			Adaptive: o.Adaptive, RatePerSecond: o.RatePerSecond, Retries: o.Retries, Observe: o.Observe, Logger: o.Logger,
		}),
		conns: to,
		facts: newLearner(o.FirstPage, o.Logger),
	}
	p.callers = p.guard.Callers()
	c := &Client{platform: p, sender: p.guard, ends: &ends{}, denied: &atomic.Bool{}}
	switch {
	case o.StaticToken != "":
		c.sender = token.Static(p.guard, o.StaticToken)
	case o.TokenSource != nil:
		c.sender = token.FromSource(p.guard, o.TokenSource)
	case o.Credentials != (token.Credentials{}):
		c.tokens = token.NewSource(o.Credentials, wire, o.AttemptTimeout, o.Logger)
		c.sender = token.Renewing(p.guard, c.tokens)
	}
	return c, nil
}

// WithToken returns a client that sends this bearer token instead. Both clients
// share the connections, the limits and what is known about the platform, but no
// leads. The new client need not be closed.
func (c *Client) WithToken(bearer string) *Client { return c.sending(token.Static(c.guard, bearer)) }

// ForCaller is like WithToken for one of many callers. What the platform answers to this
// one does not stop the calls of others: see guard.Callers. The name identifies the
// caller, and is not shown.
func (c *Client) ForCaller(name, bearer string) *Client {
	return c.sending(token.Static(c.callers.Guard(name), bearer))
}

func (c *Client) sending(by guard.Sender) *Client {
	return &Client{platform: c.platform, sender: by, ends: &ends{}, denied: &atomic.Bool{}}
}

// Close cancels a pending token request and closes idle connections. Later calls
// that need a token fail.
func (c *Client) Close() {
	if c.tokens != nil {
		c.tokens.Close()
	}
	c.conns.CloseIdleConnections()
}

// get sends a query to an endpoint. The error is that of ctx or a
// *lead.SourceError. An answer is not an error, whatever its status.
func (c *Client) get(ctx context.Context, path, rawQuery string, call *guard.Call) (*guard.Answer, error) {
	target := c.base
	target.Path += path
	if target.RawPath != "" {
		target.RawPath += path
	}
	target.RawQuery = rawQuery
	req := (&http.Request{Method: http.MethodGet, URL: &target, Host: target.Host, Header: c.header}).WithContext(ctx)
	answer, err := c.sender.Send(req, call)
	switch {
	case err == nil:
		c.judge(answer.Status)
		return answer, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, guard.Failure(err)
}

// judge notes whether an answer denied access. Failures of the platform show nothing.
func (c *Client) judge(status int) {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		c.denied.Store(true)
	case status < 300 && c.denied.Load():
		c.denied.Store(false)
	}
}

// Denied reports whether the platform denied access with its last answer, apart from
// those that show that it fails.
func (c *Client) Denied() bool { return c.denied.Load() }

// ShareGates makes all replicas of the client stop when the platform limits the rate of
// calls, or its token endpoint demands a wait. Call it before the first read.
func (c *Client) ShareGates(with guard.SharedGates) {
	c.guard.ShareGates(with)
	if c.tokens != nil {
		c.tokens.ShareGates(with)
	}
}

// State describes limits, breaker and token at one moment.
type State struct {
	guard.State
	// TokenExpires is when the bearer token expires. It is zero if there is no
	// token, or if its end is unknown.
	TokenExpires time.Time
}

// State returns the present state of what all callers share. TokenExpires is zero for a
// client from WithToken or ForCaller.
func (c *Client) State() State {
	s := State{State: c.guard.State()}
	if c.tokens != nil {
		s.TokenExpires = c.tokens.Expires()
	}
	return s
}

// TokenFails reports whether the last request for a token failed. It is false
// without Options.Credentials.
func (c *Client) TokenFails() bool { return c.tokens != nil && c.tokens.Failing() }
