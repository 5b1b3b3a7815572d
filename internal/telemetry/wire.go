package telemetry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Wrap returns a transport that traces each request to the platform, up to the last
// byte of the answer. It sends the W3C trace context to the platform, but not to
// the token endpoint, which belongs to a third party.
func (t *Telemetry) Wrap(next http.RoundTripper) http.RoundTripper {
	if t.spans == nil {
		return next
	}
	return &wire{next: next, spans: t.spans, attempt: t.options.Attempt}
}

type wire struct {
	next    http.RoundTripper
	spans   *spans
	attempt func(context.Context) (kind string, retry bool)
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	kind, retry := w.attempt(req.Context())
	kind = listed(kinds, kind)
	ctx, span := w.spans.tracer.Start(req.Context(), "upstream "+kind, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(upstreamKind.String(kind), httpMethod.String(req.Method), upstreamRetry.Bool(retry)))
	req = req.WithContext(ctx)
	if kind != "token" {
		req.Header = req.Header.Clone() // a RoundTripper must not modify its request
		w.spans.context.Inject(ctx, propagation.HeaderCarrier(req.Header))
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		fail(span, reason(err, "connection"))
		span.End()
		return nil, err
	}
	span.SetAttributes(httpStatus.Int(resp.StatusCode))
	if resp.StatusCode >= 400 {
		fail(span, strconv.Itoa(resp.StatusCode))
	}
	resp.Body = &tracedBody{ReadCloser: resp.Body, span: span}
	return resp, nil
}

// tracedBody ends the span of its request when it was read or closed.
type tracedBody struct {
	io.ReadCloser
	span trace.Span
	size int
	once sync.Once
}

// Read implements io.Reader.
func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.size += n
	if err != nil {
		b.end(err)
	}
	return n, err
}

// Close implements io.Closer. Closing before the end of the body is no error.
func (b *tracedBody) Close() error {
	b.end(io.EOF)
	return b.ReadCloser.Close()
}

func (b *tracedBody) end(err error) {
	b.once.Do(func() {
		if err != io.EOF { //nolint:errorlint // readers never wrap io.EOF
			fail(b.span, reason(err, "cut"))
		}
		b.span.SetAttributes(bodySize.Int(b.size))
		b.span.End()
	})
}

// reason returns why a request failed, as one of the outcomes. It does not use the
// error's text, which can name hosts and addresses.
func reason(err error, otherwise string) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return otherwise
}
