package upstream

import (
	"context"
	"net/http"
	"time"
)

// Answer is what the platform answered to Probe, before any tolerance. Its body
// and header hold personal data and must not be logged.
type Answer struct {
	Status int
	Header http.Header
	// Body is after decompression; of an answer other than 2xx its first 8 KiB.
	Body []byte
	// Compressed tells whether it came compressed.
	Compressed bool
	// NamesNoLead tells whether a lookup would take it for "no such lead",
	// although its status is 404.
	NamesNoLead bool
	// Took is the time until the last byte.
	Took time.Duration
}

// Probe asks the lead endpoint with this query, to learn how the platform
// behaves. It is never retried; limits, time-outs and authorization are those of
// a read of that many rows. The error is that of ctx or a *lead.SourceError; an
// answer of any status is none.
func (c *Client) Probe(ctx context.Context, rawQuery string, rows int) (Answer, error) {
	allowance := time.Duration(rows) * c.opts.TimePerRow
	target := c.endpoint
	target.RawQuery = rawQuery
	start := time.Now()
	req := (&http.Request{Method: http.MethodGet, URL: &target, Host: target.Host, Header: c.header}).WithContext(
		withCall(ctx, callSpec{
			kind:           KindLeads,
			deadline:       start.Add(c.opts.Timeout + allowance),
			attemptTimeout: c.opts.AttemptTimeout + allowance,
			once:           true,
		}))
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		return Answer{}, transportFailure(err)
	}
	defer func() { _ = resp.Body.Close() }() // in memory: cannot fail
	a := newAnswer(resp)
	return Answer{
		Status:      a.status,
		Header:      a.header,
		Body:        a.body,
		Compressed:  resp.Uncompressed,
		NamesNoLead: a.namesNoLead(),
		Took:        time.Since(start),
	}, nil
}

// TokenExpiry obtains a token unless there is a good one, and returns when it
// expires: the zero time if it never does, or if the client has none to obtain.
// The error is that of ctx or a *lead.SourceError.
func (c *Client) TokenExpiry(ctx context.Context) (time.Time, error) {
	if c.tokens == nil {
		return time.Time{}, nil
	}
	token, err := c.tokens.get(withCall(ctx, callSpec{deadline: time.Now().Add(c.opts.Timeout)}))
	switch {
	case err == nil:
		return token.Expiry, nil
	case ctx.Err() != nil:
		return time.Time{}, ctx.Err()
	}
	return time.Time{}, transportFailure(err)
}
