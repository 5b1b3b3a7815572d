package upstream

import (
	"context"
	"time"

	"leadgraph/upstream/guard"
)

// Answer is what the platform answered to Probe, before any tolerance. Its body
// and header hold personal data and must not be logged.
type Answer struct {
	guard.Answer
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
	start := time.Now()
	a, err := c.get(ctx, leadList.path, rawQuery, &guard.Call{
		Kind:           guard.KindLeads,
		Deadline:       start.Add(c.opts.Timeout + allowance),
		AttemptTimeout: c.opts.AttemptTimeout + allowance,
		Once:           true,
		Expected:       namesNoLead,
	})
	if err != nil {
		return Answer{}, err
	}
	return Answer{Answer: *a, NamesNoLead: namesNoLead(a), Took: time.Since(start)}, nil
}

// TokenExpiry obtains a token unless there is a good one, and returns when it
// expires: the zero time if it never does, or if the client has none to obtain.
// The error is that of ctx or a *lead.SourceError.
func (c *Client) TokenExpiry(ctx context.Context) (time.Time, error) {
	if c.tokens == nil {
		return time.Time{}, nil
	}
	token, err := c.tokens.Get(ctx, time.Now().Add(c.opts.Timeout))
	switch {
	case err == nil:
		return token.Expiry, nil
	case ctx.Err() != nil:
		return time.Time{}, ctx.Err()
	}
	return time.Time{}, guard.Failure(err)
}
