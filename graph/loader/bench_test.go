package loader_test

import (
	"context"
	"fmt"
	"testing"

	"leadgraph/graph/loader"
	"leadgraph/lead"
)

// BenchmarkLoadAll loads an operation's batch of 20 tenants that cost nothing
// to read. It measures the dataloader itself.
func BenchmarkLoadAll(b *testing.B) {
	keys := make([]loader.Key, 20)
	for i := range keys {
		keys[i].TenantID = fmt.Sprint("tenant-", i)
	}
	reader := readerFunc(func(_ context.Context, key loader.Key) ([]*lead.Lead, error) { return named(key.TenantID), nil })
	b.ReportAllocs()
	for b.Loop() {
		loader.New(b.Context(), reader, len(keys)).LoadAll(b.Context(), keys)
	}
}
