// Package telemetry provides Prometheus metrics, OpenTelemetry traces and log lines
// that carry the id of their request.
//
// All of it may be public: no label, attribute or line contains personal data,
// tenant ids, hosts, documents, variables or error texts. Clients choose the names
// of their operations; only a bounded number of names become labels.
//
// The observed packages do not import this one. They declare hook functions whose
// struct types have the same fields as the types here, so that the program can
// convert between them.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Options configure metrics and traces. RequestID, Attempt and Logger are required.
type Options struct {
	// Version is the version of the program.
	Version string
	// Operations lists operation names that always have a label of their own, such
	// as those of trusted documents.
	Operations []string
	// Tracing exports spans over OTLP. The OTEL_* variables configure the export.
	Tracing bool
	// Exporter receives the spans instead of OTLP. It is for tests.
	Exporter sdktrace.SpanExporter
	// RequestID returns the id of the request that a context belongs to, or "".
	RequestID func(context.Context) string
	// Attempt returns the kind of a request to the platform, given its context, and
	// whether it retries a failed one.
	Attempt func(context.Context) (kind string, retry bool)
	// Logger receives errors of exporting spans and of serving metrics.
	Logger *slog.Logger
	// Now is the clock that ages are measured by; time.Now if nil.
	Now func() time.Time
}

// Telemetry counts and traces. It is safe for concurrent use.
type Telemetry struct {
	options  Options
	registry *prometheus.Registry
	metrics
	names   *names
	scraped scraped
	spans   *spans // nil if tracing is off
}

// New returns a Telemetry, which must be closed. OTEL_* variables that are invalid
// are logged and ignored.
func New(ctx context.Context, o Options) *Telemetry {
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Telemetry{options: o, registry: prometheus.NewRegistry(), metrics: newMetrics(), names: newNames(o.Operations)}
	t.scraped.now = o.Now
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: namespace + "build_info", Help: "Always 1; the label holds the version of leadgraph and of Go.",
	}, []string{"version"})
	build.WithLabelValues(o.Version).Set(1)
	t.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &t.scraped)
	t.registry.MustRegister(t.all()...)
	if o.Tracing {
		t.spans = newSpans(ctx, o)
	}
	return t
}

// Handler returns a handler that serves the metrics to Prometheus.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog:          slog.NewLogLogger(t.options.Logger.Handler(), slog.LevelWarn),
		EnableOpenMetrics: true,
	})
}

// closeWait is how long Close may take to export the last spans. It is shorter than
// the time after which a container engine kills a stopping container.
const closeWait = 3 * time.Second

// Close exports the spans that have ended and stops tracing.
func (t *Telemetry) Close() {
	if t.spans == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if err := t.spans.provider.Shutdown(ctx); err != nil {
		t.options.Logger.Warn("spans are lost", slog.Any("error", err))
	}
}
