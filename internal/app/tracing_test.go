package app_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// collected holds what an OTLP collector has received.
type collected struct {
	mu    sync.Mutex
	spans []*tracepb.Span
	raw   strings.Builder
}

// collect runs a collector until the test ends and sets the variables that point
// leadgraph to it.
func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &request) != nil {
			t.Errorf("%s %v: not OTLP (%v)", r.URL.Path, r.Header, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = fmt.Fprint(&c.raw, &request)
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return c
}

// tree returns one line for each span below the parent, sorted by name.
func (c *collected) tree(parent []byte) []string {
	var lines []string
	for _, span := range c.spans {
		if string(span.GetParentSpanId()) != string(parent) {
			continue
		}
		code := span.GetStatus().GetMessage()
		lines = append(lines, strings.TrimSpace(span.GetName()+" "+code))
		for _, line := range c.tree(span.GetSpanId()) {
			lines = append(lines, span.GetName()+" / "+line)
		}
	}
	slices.Sort(lines)
	return lines
}

// recorded is a sandbox that records the headers of its requests.
type recorded struct {
	*sandbox.Server
	url string

	mu      sync.Mutex
	headers []http.Header // of reads
	tokens  []http.Header // of requests for a token
}

func record(t *testing.T) *recorded {
	t.Helper()
	platform, err := sandbox.New(sandbox.Options{Leads: 200})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorded{Server: platform}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		if request.URL.Path == sandbox.TokenPath {
			r.tokens = append(r.tokens, request.Header)
		} else {
			r.headers = append(r.headers, request.Header)
		}
		r.mu.Unlock()
		platform.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *recorded) flags(more ...string) []string {
	return append([]string{
		"--upstream-url", r.url + sandbox.BasePath, "--token-url", r.url + sandbox.TokenPath, "--client-id", sandbox.DefaultClientID,
		"--client-secret", sandbox.DefaultClientSecret, "--scope", sandbox.DefaultScope,
	}, more...)
}

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
)

// TestTraces follows one request from the client's span to the platform's, also
// through work that several requests share.
func TestTraces(t *testing.T) { //nolint:paralleltest // sets the environment
	spans, platform := collect(t), record(t)
	w := watch(t, platform.flags("--log-level", "debug")...)
	platform.Inject(sandbox.Fault{Kind: "tenant:9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902", Status: 503})
	w.query(t, `query Dashboard {
		a: lead(tenantId: "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902") { id }
		leads(first: 1) { nodes { id } }
		leadStats { total }
		wrong: leads(first: -1) { totalCount }
	}`, "Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01", "Tracestate", "vendor=1", "X-Request-Id", "request-1")
	w.query(t, `query Again { leadStats { total } }`)
	w.stop(t)

	parent, err := hex.DecodeString(callersSpan)
	if err != nil {
		t.Fatal(err)
	}
	got := spans.tree(parent)
	want := []string{
		"query Dashboard / lead", "query Dashboard / leadStats",
		"query Dashboard / leads", "query Dashboard / leads / upstream leads", "query Dashboard / leads BAD_USER_INPUT",
		// Walks over all leads and lookups belong to the operation, because its other
		// fields share them. The walk has two pages, one of them empty.
		"query Dashboard / upstream lead", "query Dashboard / upstream lead 503",
		"query Dashboard / upstream leads", "query Dashboard / upstream leads",
		"query Dashboard BAD_USER_INPUT",
	}
	if !slices.Equal(got, want) {
		t.Errorf("spans\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Only the request for a token, which belongs to no operation, and the operation
	// without a span of the caller.
	if roots := spans.tree(nil); !slices.Equal(roots, []string{"query Again", "query Again / leadStats", "upstream token"}) {
		t.Errorf("roots %q", roots)
	}
	wantPropagation(t, spans, platform)
	wantLines(t, w.Log.String(), "request-1", callersTrace)
}

// wantPropagation checks that the platform received the caller's trace and the span
// of each call for leads, and that the token endpoint received neither.
func wantPropagation(t *testing.T, spans *collected, platform *recorded) {
	t.Helper()
	sent := map[string]bool{}
	for _, header := range platform.headers {
		traceparent := strings.Split(header.Get("Traceparent"), "-")
		if len(traceparent) != 4 || traceparent[1] != callersTrace || header.Get("Tracestate") != "vendor=1" {
			t.Fatalf("the platform got %v", header)
		}
		sent[traceparent[2]] = true
	}
	for _, span := range spans.spans {
		if strings.HasPrefix(span.GetName(), "upstream lead") && !sent[hex.EncodeToString(span.GetSpanId())] {
			t.Errorf("the platform did not receive the span of %s", span.GetName())
		}
	}
	if len(platform.tokens) != 1 || platform.tokens[0].Get("Traceparent") != "" {
		t.Errorf("the token endpoint got %v", platform.tokens)
	}
}

// wantLines checks that every log line caused by a request names the request and the
// trace.
func wantLines(t *testing.T, log, request, trace string) {
	t.Helper()
	found := 0
	for line := range strings.Lines(log) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch fields["msg"] {
		case "operation", "upstream failure", "upstream attempt", "catalogue refreshed":
			if fields["requestId"] == nil || fields["trace_id"] == nil {
				if fields["msg"] != "upstream attempt" { // a token belongs to no request
					t.Errorf("a line without a request: %s", line)
				}
				continue
			}
		}
		if fields["requestId"] == request && fields["trace_id"] == trace {
			found++
		}
	}
	if found < 6 { // the operation, the walk, the lookups and their attempts
		t.Errorf("%d lines of the request in\n%s", found, log)
	}
}

// TestNothingPersonalIsWatched puts personal data wherever a client, a token or the
// platform can, and looks for it in the metrics, the spans and the log.
func TestNothingPersonalIsWatched(t *testing.T) { //nolint:paralleltest // sets the environment
	spans, platform := collect(t), record(t)
	w := watch(t, platform.flags("--log-level", "debug")...)
	const document = `query Canary($tenant: UUID!, $text: String) {
		danaLevi: lead(tenantId: $tenant) { id contactDetails { fullName email } civicAddresses { streetName } }
		leads(first: 2, filter: {search: $text}) { nodes { contactDetails { fullName } } }
	}`
	body := apptest.Body(document, map[string]string{"tenant": "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902", "text": "Dana Levi"})
	headers := []string{
		"Authorization", "Bearer DanaLevi", "Baggage", "user=DanaLevi", "User-Agent", "DanaLevi", "Cookie", "user=DanaLevi",
		"Traceparent", "DanaLevi", "X-Request-Id", "Dana Levi",
	}
	if answer := apptest.Post(t, w.Endpoint(), body, headers...); !strings.Contains(answer.Body, "fullName") {
		t.Fatal(answer.Body)
	}
	platform.Inject(sandbox.Fault{Kind: sandbox.KindTenant, Times: -1, Status: 400, Body: `{"title":"Dana Levi","detail":"dana.levi@contoso.example"}`})
	w.query(t, `{ lead(tenantId: "6a7c0e81-4b3d-4f92-ae15-c9d8f7b6e510") { id } }`, headers...)
	w.query(t, `{ lead(tenantId: "dana.levi@contoso.example") { id } }`, headers...)
	w.query(t, "query DanaLevi"+strings.Repeat("x", 60)+" { leadStats { total } }") // a name too long for a label
	w.query(t, `{ leadStats { total } }`, "Origin", "https://danalevi.example")
	w.query(t, `{ leadStats { total } }`, "Content-Encoding", "DanaLevi")
	apptest.Post(t, w.Endpoint(), `{"query": "Dana Levi`)
	metrics := w.metrics(t)
	w.stop(t)
	if len(spans.spans) < 10 || !strings.Contains(metrics, "leadgraph_operations_total") {
		t.Fatalf("%d spans, metrics %s", len(spans.spans), metrics)
	}
	canary := regexp.MustCompile(`(?i)dana.?levi|contoso|9e2d4c10|6a7c0e81|Smith|4255550|` + regexp.QuoteMeta(strings.TrimPrefix(platform.url, "http://")) + `|` + sandbox.DefaultClientSecret)
	for where, text := range map[string]string{"metrics": metrics, "spans": spans.raw.String()} {
		if leaked := canary.FindString(text); leaked != "" {
			t.Errorf("%q is in the %s", leaked, where)
		}
	}
	for line := range strings.Lines(w.Log.String()) {
		if leaked := canary.FindString(line); leaked != "" && !strings.Contains(line, `"name":"DanaLevixxx`) &&
			!strings.Contains(line, `"origin":"https://danalevi.example"`) { // the log has the names of operations and of refused origins
			t.Errorf("%q is in the log: %s", leaked, line)
		}
	}
}
