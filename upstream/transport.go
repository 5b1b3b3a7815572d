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
	attemptTimeout time.Duration
	once           bool // never try again: the read has a side effect
}

type callKey struct{}

func withCall(ctx context.Context, call callSpec) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

func callFrom(ctx context.Context) callSpec {
	call, _ := ctx.Value(callKey{}).(callSpec)
	return call
}

// attemptTransport makes one attempt: it bounds its time and the size of its
// answer, and reads the whole body, so that the layers above deal with complete
// answers: a body cut short is a failed attempt, and a permit is held until the
// last byte.
type attemptTransport struct {
	next    http.RoundTripper
	maxBody int64
	logger  *slog.Logger
}

// RoundTrip implements http.RoundTripper.
func (t *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), callFrom(req.Context()).attemptTimeout)
	defer cancel()
	start := time.Now()
	resp, size, err := t.exchange(req.WithContext(ctx))
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		err = errAttemptTimeout
	}
	took := slog.Duration("took", time.Since(start))
	if err != nil {
		t.logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt failed", took, slog.Any("error", cause(err)))
		return nil, err
	}
	t.logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt", took, slog.Int("status", resp.StatusCode), slog.Int("bytes", size))
	resp.Request = req // whose deadline is that of the call
	return resp, nil
}

// exchange replaces the body by its bytes in memory.
func (t *attemptTransport) exchange(req *http.Request) (*http.Response, int, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, 0, err
	}
	data, err := t.readBody(resp)
	_ = resp.Body.Close() // all that was wanted has been read
	if err != nil {
		return nil, 0, err
	}
	resp.Body = &answerBody{Reader: bytes.NewReader(data), data: data}
	return resp, len(data), nil
}

func (t *attemptTransport) readBody(resp *http.Response) ([]byte, error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		// The status says it all; what can be read of the body is a bonus.
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return data, nil
	}
	if resp.ContentLength > t.maxBody {
		return nil, errBodyTooLarge
	}
	var buf bytes.Buffer
	if n := resp.ContentLength; n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, t.maxBody+1))
	if err == nil && n > t.maxBody {
		err = errBodyTooLarge
	}
	return buf.Bytes(), err
}

// answerBody is a response body in memory.
type answerBody struct {
	*bytes.Reader
	data []byte
}

// Close implements io.Closer.
func (*answerBody) Close() error { return nil }

// resilientTransport holds attempts to the concurrency and rate limits and
// retries those that may succeed next time. failsafehttp is not used: it
// releases permits at the header, waits not at all between tries, leaves the
// answer it replaces unclosed and retries any method.
type resilientTransport struct {
	next             http.RoundTripper
	retrying, single failsafe.Executor[*http.Response]
}

//nolint:bodyclose // *http.Response is a type argument here, not a response
func newResilientTransport(next http.RoundTripper, o Options) *resilientTransport {
	type policy = failsafe.Policy[*http.Response]
	// A call that gets its turn should have half its time left for the answer.
	maxWait := o.Timeout / 2
	limits := []policy{bulkhead.NewBuilder[*http.Response](uint(o.MaxConcurrent)).WithMaxWaitTime(maxWait).Build()}
	if o.RatePerSecond > 0 {
		// Bursty, because the keys of one GraphQL operation arrive together.
		rate := ratelimiter.NewBurstyBuilder[*http.Response](uint(o.RatePerSecond), time.Second).WithMaxWaitTime(maxWait).Build()
		limits = append([]policy{rate}, limits...)
	}
	t := &resilientTransport{next: next, single: failsafe.With(limits...)}
	t.retrying = t.single
	if o.Retries > 0 {
		retry := retrypolicy.NewBuilder[*http.Response]().
			HandleIf(transient).
			AbortIf(waitTooLong).
			WithMaxRetries(o.Retries).
			WithDelayFunc(retryDelay).
			ReturnLastFailure().
			Build()
		t.retrying = failsafe.With(append([]policy{retry}, limits...)...)
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *resilientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	executor := t.retrying
	if req.Method != http.MethodGet || callFrom(req.Context()).once {
		executor = t.single
	}
	return executor.WithContext(req.Context()).Get(func() (*http.Response, error) { return t.next.RoundTrip(req) })
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
	deadline, ok := resp.Request.Context().Deadline()
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
