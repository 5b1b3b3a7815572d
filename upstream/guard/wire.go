package guard

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// maxErrorBody bounds the body of an error, in bytes. Every documented form is
// smaller.
const maxErrorBody = 8 << 10

var (
	errAttemptTimeout = errors.New("no answer within the time limit of an attempt")
	errBodyTooLarge   = errors.New("the answer is larger than allowed")
)

// WireOptions configures a Wire.
type WireOptions struct {
	// Transport makes the connections. It is used without an http.Client, so that
	// redirects are not followed and errors do not quote URLs.
	Transport http.RoundTripper
	// Wrap returns a round-tripper that wraps the given one. It may be nil.
	Wrap func(http.RoundTripper) http.RoundTripper
	// MaxBody bounds an answer in bytes, after decompression.
	MaxBody int64
	// Observe is called after each attempt. It may be nil.
	Observe func(context.Context, Attempt)
	// Logger gets attempts at debug level.
	Logger *slog.Logger
}

// Wire makes single attempts. It bounds their time and the size of their answers.
// An attempt includes the whole body: if the body is cut short, the attempt has
// failed, and its permit is held until the last byte. A Wire is safe for concurrent
// use.
type Wire struct {
	opts WireOptions
	next http.RoundTripper
}

// NewWire returns a Wire.
func NewWire(o WireOptions) *Wire {
	w := &Wire{opts: o, next: arrivals{o.Transport}}
	if o.Wrap != nil {
		w.next = o.Wrap(w.next)
	}
	return w
}

// Send implements Sender with a single attempt.
func (w *Wire) Send(req *http.Request, call *Call) (*Answer, error) {
	return w.attempt(req, call, false)
}

// attempt makes one attempt. retry says whether it repeats a failed one.
func (w *Wire) attempt(req *http.Request, call *Call, retry bool) (*Answer, error) {
	began := time.Now()
	end := began.Add(call.AttemptTimeout)
	if !call.Deadline.IsZero() && call.Deadline.Before(end) {
		end = call.Deadline
	}
	ctx := &limit{Context: req.Context(), end: end, attempt: attemptInfo{call, retry}}
	defer ctx.stop()
	sent := req.WithContext(ctx)
	if call.Once {
		sent.Body = notReplayable{}
	}
	answer, seen, err := w.exchange(sent, call)
	switch {
	case err == nil:
	case req.Context().Err() != nil:
		seen.Outcome = leaving(req.Context())
	case ctx.Err() != nil:
		seen.Outcome, err = OutcomeTimeout, errAttemptTimeout
	}
	seen.Kind, seen.Took, seen.Retry = call.Kind, time.Since(began), retry
	w.report(req.Context(), seen, err)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// exchange sends the request and reads the answer.
func (w *Wire) exchange(req *http.Request, call *Call) (*Answer, Attempt, error) {
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, Attempt{Outcome: OutcomeConnection}, err
	}
	defer func() { _ = resp.Body.Close() }() // nothing more is read from it
	limit := cmp.Or(call.MaxBody, w.opts.MaxBody)
	body := &boundedBody{body: resp.Body, left: limit}
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header, Compressed: resp.Uncompressed}
	seen := Attempt{Outcome: OutcomeOK, Status: resp.StatusCode}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// The status decides, so an error in the body does not matter.
		answer.Body, _ = io.ReadAll(io.LimitReader(body, maxErrorBody))
		if call.Expected == nil || !call.Expected(answer) {
			seen.Outcome = OutcomeStatus
		}
	case resp.ContentLength > limit:
		err = errBodyTooLarge
	case call.Consume != nil:
		if err = call.Consume(body); err == nil && call.Verdict != nil {
			seen.Outcome = call.Verdict()
		}
	default:
		answer.Body, err = io.ReadAll(body)
	}
	seen.Bytes = limit - body.left
	switch {
	case errors.Is(err, errBodyTooLarge):
		seen.Outcome = OutcomeTooLarge
	case notGzip(err):
		seen.Outcome = OutcomeBadResponse
	case err != nil:
		seen.Outcome = OutcomeCut
	}
	return answer, seen, err
}

func (w *Wire) report(ctx context.Context, seen Attempt, err error) {
	if w.opts.Observe != nil {
		w.opts.Observe(ctx, seen)
	}
	switch {
	case !w.opts.Logger.Enabled(ctx, slog.LevelDebug):
	case err != nil:
		w.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt failed", slog.Duration("took", seen.Took), slog.Any("error", cause(err)))
	default:
		w.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "upstream attempt", slog.Duration("took", seen.Took), slog.Int("status", seen.Status), slog.Int64("bytes", seen.Bytes))
	}
}

// arrivals is a round-tripper that tells a call when its answer has arrived.
type arrivals struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a arrivals) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(req)
	if info, ok := req.Context().Value(attemptKey{}).(*attemptInfo); ok && info.call.arrived != nil &&
		err == nil && resp.StatusCode >= 200 && resp.StatusCode <= 299 { // a refusal may close a gate first
		resp.Body = &arriving{resp.Body, info.call.arrived}
	}
	return resp, err
}

// arriving calls arrived at the end of a body.
type arriving struct {
	io.ReadCloser
	arrived func()
}

// Read implements io.Reader.
func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		a.arrived()
	}
	return n, err
}

// notReplayable is an empty body. If a kept connection breaks, transports repeat a GET
// without a body, but not one with a body.
type notReplayable struct{}

// Read implements io.Reader.
func (notReplayable) Read([]byte) (int, error) { return 0, io.EOF }

// Close implements io.Closer.
func (notReplayable) Close() error { return nil }

// boundedBody returns an error as soon as more than left bytes have been read.
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
