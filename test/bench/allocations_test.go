package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

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
	metrics := admin + "/metrics"
	endpoint += "/graphql"
	server, err := b.start(t.Context(), subject{name: workload.Projection, up: up})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	tenants := tenantID.FindAllString(post(t, endpoint, `{"query":"{ leads(first: 500) { nodes { tenantId } } }"}`), -1)
	ask := func(times int) {
		for i := range times {
			body := fmt.Sprintf(`{"query":%q,"variables":{"tenant":%q}}`, oneLead, tenants[i%len(tenants)])
			if answer := post(t, endpoint, body); strings.Contains(answer, `"errors"`) {
				t.Fatal(answer)
			}
		}
	}
	const requests = 1000
	ask(requests) // fills the pools
	idle := mallocs(t, metrics)
	idle = mallocs(t, metrics) - idle // what asking for the metrics allocates
	before := mallocs(t, metrics)
	ask(requests)
	each := (mallocs(t, metrics) - before - idle) / requests
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

func post(t *testing.T, url, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	return do(t, request)
}

func do(t *testing.T, request *http.Request) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	return string(text)
}

var mallocsLine = regexp.MustCompile(`(?m)^go_memstats_mallocs_total (\S+)$`)

func mallocs(t *testing.T, metrics string) float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := mallocsLine.FindStringSubmatch(do(t, request))
	if found == nil {
		t.Fatal("no metric of allocations")
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
