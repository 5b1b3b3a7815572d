// Package telemetry shows operators what leadgraph does: Prometheus metrics,
// OpenTelemetry traces, and lines of the log that belong to one request.
//
// All of it is public: no label, attribute or line holds personal data, tenant
// ids, hosts, documents, variables or texts of errors. What a client chooses, the
// name of its operation, becomes a label for a bounded number of names only.
//
// The packages that are watched do not know this one. They declare functions that
// they call, and the structs of these have the fields of the ones here, so that
// the program can convert one to the other.
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

// Options say what is watched. RequestID, Attempt and Logger are required.
type Options struct {
	// Version is that of the program.
	Version string
	// Operations are names that have labels of their own whatever clients send,
	// such as those of trusted documents.
	Operations []string
	// Tracing exports spans over OTLP; the OTEL_* variables say where and which.
	Tracing bool
	// Exporter takes the spans in the place of OTLP; for tests.
	Exporter sdktrace.SpanExporter
	// RequestID names the request of a context, "" if it has none.
	RequestID func(context.Context) string
	// Attempt tells, by the context of a request to the platform, of which kind it
	// is and whether it repeats a failed one.
	Attempt func(context.Context) (kind string, retry bool)
	// Logger is told when spans cannot be exported.
	Logger *slog.Logger
	// Now is the clock of ages; time.Now if nil.
	Now func() time.Time
}

// Telemetry counts and traces. It is safe for concurrent use.
type Telemetry struct {
	options  Options
	registry *prometheus.Registry
	metrics
	names   *names
	scraped scraped
	spans   *spans // nil if nothing is traced
}

// New starts watching. It fails if the OTEL_* variables cannot be used. Close it
// after use.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Telemetry{options: o, registry: prometheus.NewRegistry(), metrics: newMetrics(), names: newNames(o.Operations)}
	t.scraped.now = o.Now
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: namespace + "build_info", Help: "1, with the version of leadgraph and of Go.",
	}, []string{"version"})
	build.WithLabelValues(o.Version).Set(1)
	t.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &t.scraped)
	t.registry.MustRegister(t.all()...)
	if o.Tracing {
		var err error
		if t.spans, err = newSpans(ctx, o); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Handler serves the metrics to Prometheus.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog:          slog.NewLogLogger(t.options.Logger.Handler(), slog.LevelWarn),
		EnableOpenMetrics: true,
	})
}

// closeWait is how long the last spans may take to a collector: less than it takes
// a container's engine to lose its patience.
const closeWait = 3 * time.Second

// Close exports the spans that have ended.
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
