package guard

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Call describes how a request may be sent.
type Call struct {
	// Kind is one of the Kind constants.
	Kind string
	// Deadline bounds the call with all its attempts and waits. Zero means that only
	// the context's deadline applies. It is a field, and not the deadline of a
	// context, because most calls make only one attempt, which has a deadline anyway.
	Deadline time.Time
	// AttemptTimeout bounds each attempt.
	AttemptTimeout time.Duration
	// Once forbids a second attempt, because the request has a side effect.
	Once bool
	// MaxBody bounds the answer, in bytes. 0 means WireOptions.MaxBody.
	MaxBody int64
	// Consume reads the body of a 2xx answer as it arrives. If it returns an error,
	// the attempt has failed and may be retried, and Consume is called again. If
	// Consume is nil, the body is kept in memory.
	Consume func(io.Reader) error
	// Verdict returns the outcome of an attempt for which Consume returned no error.
	// Nil means OutcomeOK.
	Verdict func() string
	// Unusable reports whether a 2xx answer that Consume has read is not what the
	// endpoint returns. Such an answer counts as a failure of the platform. Nil means
	// that every answer is usable.
	Unusable func(*Answer) bool
	// Expected reports whether an answer other than 2xx counts as a success. Nil
	// means that none does.
	Expected func(*Answer) bool

	// arrived is called when the last byte of a 2xx answer has arrived, perhaps before
	// Consume gets it.
	arrived func()
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
	// Body is the decompressed body. It is empty if Call.Consume has read it. If the
	// status is not 2xx, it is cut to 8 KiB.
	Body []byte
	// Compressed reports whether the body was sent compressed.
	Compressed bool
	// RetryIn is how long no call of this kind is sent after a 429, even if the platform
	// demands no wait.
	RetryIn time.Duration
}

// Sender sends requests. It returns the error of the request's context, or one that
// Failure can classify.
type Sender interface {
	Send(req *http.Request, call *Call) (*Answer, error)
}
