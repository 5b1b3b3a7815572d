package lead

import (
	"errors"
	"fmt"
	"time"
)

// ErrPageCut says that the platform returned fewer leads than a page has, although the
// list goes on. The same leads can be read in smaller pages.
var ErrPageCut = errors.New("the platform cut the page")

// FailureKind classifies why leads could not be read.
type FailureKind uint8

// The kinds of failure. Each maps to one public error code.
const (
	// FailureUnavailable: no connection, a truncated answer, or 5xx.
	FailureUnavailable FailureKind = iota
	// FailureTimeout: no answer in time.
	FailureTimeout
	// FailureRateLimited: 429, or our own limit of requests to the platform.
	FailureRateLimited
	// FailureRejected: the platform rejected the request itself (400 and similar).
	FailureRejected
	// FailureBadResponse: the answer could not be parsed as leads.
	FailureBadResponse
	// FailureAuth: our credentials were refused, or we could not get a token.
	FailureAuth
)

// Denied reports whether the platform itself refused access. A refusal by its token
// endpoint does not count, because our secret may just be out of date.
func Denied(err error) bool {
	source, ok := errors.AsType[*SourceError](err)
	return ok && source.Kind == FailureAuth && source.Status != 0
}

// SourceError says why leads could not be read. Its Error text is for the
// operator's log and contains no personal data. Do not show it to a client, because
// it may name hosts.
type SourceError struct {
	Kind FailureKind
	// Status is the platform's HTTP status, or 0 if there was no answer.
	Status int
	// RetryAfter is how long the platform asked us to wait, or 0 if it did not.
	RetryAfter time.Duration
	// ErrorTicket and TraceID are the platform's references for its support team.
	ErrorTicket string
	TraceID     string
	// Err is the cause, for the log.
	Err error
}

// Error describes the failure for the log.
func (e *SourceError) Error() string {
	text := fmt.Sprintf("upstream: %s", e.Kind)
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// String returns the name of the kind for logs and metrics.
func (k FailureKind) String() string {
	switch k {
	case FailureTimeout:
		return "timeout"
	case FailureRateLimited:
		return "rate limited"
	case FailureRejected:
		return "rejected"
	case FailureBadResponse:
		return "bad response"
	case FailureAuth:
		return "authentication failed"
	default:
		return "unavailable"
	}
}
