package lead

import (
	"fmt"
	"time"
)

// FailureKind classifies why the source of leads did not deliver.
type FailureKind uint8

// The kinds of failure; each maps to one public error code.
const (
	// FailureUnavailable: no connection, a broken answer, 5xx.
	FailureUnavailable FailureKind = iota
	// FailureTimeout: no answer in time.
	FailureTimeout
	// FailureRateLimited: 429, or our own limit towards the platform.
	FailureRateLimited
	// FailureRejected: the platform refused the request as such (400 and the like).
	FailureRejected
	// FailureBadResponse: an answer that cannot be read as leads.
	FailureBadResponse
	// FailureAuth: our credentials were refused, or no token could be had.
	FailureAuth
)

// SourceError says that leads could not be read and why. Its Error text is for
// the operator's log and holds no personal data; it must not be shown to a
// client, because it may name hosts.
type SourceError struct {
	Kind FailureKind
	// Status is the platform's HTTP status, 0 if there was no answer.
	Status int
	// RetryAfter is how long the platform asked to wait; 0 if it did not.
	RetryAfter time.Duration
	// ErrorTicket and TraceID are the platform's references for its support.
	ErrorTicket string
	TraceID     string
	// Err is the cause, for the log.
	Err error
}

// Error describes the failure for a log.
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

// String names the kind for logs and metrics.
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
