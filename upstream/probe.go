package upstream

import (
	"context"
	"time"

	"leadgraph/upstream/guard"
)

// Answer is the platform's answer to Probe, unchanged. Its body and header contain
// personal data and must not be logged.
type Answer struct {
	guard.Answer
	// NamesNoLead is true if a lookup would read this 404 as "no such lead".
	NamesNoLead bool
	// Took is the time until the last byte arrived.
	Took time.Duration
}

// MayNameNoLead reports whether a lookup reads this 404 as "no such lead" once the
// endpoint has answered leads.
func (a Answer) MayNameNoLead() bool { return mayNameNoLead(&a.Answer) }

// MeansPast reports whether this refusal may say that the page does not exist.
func (a Answer) MeansPast() bool { return meansPast(a.Status) }

// Probe sends a query to the lead endpoint, to find out how the platform behaves.
// It is never retried. Limits, time-outs and authorization are those of a read of
// this many rows. The error is that of ctx or a *lead.SourceError. An answer is not
// an error, whatever its status.
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

// TokenExpiry returns when the client's bearer token expires. It obtains a token if
// there is no usable one. The time is zero if the token never expires, or if the
// client has no credentials to obtain one with. The error is that of ctx or a
// *lead.SourceError.
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
