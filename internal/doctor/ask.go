package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"leadgraph/lead"
	"leadgraph/upstream"
)

const (
	// tries is how often a call is made that fails for a passing reason.
	tries = 3
	// pause is between them, unless the platform asks for another.
	pause    = 300 * time.Millisecond
	maxPause = 5 * time.Second
)

// query is one call: for the leads of a tenant, or a page of all.
type query struct {
	number, size  int
	param, tenant string // the filter, if param is not empty
	numberKey     string // another spelling than the usual
	unread        bool   // only the time matters
}

func (q query) encode() string {
	text := cmp.Or(q.numberKey, "PageNumber") + "=" + strconv.Itoa(q.number) + "&PageSize=" + strconv.Itoa(q.size)
	if q.param != "" {
		text += "&" + q.param + "=" + url.QueryEscape(q.tenant)
	}
	return text
}

// page is an answer, and what can be read of it.
type page struct {
	upstream.Answer
	at   time.Time
	size int // that was asked for
	rows []row
	form form
	// total is what an envelope says the platform has; -1 if it does not.
	total int
	// bad says why the answer is none of leads.
	bad error
}

// refused tells whether the platform understood the call and refused it.
func (p *page) refused() bool {
	switch p.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return p.Status >= 400 && p.Status < 500
}

// ask makes a call, and makes it again when it failed for a passing reason. Its
// error is a *lead.SourceError, a *statusError or that of ctx.
func (e *exam) ask(ctx context.Context, q query) (*page, error) {
	for try := 1; ; try++ {
		if err := e.limit.Wait(ctx); err != nil {
			<-ctx.Done() // the limiter foresees a deadline; the cause comes with it
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

// transient is how long to wait before a call is made again; 0 if it is not.
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
	}
	return p, nil
}

// list asks for a page of all leads, which the platform must answer or refuse.
func (e *exam) list(ctx context.Context, number, size int) (*page, error) {
	p, err := e.ask(ctx, query{number: number, size: size})
	if err == nil && p.bad != nil && !p.refused() {
		err = p.bad
	}
	return p, err
}

// statusError is an answer that ends a check.
type statusError struct{ status int }

func (s *statusError) Error() string {
	text := fmt.Sprintf("the platform answers %d", s.status)
	switch {
	case s.status == http.StatusUnauthorized:
		text += " although there is a token: is the scope that of AudioCodes' registration, and the base URL that of the same platform?"
	case s.status == http.StatusForbidden:
		text += ": it knows the token, but the registration lacks the role to read leads"
	case s.status == http.StatusTooManyRequests:
		text += ": it takes no more calls; try later, or a smaller --upstream-rate"
	case s.status >= 500:
		text += " again and again: it fails by itself, or a proxy does before it"
	}
	return text
}

func ids(rows []row) []string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = r.id
	}
	return list
}

// overlap counts the rows of a that are in b too.
func overlap(a, b *page) int {
	in := make(map[string]bool, len(b.rows))
	for _, r := range b.rows {
		in[r.id] = true
	}
	n := 0
	for _, r := range a.rows {
		if in[r.id] {
			n++
		}
	}
	return n
}

// same tells whether two pages hold the same leads, in whatever order.
func same(a, b *page) bool { return len(a.rows) == len(b.rows) && overlap(a, b) == len(a.rows) }

// plural is a count with its noun.
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
