package guard

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"

	"leadgraph/lead"
)

var (
	errTimeout  = errors.New("no answer in time")
	errCanceled = errors.New("canceled")
	errCut      = errors.New("the connection was closed before the answer was complete")
	// ErrClosed is the error of calls that need a token after their client was closed.
	ErrClosed = errors.New("the client is closed")
)

// Failure classifies the error of a call that got no complete answer. It is not
// meant for the caller's own cancellation or deadline.
func Failure(err error) *lead.SourceError {
	if source, ok := errors.AsType[*lead.SourceError](err); ok {
		return source
	}
	e := &lead.SourceError{Kind: lead.FailureUnavailable, Err: cause(err)}
	if open, ok := errors.AsType[*openError](err); ok {
		e.RetryAfter = open.retryIn
		return e
	}
	if gate, ok := errors.AsType[*gateError](err); ok {
		e.Kind, e.RetryAfter = lead.FailureRateLimited, gate.retryIn
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

// cause returns an error that is safe to show. It keeps a transport's error only if
// it is known to describe a connection: other errors may quote what the platform
// sent. The errors of our own contexts are replaced, so that errors.Is recognizes
// only those of the caller's context.
func cause(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, context.Canceled):
		return errCanceled
	case limited(err), errors.Is(err, errAttemptTimeout), errors.Is(err, errBodyTooLarge),
		errors.Is(err, ErrClosed), errors.Is(err, http.ErrSchemeMismatch):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCut
	}
	if open, ok := errors.AsType[*openError](err); ok {
		return open
	}
	if gate, ok := errors.AsType[*gateError](err); ok {
		return gate
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return &nameError{&net.DNSError{Err: "failed", IsNotFound: dns.IsNotFound, IsTimeout: dns.IsTimeout}}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return &net.OpError{Op: op.Op, Net: op.Net, Err: op.Err} // without the addresses
	}
	if notGzip(err) {
		return errors.New("the body is not valid gzip, although its header says so")
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return untrusted
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return ErrNoTLS
	}
	return errors.New("the connection failed")
}

// ErrNoTLS is the cause of a call by TLS to a server that does not speak it.
var ErrNoTLS = errors.New("the server does not speak TLS on this port")

// nameError describes a failed name resolution. It names neither the host nor the
// name server.
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

// notGzip reports whether a body is not the gzip that its header announces. Another
// attempt would not change this.
func notGzip(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)
}
