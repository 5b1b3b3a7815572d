package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// slowPlatform is a sandbox that answers too late and counts the calls in progress.
type slowPlatform struct {
	*sandbox.Server
	busy atomic.Int64
	// Each call for leads sends to arrived when it begins and to left when it ends.
	arrived, left chan struct{}
}

// ServeHTTP implements http.Handler.
func (p *slowPlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.busy.Add(1)
	p.arrived <- struct{}{}
	p.Server.ServeHTTP(w, r)
	p.busy.Add(-1)
	p.left <- struct{}{}
}

// BenchmarkDisconnect measures how long calls to the platform go on after the client
// has left, for each way to read leads.
func BenchmarkDisconnect(b *testing.B) {
	stand, err := sandbox.New(sandbox.Options{NoAuth: true, Latency: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	platform := &slowPlatform{Server: stand, arrived: make(chan struct{}, 1000), left: make(chan struct{}, 1000)}
	server := httptest.NewServer(platform)
	b.Cleanup(server.Close)
	endpoint := apptest.Serve(b, run, "--upstream-url", server.URL+sandbox.BasePath, "--upstream-token", "any",
		"--upstream-attempt-timeout", "1m", "--upstream-timeout", "1m", "--request-timeout", "1m").Endpoint()
	for name, query := range map[string]string{
		"lookups":   `{ leadsByTenantIds(tenantIds: ["f94238e5-4f2c-4e1b-8125-2d27122ca75f", "9e2d4c10-77aa-4b7e-8f53-5a1c2be0d902"]) { id } }`,
		"page":      `{ leads(first: 1000) { nodes { id } } }`,
		"catalogue": `{ leadStats { total } }`,
	} {
		b.Run(name, func(b *testing.B) {
			var total, longest time.Duration
			for b.Loop() {
				took := disconnect(b, platform, endpoint, query)
				total, longest = total+took, max(longest, took)
			}
			b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "ms/disconnect")
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// disconnect posts a query, leaves as soon as the platform is called, and returns how
// long after that the last call to the platform ended.
func disconnect(b *testing.B, platform *slowPlatform, endpoint, query string) time.Duration {
	b.Helper()
	ctx, leave := context.WithCancel(b.Context())
	request, err := apptest.NewRequest(ctx, endpoint, apptest.Body(query, nil))
	if err != nil {
		b.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			b.Error("answered")
		}
	}()
	<-platform.arrived
	begun := time.Now()
	leave()
	for <-platform.left; platform.busy.Load() > 0; <-platform.left {
	}
	took := time.Since(begun)
	<-gone
	for len(platform.arrived) > 0 {
		<-platform.arrived
	}
	for len(platform.left) > 0 {
		<-platform.left
	}
	return took
}
