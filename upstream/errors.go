package upstream

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"leadgraph/lead"
)

const (
	// maxReference bounds an errorTicket or traceId, in characters.
	maxReference = 128
	// maxRetryAfter bounds what a Retry-After can ask for.
	maxRetryAfter = 24 * time.Hour
)

var (
	errTimeout  = errors.New("no answer in time")
	errCanceled = errors.New("canceled")
	errClosed   = errors.New("the client is closed")
	errCut      = errors.New("the connection was closed before the answer was complete")
)

// answer is a complete answer of any status.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// newAnswer takes the bytes that attemptTransport, always the lowest of the
// chain, has read.
func newAnswer(resp *http.Response) *answer {
	return &answer{status: resp.StatusCode, header: resp.Header, body: resp.Body.(*answerBody).data}
}

// namesNoLead recognizes the platform's way to say that there is no such lead: a
// 404 whose body is only "Invalild lead" (spelt so) [CCL, DCL]. Any other 404
// may come from a wrong base URL and must not pass for "none".
func (a *answer) namesNoLead() bool {
	if a.status != http.StatusNotFound {
		return false
	}
	text := strings.Trim(string(a.body), "\" .\r\n\t")
	return strings.EqualFold(text, "invalild lead") || strings.EqualFold(text, "invalid lead")
}

// failure turns an answer other than 2xx into an error. The status alone decides:
// error bodies have five documented forms and may be a proxy's HTML besides.
func (a *answer) failure() *lead.SourceError {
	e := &lead.SourceError{Status: a.status, RetryAfter: retryAfter(a.header)}
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		e.Kind = lead.FailureAuth
	case a.status == http.StatusTooManyRequests:
		e.Kind = lead.FailureRateLimited
	case a.status >= 500:
		e.Kind = lead.FailureUnavailable
	case a.status >= 400:
		e.Kind = lead.FailureRejected
	default:
		e.Kind = lead.FailureBadResponse
		e.Err = errors.New("redirects are not followed (is the base URL right?)")
	}
	var problem struct {
		ErrorTicket json.RawMessage `json:"errorTicket"`
		TraceID     json.RawMessage `json:"traceId"`
	}
	if json.Unmarshal(a.body, &problem) == nil {
		e.ErrorTicket = reference(problem.ErrorTicket)
		e.TraceID = reference(problem.TraceID)
	}
	return e
}

// reference keeps of an untrusted reference, a text or a number, what is safe in
// logs and answers.
func reference(value json.RawMessage) string {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(value, &text) == nil:
	case json.Unmarshal(value, &number) == nil:
		text = number.String()
	}
	kept := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return kept[:min(len(kept), maxReference)]
}

// retryAfter reads the header in both of its forms; 0 means that it asks for no
// wait.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(value); err == nil {
		limit := int(maxRetryAfter / time.Second)
		return time.Duration(min(max(seconds, 0), limit)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(time.Until(at), 0), maxRetryAfter)
}

// transportFailure classifies the error of a call that got no complete answer.
// The caller's own cancellation has been dealt with before.
func transportFailure(err error) *lead.SourceError {
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		return source
	}
	e := &lead.SourceError{Kind: lead.FailureUnavailable, Err: cause(err)}
	if open, ok := errors.AsType[*openError](err); ok {
		e.RetryAfter = open.retryIn
		return e
	}
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case limited(err):
		e.Kind = lead.FailureRateLimited
	case errors.Is(err, errBodyTooLarge), notGzip(err):
		e.Kind = lead.FailureBadResponse
	case errors.Is(err, errAttemptTimeout), ok && timeout.Timeout():
		e.Kind = lead.FailureTimeout
	}
	return e
}

// cause keeps of a transport's error what is known to speak of connections
// only. Others may quote what the other side sent. The errors of our own
// contexts are replaced, for a caller to recognize its own by errors.Is.
func cause(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, context.Canceled):
		return errCanceled
	case limited(err), errors.Is(err, errAttemptTimeout), errors.Is(err, errBodyTooLarge),
		errors.Is(err, errClosed), errors.Is(err, http.ErrSchemeMismatch):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCut
	}
	if open, ok := errors.AsType[*openError](err); ok {
		return open
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return &nameError{&net.DNSError{Err: "failed", IsNotFound: dns.IsNotFound, IsTimeout: dns.IsTimeout}}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return &net.OpError{Op: op.Op, Net: op.Net, Err: op.Err} // without the addresses
	}
	if notGzip(err) {
		return errors.New("the body is not the gzip that it is said to be")
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return untrusted
	}
	return fmt.Errorf("the connection failed (%T)", err)
}

// nameError is a failure to resolve a name without the name, and without the
// server that was asked.
type nameError struct{ kind *net.DNSError }

func (e *nameError) Error() string {
	switch {
	case e.kind.IsNotFound:
		return "the host name does not resolve"
	case e.kind.IsTimeout:
		return "no name server answered"
	}
	return "the name server failed"
}

func (e *nameError) Unwrap() error { return e.kind }

// notGzip tells whether a body is not what its header says, which no second
// attempt would change.
func notGzip(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}
