package guard

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Call says how a request may be sent.
type Call struct {
	// Kind is one of the Kind constants.
	Kind string
	// Deadline bounds the call with all of its attempts and waits; zero means no
	// bound of its own. It is no context's, because most calls never wait for
	// anything but their first attempt.
	Deadline time.Time
	// AttemptTimeout bounds each attempt.
	AttemptTimeout time.Duration
	// Once forbids another attempt: the request has a side effect.
	Once bool
	// MaxBody bounds the answer, in bytes; 0 means WireOptions.MaxBody.
	MaxBody int64
	// Consume reads the body of a success as it arrives. Its error fails the
	// attempt, so that another may be made, for which it is called again. If it is
	// nil the body is kept in memory.
	Consume func(io.Reader) error
	// Verdict returns the outcome of an attempt that Consume did not fail; nil
	// means OutcomeOK.
	Verdict func() string
	// Expected reports whether an answer other than 2xx is as good as one; nil
	// means that none is.
	Expected func(*Answer) bool
}

// within returns a context that ends at the deadline of the call.
func (c *Call) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Deadline.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, c.Deadline)
}

// Answer is a complete answer of any status.
type Answer struct {
	Status int
	Header http.Header
	// Body is after decompression. It is empty if Call.Consume read it, and is cut
	// to 8 KiB for a status other than 2xx.
	Body []byte
	// Compressed tells whether the body came compressed.
	Compressed bool
}

// Sender sends requests. Its error is that of the request's context, or one that
// Failure classifies.
type Sender interface {
	Send(req *http.Request, call *Call) (*Answer, error)
}
