package upstream

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"leadgraph/lead"
	"leadgraph/upstream/guard"
)

// acceptable matches an errorTicket or traceId: the ids of .NET and W3C, with some
// room. It has no spaces, so a sentence does not pass.
var acceptable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:|-]{0,63}$`)

// namesNoLead reports whether the platform says that there is no such lead: a 404
// whose whole body is "Invalild lead" (this is its spelling) [CCL, DCL]. Any other
// 404 may come from a wrong base URL and must not count as "none".
func namesNoLead(a *guard.Answer) bool {
	if a.Status != http.StatusNotFound {
		return false
	}
	text := strings.Trim(string(a.Body), "\" .\r\n\t")
	return strings.EqualFold(text, "invalild lead") || strings.EqualFold(text, "invalid lead")
}

// mayNameNoLead reports whether a 404 says that there is no such lead, provided that
// there is a lead endpoint. Its body is JSON or missing. A wrong base URL or a proxy
// usually answers HTML.
func mayNameNoLead(a *guard.Answer) bool {
	return a.Status == http.StatusNotFound && (len(bytes.TrimSpace(a.Body)) == 0 || json.Valid(a.Body))
}

// failure turns an answer other than 2xx into an error. Only the status decides:
// error bodies have five documented forms, and may also be a proxy's HTML.
func failure(a *guard.Answer) *lead.SourceError {
	e := &lead.SourceError{Status: a.Status, RetryAfter: cmp.Or(guard.RetryAfter(a.Header), a.RetryIn)}
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		e.Kind = lead.FailureAuth
	case a.Status == http.StatusTooManyRequests:
		e.Kind = lead.FailureRateLimited
	case guard.TimedOut(a.Status):
		e.Kind = lead.FailureTimeout
	case a.Status >= 500:
		e.Kind = lead.FailureUnavailable
	case a.Status >= 400:
		e.Kind = lead.FailureRejected
	default:
		e.Kind = lead.FailureBadResponse
		e.Err = errors.New("redirects are not followed (check the base URL)")
	}
	var problem struct {
		ErrorTicket json.RawMessage `json:"errorTicket"`
		TraceID     json.RawMessage `json:"traceId"`
	}
	if json.Unmarshal(a.Body, &problem) == nil {
		e.ErrorTicket = reference(problem.ErrorTicket)
		e.TraceID = reference(problem.TraceID)
	}
	return e
}

// reference returns an errorTicket or traceId, which is a string or a number, as
// text. The value is untrusted, and logs and answers show it. One that is too long or
// has other characters is left out: a part of it would name nothing.
func reference(value json.RawMessage) string {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(value, &text) == nil:
	case json.Unmarshal(value, &number) == nil:
		text = number.String()
	}
	if !acceptable.MatchString(text) {
		return ""
	}
	return text
}
