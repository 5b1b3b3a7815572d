package upstream

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

const (
	// maxErrorBody is enough for every documented form of error.
	maxErrorBody = 8 << 10

	// Waits between attempts double from the first to the longest.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
)

var (
	errAttemptTimeout = errors.New("no answer within the time of an attempt")
	errBodyTooLarge   = errors.New("the answer is larger than allowed")
)

// newConns is the connection pool. Time-outs come from contexts.
func newConns(o Options) *http.Transport {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    max(minIdleConns, o.MaxConcurrent),
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// callSpec is what a call asks of the round-trippers below it.
type callSpec struct {
	// deadline is that of the call with all of its attempts and waits. It is here
	// and not in the context because most calls never wait for anything but their
	// first attempt: what else waits does so on a context of within.
	deadline       time.Time
	attemptTimeout time.Duration
	once           bool // never try again: the read has a side effect
	// consume reads the body of a success as it arrives. Its error fails the
	// attempt. If it is nil the body is kept in memory.
	consume func(io.Reader) error
}

type callKey struct{}

func withCall(ctx context.Context, call callSpec) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

func callFrom(ctx context.Context) callSpec {
	call, _ := ctx.Value(callKey{}).(callSpec)
	return call
}

// within returns a context that ends at the deadline of the call.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline := callFrom(ctx).deadline; !deadline.IsZero() {
		return context.WithDeadline(ctx, deadline)
	}
	return ctx, func() {}
}

// attemptTransport makes one attempt: it bounds its time and the size of its
// answer, and has the whole body read, so that the layers above deal with
// complete answers: a body cut short is a failed attempt, and a permit is held
// until the last byte.
type attemptTransport struct {
	next    http.RoundTripper
	maxBody int64
	logger  *slog.Logger
}

// RoundTrip implements http.RoundTripper.
func (t *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	call := callFrom(req.Context())
	start := time.Now()
	end := start.Add(call.attemptTimeout)
	if !call.deadline.IsZero() && call.deadline.Before(end) {
		end = call.deadline
	}
	ctx, cancel := context.WithDeadline(req.Context(), end)
	defer cancel()
	resp, size, err := t.exchange(req.WithContext(ctx), call.consume)
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		err = errAttemptTimeout
	}
	t.log(ctx, start, resp, size, err)
	if err != nil {
		return nil, err
	}
	resp.Request = req // whose context outlives the attempt
	return resp, nil
}

func (t *attemptTransport) log(ctx context.Context, start time.Time, resp *http.Response, size int64, err error) {
	if !t.logger.Enabled(ctx, slog.LevelDebug) {
		return // before the attributes are made
	}
	took := slog.Duration("took", time.Since(start))
	if err != nil {
		t.logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt failed", took, slog.Any("error", cause(err)))
		return
	}
	t.logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt", took, slog.Int("status", resp.StatusCode), slog.Int64("bytes", size))
}

// exchange sends the request and has the answer read. What is left in the
// response of the body is in memory.
func (t *attemptTransport) exchange(req *http.Request, consume func(io.Reader) error) (*http.Response, int64, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, 0, err
	}
	body := &boundedBody{body: resp.Body, left: t.maxBody}
	kept := &answerBody{}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// The status says it all; what can be read of the body is a bonus.
		kept.data, _ = io.ReadAll(io.LimitReader(body, maxErrorBody))
	case resp.ContentLength > t.maxBody:
		err = errBodyTooLarge
	case consume != nil:
		err = consume(body)
	default:
		kept.data, err = io.ReadAll(body)
	}
	_ = resp.Body.Close() // all that was wanted has been read
	if err != nil {
		return nil, 0, err
	}
	kept.Reset(kept.data)
	resp.Body = kept
	return resp, t.maxBody - body.left, nil
}

// boundedBody fails once more bytes come than are left.
type boundedBody struct {
	body io.Reader
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errBodyTooLarge
	}
	return n, err
}

// answerBody is a response body in memory.
type answerBody struct {
	bytes.Reader
	data []byte
}

// Close implements io.Closer.
func (*answerBody) Close() error { return nil }

// resilientTransport holds attempts to the concurrency and rate limits and
// retries those that may succeed next time. failsafehttp is not used: it
// releases permits at the header, waits not at all between tries, leaves the
// answer it replaces unclosed and retries any method.
type resilientTransport struct {
	next    http.RoundTripper
	maxWait time.Duration // for each limit
	slots   bulkhead.Bulkhead[*http.Response]
	rate    ratelimiter.RateLimiter[*http.Response] // nil if there is no limit
	retry   failsafe.Executor[*http.Response]       // nil if nothing is retried
}

//nolint:bodyclose // *http.Response is a type argument here, not a response
func newResilientTransport(next http.RoundTripper, o Options) *resilientTransport {
	t := &resilientTransport{
		next: next,
		// A call that gets its turn should have half its time left for the answer.
		maxWait: o.Timeout / 2,
		slots:   bulkhead.New[*http.Response](uint(o.MaxConcurrent)),
	}
	if o.RatePerSecond > 0 {
		// Bursty, because the keys of one GraphQL operation arrive together.
		t.rate = ratelimiter.NewBursty[*http.Response](uint(o.RatePerSecond), time.Second)
	}
	if o.Retries > 0 {
		t.retry = failsafe.With(retrypolicy.NewBuilder[*http.Response]().
			HandleIf(transient).
			AbortIf(waitTooLong).
			WithMaxRetries(o.Retries).
			WithDelayFunc(retryDelay).
			ReturnLastFailure().
			Build())
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *resilientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.attempt(req)
	if t.retry == nil || req.Method != http.MethodGet || callFrom(req.Context()).once || !transient(resp, err) {
		return resp, err
	}
	// The executor costs more than all else here, so it comes in late: the first
	// attempt that it asks for has been made.
	ctx, cancel := within(req.Context())
	defer cancel()
	again, made := req.WithContext(ctx), false
	return t.retry.WithContext(ctx).Get(func() (*http.Response, error) {
		if !made {
			made = true
			return resp, err
		}
		return t.attempt(again)
	})
}

// attempt holds its permits until the last byte of the answer, even if whoever
// reads it panics.
func (t *resilientTransport) attempt(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if t.rate != nil {
		if err := t.rate.AcquirePermitWithMaxWait(ctx, t.maxWait); err != nil {
			return nil, err
		}
	}
	if err := t.slots.AcquirePermitWithMaxWait(ctx, t.maxWait); err != nil {
		return nil, err
	}
	defer t.slots.ReleasePermit()
	return t.next.RoundTrip(req)
}

// transient tells whether another attempt may succeed.
func transient(resp *http.Response, err error) bool {
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		return !limited(err) && !errors.Is(err, errBodyTooLarge) && !errors.As(err, &untrusted)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// limited tells whether it was we who held the attempt back.
func limited(err error) bool {
	return errors.Is(err, bulkhead.ErrFull) || errors.Is(err, ratelimiter.ErrExceeded)
}

// waitTooLong tells whether the platform asks for a longer wait than the call
// has time: its refusal is then a better answer than a time-out.
func waitTooLong(resp *http.Response, _ error) bool {
	if resp == nil {
		return false
	}
	ctx, cancel := within(resp.Request.Context())
	defer cancel()
	deadline, ok := ctx.Deadline()
	return ok && retryAfter(resp.Header) >= time.Until(deadline)
}

// retryDelay is the platform's Retry-After, else an exponential backoff of which
// a random half is dropped, lest the calls of one operation return in step.
func retryDelay(exec failsafe.ExecutionAttempt[*http.Response]) time.Duration {
	if resp := exec.LastResult(); resp != nil { //nolint:bodyclose // in memory, see attemptTransport
		if wait := retryAfter(resp.Header); wait > 0 {
			return wait
		}
	}
	backoff := min(firstBackoff<<min(exec.Attempts()-1, 10), maxBackoff)
	return backoff/2 + rand.N(backoff/2)
}
