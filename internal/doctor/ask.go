package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
	"leadgraph/upstream/reader"
)

const (
	// tries is how often a call is made if it fails for a transient reason.
	tries = 3
	// pause is the time between tries, unless the platform asks for another.
	pause    = 300 * time.Millisecond
	maxPause = 5 * time.Second
)

// query is one call, for the leads of a tenant or for a page of all leads.
type query struct {
	number, size  int
	param, tenant string // the filter, if param is not empty
	numberKey     string // the name of the page number; PageNumber if empty
	unread        bool   // the body is not parsed, because only the time matters
}

func (q query) encode() string {
	text := cmp.Or(q.numberKey, "PageNumber") + "=" + strconv.Itoa(q.number) + "&PageSize=" + strconv.Itoa(q.size)
	if q.param != "" {
		text += "&" + q.param + "=" + url.QueryEscape(q.tenant)
	}
	return text
}

// page is an answer and its parsed content.
type page struct {
	upstream.Answer
	at   time.Time
	size int // that was requested
	// rows are the leads; nil is one that leadgraph cannot read.
	rows []*lead.Lead
	read reader.Result
	// total is the number of leads that an envelope states; -1 if there is none.
	total int
	// bad is the reason why the answer could not be read as leads.
	bad error
}

// refused reports whether the platform understood the call and refused it.
func (p *page) refused() bool {
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return p.Status >= 400 && p.Status < 500
}

// ask makes a call and repeats it if it failed for a transient reason. The error
// is a *lead.SourceError, a *statusError or the error of ctx.
func (e *exam) ask(ctx context.Context, q query) (*page, error) {
	for try := 1; ; try++ {
		if err := e.limit.Wait(ctx); err != nil {
			<-ctx.Done() // the limiter fails before the deadline; wait for it to get its cause
			return nil, ctx.Err()
		}
		e.report.Calls++
		a, err := e.client.Probe(ctx, q.encode(), q.size)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		wait := transient(a, err)
		if wait == 0 || try == tries {
			return e.read(a, q, err)
		}
		e.report.Retried++
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// transient returns how long to wait before the call is repeated, or 0 if it must
// not be repeated.
func transient(a upstream.Answer, err error) time.Duration {
	if source, ok := asSource(err); ok {
		if source.Kind == lead.FailureUnavailable || source.Kind == lead.FailureTimeout || source.Kind == lead.FailureRateLimited {
			return pause
		}
		return 0
	}
	if a.Status != http.StatusTooManyRequests && a.Status < 500 {
		return 0
	}
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, maxPause)
	}
	return pause
}

func (e *exam) read(a upstream.Answer, q query, err error) (*page, error) {
	if err != nil {
		return nil, err
	}
	p := &page{Answer: a, at: time.Now().Add(-a.Took), size: q.size, total: -1}
	e.last = p
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		return nil, &statusError{a.Status}
	case a.Status < 200 || a.Status > 299:
		p.bad = &statusError{a.Status}
	case q.unread:
	default:
		p.bad = p.parse()
		if errors.Is(p.bad, errBlank) && (p.Status == http.StatusNoContent || e.answered) {
			p.bad, p.read.Form = nil, reader.FormNull // the endpoint is right, so it means no leads
		}
		e.answered = e.answered || len(p.rows) > 0
	}
	return p, nil
}

// list requests a page of all leads. A page that can neither be read nor was
// refused is an error.
func (e *exam) list(ctx context.Context, number, size int) (*page, error) {
	p, err := e.ask(ctx, query{number: number, size: size})
	if err == nil && p.bad != nil && !p.refused() {
		err = p.bad
	}
	return p, err
}

// statusError is the error for a status that ends a check.
type statusError struct{ status int }

func (s *statusError) Error() string {
	text := fmt.Sprintf("the platform answered %d", s.status)
	switch {
	case s.status == http.StatusUnauthorized:
		text += " although a token was sent: does the scope belong to AudioCodes' registration, and is the base URL that of the same platform?"
	case s.status == http.StatusForbidden:
		text += ": it accepts the token, but the registration lacks the role to read leads"
	case s.status == http.StatusTooManyRequests:
		text += ": it is rate limiting us; try later, or with a lower --upstream-rate"
	case s.status >= 500:
		text += " repeatedly: the platform is failing, or a proxy in front of it is"
	}
	return text
}

// plural formats a count with its noun.
func plural(n int, noun string) string {
	text := thousands(n) + " " + noun
	if n != 1 {
		text += "s"
	}
	return text
}

func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
