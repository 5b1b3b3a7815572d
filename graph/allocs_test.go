//go:build !race

package graph_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"leadgraph/graph"
	"leadgraph/graph/pagination"
	"leadgraph/internal/apptest"
	"leadgraph/upstream/sandbox"
)

// mostPerRow bounds what a row of a page costs, with reading it from the platform,
// rendering and sending it.
const mostPerRow = 0.1

// The race detector makes sync.Pool forget, so this counts without it.
func TestARowAllocatesLittle(t *testing.T) { //nolint:paralleltest // others would be counted
	const few, many = 10, 1010
	s := newService(t, serviceOptions{
		sandbox: sandbox.Options{Leads: many},
		graph:   func(o *graph.Options) { o.Pages = pagination.Sizes{Default: few, Max: many} },
	})
	const fields = `id tenantId status consentedOn consentedCountries contactDetails { companyName email } contacts { fullName }
		civicAddresses { id country streetName locations { id description } }`
	count := func(rows int) float64 {
		body := apptest.Body(`query($first: Int!) { leads(first: $first) { nodes { `+fields+` } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"first": rows})
		return testing.AllocsPerRun(20, func() { s.discard(t, body) })
	}
	count(many) // fills the pools
	if perRow := (count(many) - count(few)) / (many - few); perRow > mostPerRow {
		t.Errorf("%.3f allocations a row, want at most %v", perRow, mostPerRow)
	} else {
		t.Logf("%.3f allocations a row", perRow)
	}
}

// discard sends a request and drops the answer.
func (s service) discard(t *testing.T, body string) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	size, err := io.Copy(io.Discard, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || size < 1000 {
		t.Fatalf("status %d, %d bytes, error %v", answer.StatusCode, size, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
}
