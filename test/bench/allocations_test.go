package main

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
	"leadgraph/test/bench/process"
	"leadgraph/test/bench/workload"
)

// mostAllocations bounds what the server's process allocates for one request of W1, from
// the first byte of the request to the last of the answer, with the call to the platform.
// It makes a few more on some requests, when pools are empty and timers fire.
const mostAllocations = 165

// oneLead is like the document of W1.
const oneLead = `query One($tenant: UUID!) { lead(tenantId: $tenant) { id tenantId tenantOrigin operatorId status isDirectLead umpCustomerGuid
  channelId consentedOn lastModifiedOn consentedCountries contactDetails { fullName email phoneNumber companyName companySize } } }`

var tenantID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// Counts mallocs of a process of its own that is built without the race detector.
func TestOneLookupAllocatesLittle(t *testing.T) { //nolint:paralleltest // a busy machine makes retries
	b := &bench{launch: process.Launcher{Dir: t.TempDir()}, settings: settings{connections: 1}, cursorKey: base64.StdEncoding.EncodeToString(make([]byte, 32))}
	if err := b.launch.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	var up upstream
	if err := b.startSandbox(t.Context(), &up, 2000, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Stop)
	admin, endpoint := address(t), address(t)
	b.serveFlags = []string{"--admin-listen", strings.TrimPrefix(admin, "http://"), "--listen", strings.TrimPrefix(endpoint, "http://")}
	mallocs := func() float64 { return apptest.Metric(t, admin+"/metrics", "go_memstats_mallocs_total") }
	endpoint += "/graphql"
	server, err := b.start(t.Context(), subject{name: workload.Projection, up: up})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	tenants := tenantID.FindAllString(apptest.Query(t, endpoint, `{ leads(first: 500) { nodes { tenantId } } }`).Body, -1)
	ask := func(times int) {
		for i := range times {
			body := apptest.Body(oneLead, map[string]any{"tenant": tenants[i%len(tenants)]})
			if answer := apptest.Post(t, endpoint, body); answer.Status != http.StatusOK || len(answer.Errors) > 0 {
				t.Fatal(answer.Body)
			}
		}
	}
	const requests = 1000
	ask(requests) // fills the pools
	idle := mallocs()
	idle = mallocs() - idle // what asking for the metrics allocates
	before := mallocs()
	ask(requests)
	each := (mallocs() - before - idle) / requests
	t.Logf("%.1f allocations for each request", each)
	if each > mostAllocations {
		t.Errorf("%.1f allocations for each request, want at most %d", each, mostAllocations)
	}
}

// address returns a URL where nobody serves.
func address(t *testing.T) string {
	t.Helper()
	port, err := process.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return process.Address(port)
}
