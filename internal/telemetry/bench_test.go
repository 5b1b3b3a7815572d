package telemetry_test

import (
	"net/http"
	"testing"
	"time"

	"leadgraph/internal/telemetry"
)

// BenchmarkCounting measures all metric updates for an operation with one lookup.
func BenchmarkCounting(b *testing.B) {
	seen := telemetry.New(b.Context(), options())
	b.ReportAllocs()
	for b.Loop() {
		ctx := seen.Begin(b.Context(), time.Time{})
		seen.Attempt(ctx, telemetry.Attempt{Kind: "lead", Outcome: "ok", Status: http.StatusOK, Took: time.Millisecond, Bytes: 1288})
		seen.Batch(1, 0, "single reads")
		seen.Done(ctx, telemetry.Operation{Name: "One", Type: "query", Status: http.StatusOK, Took: 2 * time.Millisecond})
	}
}
