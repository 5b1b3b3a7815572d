package upstream

import (
	"net/http/httptest"
	"testing"

	"leadgraph/upstream/sandbox"
)

// BenchmarkLookup measures a lookup over loopback, including the platform's work.
func BenchmarkLookup(b *testing.B) {
	platform, err := sandbox.New(sandbox.Options{Leads: 100, NoAuth: true})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(platform)
	b.Cleanup(server.Close)
	client, err := NewClient(Options{BaseURL: server.URL + sandbox.BasePath, StaticToken: "token"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	tenant := platform.Tenants()[1]
	b.ReportAllocs()
	for b.Loop() {
		if leads, err := client.LeadsByTenant(b.Context(), tenant, false); err != nil || len(leads) != 1 {
			b.Fatalf("%d leads, error %v", len(leads), err)
		}
	}
}
