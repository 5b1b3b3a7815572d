package telemetry_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"leadgraph/internal/telemetry"
)

// traced returns a Telemetry with tracing, and a function that closes it and
// returns its spans.
func traced(t *testing.T) (*telemetry.Telemetry, func() tracetest.SpanStubs) {
	t.Helper()
	exporter := kept{tracetest.NewInMemoryExporter()}
	o := options()
	o.Tracing, o.Exporter = true, exporter
	seen := telemetry.New(t.Context(), o)
	return seen, func() tracetest.SpanStubs {
		seen.Close()
		return exporter.GetSpans()
	}
}

func named(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	at := slices.IndexFunc(spans, func(s tracetest.SpanStub) bool { return s.Name == name })
	if at < 0 {
		var names []string
		for _, s := range spans {
			names = append(names, s.Name)
		}
		t.Fatalf("no span %q in %q", name, names)
	}
	return spans[at]
}

// attributes formats attributes as name=value, sorted.
func attributes(of tracetest.SpanStub) string {
	var list []string
	for _, a := range of.Attributes {
		list = append(list, string(a.Key)+"="+a.Value.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
)

func TestSpansOfAnOperation(t *testing.T) {
	t.Parallel()
	seen, end := traced(t)
	came := time.Now().Add(-time.Second)
	seen.Extract(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := seen.Begin(context.WithValue(r.Context(), requestKey{}, "request-1"), came)
		_, endField := seen.Field()(ctx, "leads")
		endField("UPSTREAM_TIMEOUT")
		_, endField = seen.Field()(ctx, "node")
		endField("")
		seen.Done(ctx, telemetry.Operation{Name: "Page", Type: "query", Status: 200, Codes: []string{"BAD_USER_INPUT", "UPSTREAM_TIMEOUT"}, Bytes: 7, Stale: true})
		seen.Done(seen.Begin(r.Context(), came), telemetry.Operation{Name: strings.Repeat("x", 65), Type: "subscription", Status: 200})
		seen.Done(seen.Begin(r.Context(), came), telemetry.Operation{Status: 400, Codes: []string{"GRAPHQL_PARSE_FAILED"}})
	})).ServeHTTP(httptest.NewRecorder(), fromCaller(t))
	spans := end()

	operation := named(t, spans, "query Page")
	if operation.SpanContext.TraceID().String() != callersTrace || operation.Parent.SpanID().String() != callersSpan || !operation.Parent.IsRemote() {
		t.Errorf("the operation is not the caller's: %v", operation.Parent)
	}
	if operation.SpanKind != trace.SpanKindServer || !operation.StartTime.Equal(came) || operation.Status.Code != codes.Error || operation.Status.Description != "UPSTREAM_TIMEOUT" {
		t.Errorf("%v %v %v", operation.SpanKind, operation.StartTime, operation.Status)
	}
	if got := attributes(operation); got != `error.type=UPSTREAM_TIMEOUT graphql.operation.name=Page graphql.operation.type=query http.response.body.size=7 http.response.status_code=200 leadgraph.error_codes=["BAD_USER_INPUT","UPSTREAM_TIMEOUT"] leadgraph.request_id=request-1 leadgraph.stale=true` {
		t.Errorf("attributes %s", got)
	}
	field := named(t, spans, "leads")
	if field.Parent.SpanID() != operation.SpanContext.SpanID() || attributes(field) != "error.type=UPSTREAM_TIMEOUT graphql.field.name=leads" {
		t.Errorf("field of %v: %s", field.Parent, attributes(field))
	}
	if field = named(t, spans, "node"); field.Status.Code != codes.Unset || attributes(field) != "graphql.field.name=node" {
		t.Errorf("field %v: %s", field.Status, attributes(field))
	}
	named(t, spans, "subscription") // a name without a label does not appear in a span's name
	if refused := named(t, spans, "operation"); refused.Status.Description != "GRAPHQL_PARSE_FAILED" {
		t.Errorf("status %v", refused.Status)
	}
	for _, a := range operation.Resource.Attributes() {
		if a.Key == "host.name" || strings.HasPrefix(string(a.Key), "process.") {
			t.Errorf("the resource tells %s", a.Key)
		}
	}
	if name, _ := operation.Resource.Set().Value(attribute.Key("service.name")); name.AsString() != "leadgraph" {
		t.Errorf("the service is called %q", name.AsString())
	}
}

// fromCaller returns a request from a client that traces.
func fromCaller(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
	r.Header.Set("Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01")
	r.Header.Set("Tracestate", "vendor=1")
	r.Header.Set("Baggage", "user=dana.levi")
	return r
}

func TestSpansOfCallsToThePlatform(t *testing.T) {
	t.Parallel()
	received := make(chan http.Header, 4)
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received <- r.Header
		switch r.URL.Path {
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/cut":
			w.Header().Set("Content-Length", "10")
		}
		_, _ = io.WriteString(w, "leads")
	}))
	t.Cleanup(platform.Close)
	seen, end := traced(t)
	conns := &http.Transport{DisableKeepAlives: true}
	client := seen.Wrap(conns)
	ask := func(kind, url string) error {
		t.Helper()
		ctx := context.WithValue(t.Context(), kindKey{}, kind)
		seen.Extract(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx = trace.ContextWithSpanContext(ctx, trace.SpanContextFromContext(r.Context()))
		})).ServeHTTP(nil, fromCaller(t))
		header := http.Header{"X": {"kept"}}
		request := (&http.Request{Method: http.MethodGet, Header: header}).WithContext(ctx)
		var err error
		if request.URL, err = request.URL.Parse(url + "?msTenantID=f94238e5"); err != nil {
			t.Fatal(err)
		}
		response, err := client.RoundTrip(request)
		if len(header) != 1 {
			t.Errorf("the request was changed: %v", header)
		}
		if err != nil {
			return err
		}
		_, err = io.ReadAll(response.Body)
		return errors.Join(err, response.Body.Close())
	}
	if err := ask("lead", platform.URL+"/"); err != nil {
		t.Error(err)
	}
	sent := <-received
	if err := ask("token", platform.URL+"/"); err != nil {
		t.Error(err)
	}
	if got := <-received; got.Get("Traceparent")+got.Get("Tracestate") != "" {
		t.Errorf("the token endpoint got %v", got)
	}
	if err := ask("leads", platform.URL+"/busy"); err != nil {
		t.Error(err)
	}
	if err := ask("online", platform.URL+"/cut"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if err := ask("f94238e5", nobody(t)); err == nil {
		t.Error("somebody answered")
	}

	spans := end()
	span := named(t, spans, "upstream lead")
	if sent.Get("Traceparent") != "00-"+callersTrace+"-"+span.SpanContext.SpanID().String()+"-01" || sent.Get("Tracestate") != "vendor=1" || sent.Get("Baggage") != "" {
		t.Errorf("the platform got %v", sent)
	}
	if span.Parent.SpanID().String() != callersSpan || span.SpanKind != trace.SpanKindClient {
		t.Errorf("parent %v", span.Parent)
	}
	for name, want := range map[string]string{
		"upstream lead":   "http.request.method=GET http.response.body.size=5 http.response.status_code=200 leadgraph.upstream.kind=lead leadgraph.upstream.retry=false",
		"upstream token":  "http.request.method=GET http.response.body.size=5 http.response.status_code=200 leadgraph.upstream.kind=token leadgraph.upstream.retry=false",
		"upstream leads":  "error.type=503 http.request.method=GET http.response.body.size=5 http.response.status_code=503 leadgraph.upstream.kind=leads leadgraph.upstream.retry=true",
		"upstream online": "error.type=cut http.request.method=GET http.response.body.size=5 http.response.status_code=200 leadgraph.upstream.kind=online leadgraph.upstream.retry=false",
		"upstream other":  "error.type=connection http.request.method=GET leadgraph.upstream.kind=other leadgraph.upstream.retry=false",
	} {
		if got := attributes(named(t, spans, name)); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// nobody returns the address of a closed server.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return "http://" + listener.Addr().String()
}

func TestNothingIsTracedUnlessAsked(t *testing.T) {
	t.Parallel()
	seen := start(t, options())
	next := http.NotFoundHandler()
	if seen.Field() != nil || seen.Wrap(http.DefaultTransport) != http.DefaultTransport {
		t.Error("something is in the way")
	}
	var traced trace.SpanContext
	seen.Extract(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traced = trace.SpanContextFromContext(seen.Begin(r.Context(), time.Now()))
		next.ServeHTTP(w, r)
	})).ServeHTTP(httptest.NewRecorder(), fromCaller(t))
	if traced.IsValid() {
		t.Errorf("a span %v", traced)
	}
}

// TestOTLP exports to a collector that the standard variables name.
func TestOTLP(t *testing.T) { //nolint:paralleltest // sets the environment
	type export struct {
		path, auth string
		request    collector.ExportTraceServiceRequest
	}
	exports := make(chan *export, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := &export{path: r.URL.Path, auth: r.Header.Get("Authorization")}
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		text, err := io.ReadAll(body)
		if err != nil || proto.Unmarshal(text, &got.request) != nil {
			t.Errorf("not protobuf: %v", err)
		}
		exports <- got
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":    server.URL,
		"OTEL_EXPORTER_OTLP_HEADERS":     "Authorization=Bearer%20collector",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
		"OTEL_SERVICE_NAME":              "leadgraph-blue",
		"OTEL_RESOURCE_ATTRIBUTES":       "deployment.environment.name=test",
		"OTEL_TRACES_SAMPLER":            "traceidratio",
		"OTEL_TRACES_SAMPLER_ARG":        "1",
	} {
		t.Setenv(name, value)
	}
	o := options()
	o.Tracing = true
	seen := telemetry.New(t.Context(), o)
	seen.Done(seen.Begin(t.Context(), time.Now()), telemetry.Operation{Name: "Page", Type: "query"})
	seen.Close()
	got := <-exports
	if got.path != "/v1/traces" || got.auth != "Bearer collector" {
		t.Errorf("exported to %s as %q", got.path, got.auth)
	}
	spans := got.request.GetResourceSpans()[0]
	if name := spans.GetScopeSpans()[0].GetSpans()[0].GetName(); name != "query Page" {
		t.Errorf("span %q", name)
	}
	resource := map[string]string{}
	for _, a := range spans.GetResource().GetAttributes() {
		resource[a.GetKey()] = a.GetValue().GetStringValue()
	}
	if resource["service.name"] != "leadgraph-blue" || resource["service.version"] != "v1" || resource["deployment.environment.name"] != "test" {
		t.Errorf("resource %v", resource)
	}
}

// A collector that is down causes warnings, and a delay of seconds in Close.
func TestOTLPWithoutACollector(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", nobody(t))
	lines := make(chan string, 10)
	o := options()
	o.Tracing, o.Logger = true, slog.New(slog.NewTextHandler(lineWriter(lines), nil))
	seen := telemetry.New(t.Context(), o)
	seen.Done(seen.Begin(t.Context(), time.Now()), telemetry.Operation{Name: "Page", Type: "query"})
	seen.Close()
	if line := <-lines; !strings.Contains(line, "spans are lost") {
		t.Errorf("line %s", line)
	}
}

type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

// A platform sets OpenTelemetry's variables for every program. Those that are not
// valid are ignored with a warning, and the rest still applies. The warnings must
// not repeat values, which may be secret.
func TestInvalidVariablesAreIgnored(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_RESOURCE_ATTRIBUTES":       "team=voice,region",
		"OTEL_EXPORTER_OTLP_TIMEOUT":     "10s-canary",
		"OTEL_EXPORTER_OTLP_HEADERS":     "canary",
		"OTEL_EXPORTER_OTLP_CERTIFICATE": "/none/canary",
		"OTEL_TRACES_SAMPLER":            "sometimes",
		"OTEL_BSP_SCHEDULE_DELAY":        "soon-canary",
	} {
		t.Run(name, func(t *testing.T) {
			exports := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-protobuf")
				exports <- struct{}{}
			}))
			t.Cleanup(server.Close)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
			t.Setenv(name, value)
			lines := make(chan string, 10)
			o := options()
			o.Tracing, o.Logger = true, slog.New(slog.NewJSONHandler(lineWriter(lines), nil))
			seen := telemetry.New(t.Context(), o)
			seen.Done(seen.Begin(t.Context(), time.Now()), telemetry.Operation{Name: "Page", Type: "query"})
			seen.Close()
			<-exports
			if len(lines) == 0 {
				t.Error("no warning")
			}
			for range len(lines) {
				if line := <-lines; !strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, "canary") {
					t.Errorf("line %s", line)
				}
			}
		})
	}
}
