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

// maxErrorBody is enough for every documented form of error.
const maxErrorBody = 8 << 10

var (
	errAttemptTimeout = errors.New("no answer within the time of an attempt")
	errBodyTooLarge   = errors.New("the answer is larger than allowed")
)

// WireOptions configure a Wire.
type WireOptions struct {
	// Transport makes the connections. It is used without an http.Client: redirects
	// are then not followed by construction, and errors do not quote URLs.
	Transport http.RoundTripper
	// Wrap puts a round-tripper around each attempt; nil means none.
	Wrap func(http.RoundTripper) http.RoundTripper
	// MaxBody bounds an answer, after decompression, in bytes.
	MaxBody int64
	// Observe is called after each attempt; nil means that nobody watches.
	Observe func(context.Context, Attempt)
	// Logger gets attempts at debug level.
	Logger *slog.Logger
}

// Wire makes single attempts: it bounds their time and the size of their answers,
// and has the whole body read, so that the layers above deal with complete
// answers. A body cut short is a failed attempt, and a permit is held until the
// last byte. It is safe for concurrent use.
type Wire struct {
	opts WireOptions
	next http.RoundTripper
}

// NewWire returns a Wire.
func NewWire(o WireOptions) *Wire {
	w := &Wire{opts: o, next: o.Transport}
	if o.Wrap != nil {
		w.next = o.Wrap(w.next)
	}
	return w
}

// Send implements Sender by one attempt.
func (w *Wire) Send(req *http.Request, call *Call) (*Answer, error) {
	return w.attempt(req, call, false)
}

// attempt makes one attempt, which repeats a failed one or does not.
func (w *Wire) attempt(req *http.Request, call *Call, retry bool) (*Answer, error) {
	began := time.Now()
	end := began.Add(call.AttemptTimeout)
	if !call.Deadline.IsZero() && call.Deadline.Before(end) {
		end = call.Deadline
	}
	ctx, cancel := context.WithDeadline(req.Context(), end)
	defer cancel()
	if w.opts.Wrap != nil {
		ctx = context.WithValue(ctx, attemptKey{}, attemptInfo{call.Kind, retry})
	}
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

// exchange sends the request and has the answer read.
func (w *Wire) exchange(req *http.Request, call *Call) (*Answer, Attempt, error) {
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, Attempt{Outcome: OutcomeConnection}, err
	}
	defer func() { _ = resp.Body.Close() }() // all that was wanted has been read
	most := cmp.Or(call.MaxBody, w.opts.MaxBody)
	body := &boundedBody{body: resp.Body, left: most}
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header, Compressed: resp.Uncompressed}
	seen := Attempt{Outcome: OutcomeOK, Status: resp.StatusCode}
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		// The status says it all; what can be read of the body is a bonus.
		answer.Body, _ = io.ReadAll(io.LimitReader(body, maxErrorBody))
		if call.Expected == nil || !call.Expected(answer) {
			seen.Outcome = OutcomeStatus
		}
	case resp.ContentLength > most:
		err = errBodyTooLarge
	case call.Consume != nil:
		if err = call.Consume(body); err == nil && call.Verdict != nil {
			seen.Outcome = call.Verdict()
		}
	default:
		answer.Body, err = io.ReadAll(body)
	}
	seen.Bytes = most - body.left
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

// notReplayable is a body of no bytes. net/http repeats a GET without a body by
// itself if a kept connection broke under it; it does not repeat one with a body.
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
