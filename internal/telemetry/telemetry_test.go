package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"leadgraph/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kept is an exporter that keeps its spans after shutdown.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

type kindKey struct{}

// options returns options that read the request id and the attempt from context
// values.
func options() telemetry.Options {
	return telemetry.Options{
		Version: "v1",
		RequestID: func(ctx context.Context) string {
			id, _ := ctx.Value(requestKey{}).(string)
			return id
		},
		Attempt: func(ctx context.Context) (string, bool) {
			kind, _ := ctx.Value(kindKey{}).(string)
			return kind, kind == "leads"
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

type requestKey struct{}

func start(t *testing.T, o telemetry.Options) *telemetry.Telemetry {
	t.Helper()
	seen := telemetry.New(t.Context(), o)
	t.Cleanup(seen.Close)
	return seen
}

// scrape returns leadgraph's samples by name and labels.
func scrape(t *testing.T, seen *telemetry.Telemetry) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	seen.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	samples := map[string]string{}
	for line := range strings.Lines(answer.Body.String()) {
		if sample, ok := strings.CutPrefix(strings.TrimSpace(line), "leadgraph_"); ok {
			end := strings.LastIndexByte(sample, ' ')
			samples[sample[:end]] = sample[end+1:]
		}
	}
	return samples
}

func want(t *testing.T, samples map[string]string, name, value string) {
	t.Helper()
	if got := samples[name]; got != value {
		t.Errorf("%s is %q, want %q", name, got, value)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	o := options()
	o.Now = func() time.Time { return now }
	seen := start(t, o)

	samples := scrape(t, seen)
	want(t, samples, `build_info{version="v1"}`, "1")
	want(t, samples, `upstream_attempts_total{kind="lead",outcome="timeout"}`, "0")
	want(t, samples, `catalogue_leads`, "")

	ctx := seen.Begin(t.Context(), now)
	other := seen.Begin(t.Context(), now)
	want(t, scrape(t, seen), "operations_in_flight", "2")
	seen.Done(ctx, telemetry.Operation{Name: "Page", Type: "query", Status: 200, Took: 3 * time.Millisecond})
	seen.Done(other, telemetry.Operation{Name: "Page", Type: "query", Status: 200, Codes: []string{"BAD_USER_INPUT", "UPSTREAM_TIMEOUT"}, Took: time.Second, Stale: true})
	seen.Refused("OVERLOADED")
	seen.Refused("Dana Levi")
	seen.Attempt(ctx, telemetry.Attempt{Kind: "leads", Outcome: "ok", Status: 200, Took: time.Second, Bytes: 100})
	seen.Attempt(ctx, telemetry.Attempt{Kind: "leads", Outcome: "cut", Retry: true, Bytes: 10})
	seen.Attempt(ctx, telemetry.Attempt{Kind: "f94238e5", Outcome: "Dana Levi"})
	seen.Batch(20, 16, "single reads")
	seen.Batch(1, 1, "f94238e5")
	seen.Refreshed(time.Second, 2, nil)
	seen.Refreshed(time.Second, 0, nil)
	seen.Refreshed(time.Second, 1, errors.New("upstream"))
	seen.Refreshed(time.Second, 1, fmt.Errorf("left: %w", context.Canceled))
	seen.Published(now.Add(-time.Minute), 2000, 3)
	seen.Conflicts(4)
	seen.Disordered()
	seen.Unreadable(map[string]int{"no_id": 2, "dana": 1})
	seen.Watch(telemetry.Sources{
		Upstream: func() telemetry.Upstream {
			return telemetry.Upstream{Gates: map[string]telemetry.Gate{"lead": {Limits: true, Refused: 6}, "leads": {}}, Breaker: "half_open", Limit: 64, InFlight: 3, Queued: 2, TokenExpires: time.Unix(5000, 500_000_000), PageLeads: 1000, PageCap: 100, FirstPage: 1, ListEnd: "404"}
		},
		Queue:   func() telemetry.Queue { return telemetry.Queue{Limit: 256, Running: 9, Waiting: 4} },
		Shared:  func() telemetry.Shared { return telemetry.Shared{Condition: "refusing", Rejected: 5} },
		Callers: func() int { return 12 },
		Projection: func() telemetry.Projection {
			return telemetry.Projection{Hits: 7, Ended: 1, Fallbacks: map[string]uint64{"null": 2}}
		},
	})

	samples = scrape(t, seen)
	for name, value := range map[string]string{
		"operations_in_flight":                                           "0",
		`shared_state{condition="refusing"}`:                             "1",
		`shared_state{condition="unreachable"}`:                          "0",
		"shared_rejected_values_total":                                   "5",
		`operations_total{code="OK",operation="Page"}`:                   "1",
		`operations_total{code="UPSTREAM_TIMEOUT",operation="Page"}`:     "1",
		`operation_duration_seconds_bucket{operation="Page",le="0.005"}`: "1",
		`operation_duration_seconds_count{operation="Page"}`:             "2",
		`errors_total{code="UPSTREAM_TIMEOUT"}`:                          "1",
		`errors_total{code="BAD_USER_INPUT"}`:                            "1",
		"stale_answers_total":                                            "1",
		`refused_requests_total{code="OVERLOADED"}`:                      "1",
		`refused_requests_total{code="other"}`:                           "1",
		`upstream_attempts_total{kind="leads",outcome="ok"}`:             "1",
		`upstream_attempts_total{kind="other",outcome="other"}`:          "1",
		`upstream_attempt_duration_seconds_count{kind="leads"}`:          "2",
		`upstream_received_bytes_total{kind="leads"}`:                    "110",
		`upstream_retries_total{kind="leads"}`:                           "1",
		`lookups_total{result="hit"}`:                                    "17",
		`lookups_total{result="miss"}`:                                   "4",
		`lookup_batch_tenants_sum`:                                       "21",
		`lookup_plans_total{plan="single reads"}`:                        "1",
		`lookup_plans_total{plan="other"}`:                               "1",
		`catalogue_refreshes_total{outcome="read"}`:                      "1",
		`catalogue_refreshes_total{outcome="shared"}`:                    "1",
		`catalogue_refreshes_total{outcome="failed"}`:                    "1",
		`catalogue_refreshes_total{outcome="canceled"}`:                  "1",
		`catalogue_refresh_duration_seconds_count`:                       "2",
		`catalogue_age_seconds`:                                          "60",
		`catalogue_leads`:                                                "2000",
		`catalogue_unreadable_rows`:                                      "3",
		`upstream_conflicting_rows_total`:                                "4",
		`upstream_unreadable_rows_total{reason="no_id"}`:                 "2",
		`upstream_unreadable_rows_total{reason="other"}`:                 "1",
		`upstream_breaker_state{state="half_open"}`:                      "1",
		`upstream_breaker_state{state="open"}`:                           "0",
		`upstream_gate_closed{kind="lead"}`:                              "1",
		`upstream_gate_closed{kind="leads"}`:                             "0",
		`upstream_gate_refusals_total{kind="lead"}`:                      "6",
		`upstream_in_flight`:                                             "3",
		`upstream_concurrency_limit`:                                     "64",
		`upstream_queued`:                                                "2",
		`upstream_page_leads`:                                            "1000",
		`upstream_page_cap`:                                              "100",
		`upstream_first_page`:                                            "1",
		`upstream_list_end{answer="404"}`:                                "1",
		`upstream_token_expiry_timestamp_seconds`:                        "5000.5",
		"callers":               "12",
		"admission_limit":       "256",
		"admission_running":     "9",
		"admission_waiting":     "4",
		`projection_hits_total`: "7",
		`projection_fallbacks_total{reason="null"}`: "2",
		`projection_ended_total`:                    "1",
	} {
		want(t, samples, name, value)
	}
	for name := range samples {
		if strings.Contains(name, "Dana") || strings.Contains(name, "f94238e5") {
			t.Errorf("unlisted label: %s", name)
		}
	}
}

// Clients choose the names of operations, so the number of labels must be bounded.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	o := options()
	o.Operations = []string{"Trusted", "AlsoTrusted", "not a name"}
	seen := start(t, o)
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for i := range 200 {
				for _, name := range []string{fmt.Sprintf("Client%d", i), fmt.Sprintf("Client%d_%d", client, i), strings.Repeat("x", 65+i), "Dana Levi", "not a name"} {
					seen.Done(seen.Begin(t.Context(), time.Now()), telemetry.Operation{Name: name})
				}
			}
		})
	}
	clients.Wait()
	for _, name := range []string{"", "Trusted", "AlsoTrusted", "TooLate"} {
		seen.Done(seen.Begin(t.Context(), time.Now()), telemetry.Operation{Name: name})
	}
	counted := map[string]bool{}
	samples := scrape(t, seen)
	label := regexp.MustCompile(`^operations_total{code="OK",operation="([^"]*)"}$`)
	for name := range samples {
		if found := label.FindStringSubmatch(name); found != nil {
			counted[found[1]] = true
		}
	}
	if len(counted) != 100+2 || !counted["Trusted"] || !counted["AlsoTrusted"] || !counted["other"] || !counted[""] || counted["TooLate"] {
		t.Errorf("%d labels: %v", len(counted), counted)
	}
	want(t, samples, `operations_total{code="OK",operation="Trusted"}`, "1")
}

func TestTrustedNamesLeaveNoRoomForMoreThanThereIs(t *testing.T) {
	t.Parallel()
	o := options()
	for i := range 150 {
		o.Operations = append(o.Operations, fmt.Sprintf("Trusted%d", i))
	}
	seen := start(t, o)
	for _, name := range append([]string{"Client"}, o.Operations...) {
		seen.Done(seen.Begin(t.Context(), time.Now()), telemetry.Operation{Name: name})
	}
	samples := scrape(t, seen)
	want(t, samples, `operations_total{code="OK",operation="Client"}`, "")
	want(t, samples, `operations_total{code="OK",operation="Trusted99"}`, "1")
	want(t, samples, `operations_total{code="OK",operation="other"}`, "51")
}

// TestCodesAreDocumented keeps the labels in step with the list of codes.
func TestCodesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := start(t, options())
	samples := scrape(t, seen)
	codes := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(string(page), -1)
	for _, code := range codes {
		want(t, samples, `refused_requests_total{code="`+code[1]+`"}`, "0")
	}
	listed := 0
	for name := range samples {
		if strings.HasPrefix(name, "refused_requests_total") {
			listed++
		}
	}
	if listed != len(codes) {
		t.Errorf("%d codes are labels, %d in docs/errors.md", listed, len(codes))
	}
}

func TestLogLinesBelongToRequests(t *testing.T) {
	t.Parallel()
	o := options()
	o.Tracing, o.Exporter = true, kept{tracetest.NewInMemoryExporter()}
	seen := start(t, o)
	var text bytes.Buffer
	log := slog.New(telemetry.LogHandler(slog.NewJSONHandler(&text, nil), o.RequestID)).With("part", "x")
	line := func() string {
		got := text.String()
		text.Reset()
		return got
	}
	log.InfoContext(t.Context(), "alone")
	if got := line(); !strings.HasSuffix(got, `"msg":"alone","part":"x"}`+"\n") {
		t.Errorf("line %s", got)
	}
	ctx := context.WithValue(t.Context(), requestKey{}, "request-1")
	log.InfoContext(ctx, "untraced", "a", 1)
	if got := line(); !strings.HasSuffix(got, `"msg":"untraced","part":"x","a":1,"requestId":"request-1"}`+"\n") {
		t.Errorf("line %s", got)
	}
	log.InfoContext(seen.Begin(ctx, time.Now()), "traced")
	if got := line(); !regexp.MustCompile(`"requestId":"request-1","trace_id":"[0-9a-f]{32}","span_id":"[0-9a-f]{16}"}\n$`).MatchString(got) {
		t.Errorf("line %s", got)
	}
	grouped := log.WithGroup("group")
	grouped.InfoContext(ctx, "grouped")
	if got := line(); !strings.Contains(got, `"group":{"requestId":"request-1"}`) {
		t.Errorf("line %s", got)
	}
}
