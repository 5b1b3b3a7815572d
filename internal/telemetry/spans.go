package telemetry

import (
	"context"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The attributes. Their names follow OpenTelemetry's semantic conventions where
// these define one.
const (
	operationName = attribute.Key("graphql.operation.name")
	operationType = attribute.Key("graphql.operation.type")
	fieldName     = attribute.Key("graphql.field.name")
	errorType     = attribute.Key("error.type")
	httpMethod    = attribute.Key("http.request.method")
	httpStatus    = attribute.Key("http.response.status_code")
	bodySize      = attribute.Key("http.response.body.size")
	requestID     = attribute.Key("leadgraph.request_id")
	errorCodes    = attribute.Key("leadgraph.error_codes")
	staleAnswer   = attribute.Key("leadgraph.stale")
	upstreamKind  = attribute.Key("leadgraph.upstream.kind")
	upstreamRetry = attribute.Key("leadgraph.upstream.retry")
)

// spans creates the spans of operations, root fields and requests to the platform.
type spans struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	context  propagation.TraceContext // W3C; baggage is neither read nor sent
}

// newSpans sets up export over OTLP/HTTP. The SDK reads endpoint, headers, sampler,
// limits and resource from the OTEL_* variables. A platform may inject these into
// every program, so a wrong one is logged and ignored. If the export cannot be set
// up at all, newSpans returns nil.
func newSpans(ctx context.Context, o Options) *spans {
	defer watchSDK(o.Logger)()
	exporter := o.Exporter
	if exporter == nil {
		var err error
		if exporter, err = otlptracehttp.New(ctx); err != nil {
			o.Logger.WarnContext(ctx, "tracing is off: the export over OTLP cannot be set up; check the OTEL_EXPORTER_OTLP variables")
			return nil
		}
	}
	// Later options take precedence, so OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
	// override our attributes. The host name and the command line are left out.
	// An error means that from lacks what could not be read. The provider reads the
	// variables too and reports it.
	from, _ := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "leadgraph"), attribute.String("service.version", o.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(from))
	return &spans{provider: provider, tracer: provider.Tracer("leadgraph")}
}

// Extract makes the spans of a request children of the caller's span, if the
// request's headers name one.
func (t *Telemetry) Extract(next http.Handler) http.Handler {
	if t.spans == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := t.spans.context.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (s *spans) begin(ctx context.Context, came time.Time, id string) context.Context {
	ctx, _ = s.tracer.Start(ctx, "operation", trace.WithTimestamp(came), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(requestID.String(id)))
	return ctx
}

func (s *spans) end(ctx context.Context, op Operation, label, code string) {
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(httpStatus.Int(op.Status), bodySize.Int(op.Bytes))
	if op.Type != "" {
		span.SetName(op.Type)
		span.SetAttributes(operationType.String(op.Type))
		if label != "" && label != other {
			span.SetName(op.Type + " " + label)
			span.SetAttributes(operationName.String(label))
		}
	}
	if op.Stale {
		span.SetAttributes(staleAnswer.Bool(true))
	}
	if code != codeOK {
		fail(span, code)
		span.SetAttributes(errorCodes.StringSlice(slices.Clone(op.Codes)))
	}
}

// Field returns a function that starts the span of a root field, named as in the
// schema. The function it returns in turn ends the span with the field's error
// code, or "". Field returns nil if tracing is off.
func (t *Telemetry) Field() func(ctx context.Context, name string) (context.Context, func(code string)) {
	if t.spans == nil {
		return nil
	}
	return func(ctx context.Context, name string) (context.Context, func(code string)) {
		ctx, span := t.spans.tracer.Start(ctx, name, trace.WithAttributes(fieldName.String(name)))
		return ctx, func(code string) {
			if code != "" {
				fail(span, code)
			}
			span.End()
		}
	}
}

func fail(span trace.Span, code string) {
	span.SetStatus(codes.Error, code)
	span.SetAttributes(errorType.String(code))
}
