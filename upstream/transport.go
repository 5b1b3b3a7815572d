package upstream

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// maxErrorBody is enough for every documented form of error.
const maxErrorBody = 8 << 10

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
		// All requests share one HTTP/2 connection, and a request that times out
		// does not end it. If the other side has gone without a word, a ping finds
		// that out before the attempt is over, and the next one gets a new connection.
		HTTP2: &http.HTTP2Config{SendPingTimeout: o.AttemptTimeout / 2, PingTimeout: o.AttemptTimeout / 3},
	}
}

// callSpec is what a call asks of the round-trippers below it, and what they
// note of it. Its attempts follow each other, so nothing in it is shared.
type callSpec struct {
	kind string
	// deadline is that of the call with all of its attempts and waits. It is here
	// and not in the context because most calls never wait for anything but their
	// first attempt: what else waits does so on a context of within.
	deadline       time.Time
	attemptTimeout time.Duration
	once           bool     // never try again: the read has a side effect
	maxBody        int64    // of the answer; Options.MaxBody if it is 0
	consumer       consumer // nil if the body is to be kept in memory

	attempts int
	began    time.Time // of the last attempt
}

// consumer reads the body of a success as it arrives.
type consumer interface {
	// consume fails the attempt with its error.
	consume(io.Reader) error
	// verdict is the outcome of an attempt that consume did not fail.
	verdict() string
}

type callKey struct{}

func withCall(ctx context.Context, call callSpec) context.Context {
	return context.WithValue(ctx, callKey{}, &call)
}

func callFrom(ctx context.Context) *callSpec { return ctx.Value(callKey{}).(*callSpec) }

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
	observe func(context.Context, Attempt) // or nil
}

// RoundTrip implements http.RoundTripper.
func (t *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	call := callFrom(req.Context())
	call.attempts++
	call.began = time.Now()
	end := call.began.Add(call.attemptTimeout)
	if !call.deadline.IsZero() && call.deadline.Before(end) {
		end = call.deadline
	}
	ctx, cancel := context.WithDeadline(req.Context(), end)
	defer cancel()
	attempt := req.WithContext(ctx)
	if call.once {
		attempt.Body = notReplayable{}
	}
	resp, seen, err := t.exchange(attempt, call)
	switch {
	case err == nil:
		resp.Request = req // whose context outlives the attempt
	case req.Context().Err() != nil:
		seen.Outcome = leaving(req.Context())
	case ctx.Err() != nil:
		seen.Outcome, err = OutcomeTimeout, errAttemptTimeout
	}
	t.report(req.Context(), call, seen, err)
	return resp, err
}

// exchange sends the request and has the answer read. What is left in the
// response of the body is in memory.
func (t *attemptTransport) exchange(req *http.Request, call *callSpec) (*http.Response, Attempt, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, Attempt{Outcome: OutcomeConnection}, err
	}
	most := cmp.Or(call.maxBody, t.maxBody)
	body := &boundedBody{body: resp.Body, left: most}
	kept := &answerBody{}
	seen := Attempt{Outcome: OutcomeOK, Status: resp.StatusCode}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// The status says it all; what can be read of the body is a bonus.
		kept.data, _ = io.ReadAll(io.LimitReader(body, maxErrorBody))
		if seen.Outcome = OutcomeStatus; call.kind != KindToken && (&answer{status: resp.StatusCode, body: kept.data}).namesNoLead() {
			seen.Outcome = OutcomeOK // an answer like any other
		}
	case resp.ContentLength > most:
		err = errBodyTooLarge
	case call.consumer != nil:
		if err = call.consumer.consume(body); err == nil {
			seen.Outcome = call.consumer.verdict()
		}
	default:
		kept.data, err = io.ReadAll(body)
	}
	_ = resp.Body.Close() // all that was wanted has been read
	seen.Bytes = most - body.left
	switch {
	case errors.Is(err, errBodyTooLarge):
		seen.Outcome = OutcomeTooLarge
	case notGzip(err):
		seen.Outcome = OutcomeBadResponse
	case err != nil:
		seen.Outcome = OutcomeCut
	}
	if err != nil {
		return nil, seen, err
	}
	kept.Reset(kept.data)
	resp.Body = kept
	return resp, seen, nil
}

func (t *attemptTransport) report(ctx context.Context, call *callSpec, seen Attempt, err error) {
	logs := t.logger.Enabled(ctx, slog.LevelDebug)
	if !logs && t.observe == nil {
		return
	}
	seen.Kind, seen.Took, seen.Retry = call.kind, time.Since(call.began), call.attempts > 1
	if t.observe != nil {
		t.observe(ctx, seen)
	}
	if !logs {
		return
	}
	if err != nil {
		t.logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt failed", slog.Duration("took", seen.Took), slog.Any("error", cause(err)))
		return
	}
	t.logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt", slog.Duration("took", seen.Took), slog.Int("status", seen.Status), slog.Int64("bytes", seen.Bytes))
}

// notReplayable is a body of no bytes. net/http sends a GET without a body anew,
// on its own, if a kept connection broke under it; it does not if it has one.
type notReplayable struct{}

// Read implements io.Reader.
func (notReplayable) Read([]byte) (int, error) { return 0, io.EOF }

// Close implements io.Closer.
func (notReplayable) Close() error { return nil }

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
