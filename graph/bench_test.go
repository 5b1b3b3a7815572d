package graph_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"leadgraph/graph"
	"leadgraph/graph/pagination"
	"leadgraph/graph/transport"
	"leadgraph/internal/telemetry"
	"leadgraph/lead"
	"leadgraph/lead/lookup"
)

// onlySource has one lead for every tenant.
type onlySource struct{ attempt func(context.Context) }

func (s onlySource) LeadsByTenant(ctx context.Context, tenantID string, _ bool) ([]*lead.Lead, error) {
	s.attempt(ctx)
	return []*lead.Lead{{ID: tenantID, TenantID: tenantID, StatusText: new("Active"), ContactDetails: &lead.ContactDetails{}}}, nil
}

// BenchmarkOneLead does the work of W1 without the platform. The difference
// between its two parts is the cost of telemetry.
func BenchmarkOneLead(b *testing.B) {
	watcher := telemetry.New(b.Context(), telemetry.Options{RequestID: func(context.Context) string { return "" }, Logger: slog.New(slog.DiscardHandler)})
	watched := graph.Options{Begin: watcher.Begin, Done: func(ctx context.Context, op transport.Operation) { watcher.Done(ctx, telemetry.Operation(op)) }}
	b.Run("alone", func(b *testing.B) {
		benchmarkOneLead(b, graph.Options{}, lookup.Options{}, func(context.Context) {})
	})
	b.Run("counted", func(b *testing.B) {
		batches := lookup.Options{OnBatch: func(tenants int, took lookup.Report) { watcher.Batch(tenants, took.CacheHits, took.Plan) }}
		benchmarkOneLead(b, watched, batches, func(ctx context.Context) {
			watcher.Attempt(ctx, telemetry.Attempt{Kind: "lead", Outcome: "ok", Status: http.StatusOK, Took: time.Millisecond, Bytes: 1288})
		})
	})
}

func benchmarkOneLead(b *testing.B, o graph.Options, lookups lookup.Options, attempt func(context.Context)) {
	lookups.TTL = -1
	found := lookup.New(onlySource{attempt}, nil, lookups)
	defer found.Close()
	o.Lookups, o.Cursors = found, pagination.NewSeal("", []byte("the key of the benchmark"))
	o.Caller = func(context.Context) string { return "" }
	o.SeesPII = func(context.Context) bool { return true }
	o.RequestID = func(context.Context) string { return "" }
	o.MaxBody, o.Timeout, o.Logger = 64<<10, 10*time.Second, slog.New(slog.DiscardHandler)
	handler, err := graph.NewHandler(o)
	if err != nil {
		b.Fatal(err)
	}
	const body = `{"query":"query Lead($id: UUID!) { lead(tenantId: $id) { id tenantId status statusText consentedOn contactDetails { fullName email companyName } } }","variables":{"id":"` + seedTenant + `"}}`
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "errors") {
			b.Fatal(answer.Body)
		}
	}
}
