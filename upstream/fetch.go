package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/reader"
)

// sink receives the records of one fetch.
type sink[T any] struct {
	endpoint *endpoint[T]
	options  reader.Options
	// maxBody bounds the answer, in bytes; 0 means Options.MaxBody.
	maxBody int64
	// each gets every record, or nil for one that cannot be read.
	each func(*T) error
	// restart is called if an attempt broke off after each received records. The
	// next attempt starts with the first record again.
	restart func()

	// result and err come from the last attempt whose answer was read, be it to its
	// end or to an error.
	result reader.Result
	err    error
	// blank is true if the last answer had no body.
	blank bool
	// stopped is the error that each returned.
	stopped error
}

// consume reads the answer of one attempt. It returns an error only if another
// attempt may succeed.
func (s *sink[T]) consume(body io.Reader) error {
	if s.result.Count > 0 {
		s.restart()
	}
	s.result, s.err = reader.Read(body, s.endpoint.kind, s.options, func(record *T) error {
		s.stopped = s.each(record)
		return s.stopped
	})
	if s.blank = errors.Is(s.err, reader.ErrNoBody); s.blank {
		s.err = nil
	}
	if broken, ok := errors.AsType[*reader.BrokenError](s.err); ok && s.stopped == nil {
		return broken.Err
	}
	return nil
}

// places returns how many places of the list the answer covers.
func (s *sink[T]) places() int { return s.result.Count }

// verdict returns the outcome of an attempt whose answer was read.
func (s *sink[T]) verdict() string {
	switch {
	case s.stopped != nil:
		return guard.OutcomeCanceled
	case s.err == nil:
		return guard.OutcomeOK
	case errors.Is(s.err, reader.ErrTooMany), errors.Is(s.err, reader.ErrValueTooLarge):
		return guard.OutcomeTooLarge
	}
	return guard.OutcomeBadResponse
}

// fetch sends a query, with retries, and passes the records to s.
func fetch[T any](ctx context.Context, c *Client, q query, s *sink[T]) error {
	call := c.callFor(q)
	call.MaxBody, call.Consume, call.Verdict = s.maxBody, s.consume, s.verdict
	call.Unusable = func(a *guard.Answer) bool {
		return s.verdict() == guard.OutcomeBadResponse || c.unexplained(s.blank, a) || c.showsNone(q, s.result)
	}
	answer, err := c.get(ctx, s.endpoint.path, q.encode(c.opts.TenantParam), call)
	if err != nil {
		return err
	}
	if answer.Status < 200 || answer.Status > 299 {
		if s.result.Count > 0 { // from an earlier attempt, which broke off
			s.restart()
			s.result = reader.Result{}
		}
		if q.tenant != "" && namesNoLead(answer) {
			return nil
		}
		e := failure(answer)
		if q.tenant != "" && mayNameNoLead(answer) {
			e.Err = errNoLead
		}
		return e
	}
	if c.unexplained(s.blank, answer) {
		return badResponse(answer.Status, errBlank)
	}
	if s.stopped != nil {
		return s.stopped
	}
	if len(s.result.Oddities) > 0 {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream sent values that could not be used", slog.Any("fields", s.result.Oddities))
	}
	if s.err != nil {
		return badResponse(answer.Status, s.err)
	}
	if s.result.Holes() > 0 {
		c.reportHoles(ctx, s.result)
	}
	if c.showsNone(q, s.result) {
		return noneReadable(s.result.Count)
	}
	if s.places() > 0 {
		c.facts.answered(q, s.places())
	}
	return nil
}

// unexplained reports whether an answer without a body is no list: the endpoint has never
// answered leads, and the status does not say that there is none.
func (c *Client) unexplained(blank bool, a *guard.Answer) bool {
	return blank && a.Status != http.StatusNoContent && !c.facts.known().Answered
}

// showsNone reports whether an answer is a list in which there should be a lead and is
// none, as when a service reports its maintenance in one.
func (c *Client) showsNone(q query, r reader.Result) bool {
	return r.Count > 0 && r.Holes() == r.Count && c.mustShow(q, r.Count)
}

// mustShow reports whether an answer with so many rows must have one that can be read: a
// first page. Without one, a tenant may still have a lead. A page of all leads that is not
// full would show that pages are cut at so few rows, or that the list ends there; but such
// an answer is more likely to be a failure.
func (c *Client) mustShow(q query, rows int) bool {
	return (q.tenant != "" || rows < q.size) && q.page <= max(c.facts.known().FirstPage, c.opts.FirstPage)
}

// reportHoles reports the rows of an answer that could not be read.
func (c *Client) reportHoles(ctx context.Context, r reader.Result) {
	c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream sent rows that could not be read",
		slog.Int("rows", r.Count), slog.Int("unreadable", r.Holes()), slog.Any("reasons", r.Unreadable))
	if c.opts.ObserveUnreadable != nil {
		c.opts.ObserveUnreadable(ctx, r.Unreadable)
	}
}

// reportConflicts reports rows that share an id with an earlier one but differ from it.
func (c *Client) reportConflicts(ctx context.Context, rows int) {
	if rows == 0 {
		return
	}
	c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream sent rows that share an id but differ, or a lead was changed while it was read", slog.Int("rows", rows))
	if c.opts.ObserveConflicts != nil {
		c.opts.ObserveConflicts(ctx, rows)
	}
}

func noneReadable(rows int) error {
	return badResponse(http.StatusOK, fmt.Errorf("none of the %d rows could be read", rows))
}

func badResponse(status int, err error) error {
	return &lead.SourceError{Kind: lead.FailureBadResponse, Status: status, Err: err}
}
