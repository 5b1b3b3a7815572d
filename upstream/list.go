package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
	"leadgraph/upstream/reader"
)

const (
	// maxLargeRecord is how much an answer that is kept in memory may have beside
	// the share of each record, in bytes: room for one large record.
	maxLargeRecord = 4 << 20
	// maxMeanRecord is the share of each record that was asked for, in bytes. A
	// lead of 1.3 KB is usual.
	maxMeanRecord = 16 << 10
)

// endpoint is a list of the platform that is read by GET, a page or a tenant at a
// time. A further list needs a further endpoint and the kind of its records, not
// a further client: see CONTRIBUTING.md.
type endpoint[T any] struct {
	path string // below the base URL
	kind *reader.Kind[T]
	// id identifies a record, and tenant says whose it is.
	id, tenant func(*T) string
}

// query is one read of an endpoint.
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

// call says how the query may be sent.
func (c *Client) call(q query) *guard.Call {
	allowance := time.Duration(q.size) * c.opts.TimePerRow
	call := &guard.Call{Kind: guard.KindLeads, AttemptTimeout: c.opts.AttemptTimeout + allowance, Expected: namesNoLead}
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

// reading is what a read does with the records.
type reading[T any] struct {
	endpoint *endpoint[T]
	options  reader.Options
	// maxBody bounds the answer, in bytes; 0 means Options.MaxBody.
	maxBody int64
	each    func(*T) error
	// restart is called when records were handed to each and come again.
	restart func()

	// Of the last attempt whose answer could be read to its end, or was given up.
	result reader.Result
	err    error
	// stopped is the error of each.
	stopped error
}

// consume reads the answer of one attempt. Its error says that another attempt
// may succeed.
func (r *reading[T]) consume(body io.Reader) error {
	if r.result.Count > 0 {
		r.restart()
	}
	r.result, r.err = reader.Read(body, r.endpoint.kind, r.options, func(record *T) error {
		r.stopped = r.each(record)
		return r.stopped
	})
	if broken, ok := errors.AsType[*reader.BrokenError](r.err); ok && r.stopped == nil {
		return broken.Err
	}
	return nil
}

// verdict is the outcome of an attempt whose answer was read.
func (r *reading[T]) verdict() string {
	switch {
	case r.stopped != nil:
		return guard.OutcomeCanceled
	case r.err == nil:
		return guard.OutcomeOK
	case errors.Is(r.err, reader.ErrTooMany), errors.Is(r.err, reader.ErrValueTooLarge):
		return guard.OutcomeTooLarge
	}
	return guard.OutcomeBadResponse
}

// read asks the endpoint once, retries aside, and hands the records on.
func read[T any](ctx context.Context, c *Client, q query, r *reading[T]) error {
	call := c.call(q)
	call.MaxBody, call.Consume, call.Verdict = r.maxBody, r.consume, r.verdict
	answer, err := c.get(ctx, r.endpoint.path, q.encode(c.opts.TenantParam), call)
	if err != nil {
		return err
	}
	if q.tenant != "" && namesNoLead(answer) {
		if r.result.Count > 0 { // of an answer that broke off before this one
			r.restart()
		}
		return nil
	}
	if answer.Status < 200 || answer.Status > 299 {
		return failure(answer)
	}
	if r.stopped != nil {
		return r.stopped
	}
	if len(r.result.Oddities) > 0 {
		c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "upstream sent values that could not be used", slog.Any("fields", r.result.Oddities))
	}
	if r.err != nil {
		return badResponse(answer.Status, r.err)
	}
	if q.page == 0 && r.result.Count > 0 {
		c.pageZero.Store(true)
	}
	return nil
}

func badResponse(status int, err error) error {
	return &lead.SourceError{Kind: lead.FailureBadResponse, Status: status, Err: err}
}

// collect asks the endpoint as read does and returns the records, at most most,
// those of a tenant each once. A page keeps records that repeat: their places in
// the list count.
func collect[T any](ctx context.Context, c *Client, e *endpoint[T], q query, want lead.Fields, most int) ([]*T, error) {
	var records []*T
	err := read(ctx, c, q, &reading[T]{
		endpoint: e,
		options:  reader.Options{Want: want, Max: most},
		maxBody:  min(c.opts.MaxBody, maxLargeRecord+int64(q.size)*maxMeanRecord),
		restart:  func() { records = nil },
		each: func(record *T) error {
			if q.tenant == "" || !e.has(records, record) {
				records = append(records, record)
			}
			return nil
		},
	})
	if err == nil {
		if foreign := e.check(q, records); foreign != nil {
			err = badResponse(http.StatusOK, foreign)
		}
	}
	if err != nil {
		return nil, err
	}
	return records, nil
}

func (e *endpoint[T]) has(records []*T, record *T) bool {
	for _, known := range records {
		if e.id(known) == e.id(record) {
			return true
		}
	}
	return false
}

// check refuses records of a tenant that was not asked for.
func (e *endpoint[T]) check(q query, records []*T) error {
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
		return fmt.Errorf("%d of %d leads belong to other tenants: the tenant filter was ignored (is the tenant parameter spelt as the platform expects?)",
			foreign, len(records))
	}
	return nil
}
