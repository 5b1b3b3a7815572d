package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leadgraph/graph"
	"leadgraph/internal/apptest"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

const (
	byPath = "multipart/mixed; deferSpec=20220824"
	byID   = "multipart/mixed; incrementalSpec=v0.2"
	// What clients send.
	apollo      = "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9"
	apolloByID  = "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9"
	apolloEvent = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9"
	urql        = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)

func TestNegotiation(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	const (
		plain    = "{ __typename }"
		deferred = `{ __typename ... @defer(label: "a") { leadStats { total } } }`
		refused  = "{ nope }"

		asJSON    = "application/json; charset=utf-8"
		asGraphQL = "application/graphql-response+json; charset=utf-8"
		asEvents  = "text/event-stream; charset=utf-8"
		asByPath  = `multipart/mixed; boundary="-"; deferSpec=20220824`
		asByID    = `multipart/mixed; boundary="-"; incrementalSpec=v0.2`
	)
	tests := []struct {
		accept, document string
		status           int
		mediaType        string
	}{
		{"", plain, 200, asJSON},
		{"*/*", plain, 200, asJSON},
		{"*/*", deferred, 200, asJSON},
		{"application/*", plain, 200, asJSON},
		{"application/json; charset=utf-8", plain, 200, asJSON},
		{"application/json, application/graphql-response+json;q=0.9", plain, 200, asJSON},
		{"application/json;q=0.9, application/graphql-response+json", plain, 200, asGraphQL},
		{"application/json;q=0, */*", plain, 200, asGraphQL},
		{"text/html", plain, 406, asJSON},
		{"application/json;q=0", plain, 406, asJSON},
		{"application/json;q=none, text/html", plain, 406, asJSON},
		{apollo, plain, 200, asGraphQL},
		{apollo, deferred, 200, asByPath},
		{apollo, refused, 400, asGraphQL},
		{apollo, strings.Replace(deferred, "@defer(", "@defer(if: false, ", 1), 200, asGraphQL},
		{apolloByID, deferred, 200, asByID},
		{apolloEvent, deferred, 200, asGraphQL},
		{urql, plain, 200, asGraphQL},
		{urql, deferred, 200, asByPath},
		{byPath, plain, 200, asJSON},
		{byPath + ";q=0.1," + byID + ";q=0.2", deferred, 200, asByID},
		{byPath + ";q=0.5, application/json", deferred, 200, asJSON},
		{"multipart/mixed; deferSpec=20990101, application/json", deferred, 200, asJSON},
		{"text/event-stream", plain, 200, asEvents},
		{"text/event-stream", refused, 200, asEvents},
		{"text/event-stream", deferred, 200, asEvents},
		{"text/event-stream, application/json;q=0.5", plain, 200, asEvents},
		{"text/event-stream;q=0.5, application/json", plain, 200, asJSON},
		{"text/event-stream;q=0", plain, 406, asJSON},
	}
	for _, test := range tests {
		t.Run(test.accept+" "+test.document, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				response := s.ask(t, method, test.accept, test.document)
				if mediaType := response.Header.Get("Content-Type"); response.StatusCode != test.status || mediaType != test.mediaType {
					t.Errorf("%s: status %d and %q, want %d and %q", method, response.StatusCode, mediaType, test.status, test.mediaType)
				}
				_ = response.Body.Close()
			}
		})
	}
}

// ask sends a document and leaves the response to be read and closed.
func (s service) ask(t *testing.T, method, accept, document string) *http.Response {
	t.Helper()
	var body io.Reader
	target := s.url
	if method == http.MethodGet {
		target += "?query=" + url.QueryEscape(document)
	} else {
		text, err := json.Marshal(map[string]string{"query": document})
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func (s service) text(t *testing.T, accept, document string) string {
	t.Helper()
	var headers []string
	if accept != "" {
		headers = []string{"Accept", accept}
	}
	return s.post(t, apptest.Body(document, nil), headers...).Body
}

// patient has no time limit but the client's.
func patient() serviceOptions {
	return serviceOptions{
		upstream: func(o *upstream.Options) { o.Timeout, o.AttemptTimeout = time.Hour, time.Hour },
		graph:    func(o *graph.Options) { o.Timeout = time.Hour },
	}
}

// TestDisconnectEndsTheStream disconnects while the platform does not answer.
// Closing the service waits for its requests, which would take an hour.
func TestDisconnectEndsTheStream(t *testing.T) {
	t.Parallel()
	slow := fmt.Sprintf("lead(tenantId: %q) { id }", fullTenant)
	for accept, document := range map[string]string{
		byPath:              "{ __typename ... @defer { " + slow + " } }",
		byID:                "{ __typename ... @defer { " + slow + " } }",
		"text/event-stream": "{ " + slow + " }",
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			s := newService(t, patient())
			s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Latency: time.Hour})
			response := s.ask(t, http.MethodPost, accept, document)
			defer func() { _ = response.Body.Close() }()
			if _, err := response.Body.Read(make([]byte, 1)); err != nil { // the first part has arrived
				t.Fatal(err)
			}
			for s.platform.Calls().ByTenant == 0 && t.Context().Err() == nil {
			}
		})
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for document, want := range map[string]string{
		fmt.Sprintf(`{ lead(tenantId: %q) { status ... @defer { isDirectLead } } }`, seedTenant): `{"data":{"lead":{"status":"ACTIVE","isDirectLead":true}}}`,
		`{ nope }`: `{"errors":[{"message":"Cannot query field \"nope\" on type \"Query\". Did you mean \"node\" or \"nodes\"?","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","requestId":"request-1"}}]}`,
	} {
		if diff := cmp.Diff(":\n\nevent: next\ndata: "+want+"\n\nevent: complete\ndata:\n\n", s.text(t, "text/event-stream", document)); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
	if a := s.post(t, `{`, "Accept", "text/event-stream"); a.Status != http.StatusBadRequest {
		t.Errorf("a body that is no request: %d", a.Status)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) { o.MaxBatch = 3 }})
	for body, want := range map[string]string{
		`[]`:  "1 to 3 operations, but contains 0",
		`[1]`: "one JSON object",
		`[{},{},{},{"query":"dana.levi-canary"}]`: "1 to 3 operations, but contains 4",
		`[{"query":"{ __typename }"}] x`:          "one JSON object",
	} {
		if a := s.post(t, body); a.Status != http.StatusBadRequest || len(a.Errors) != 1 || !strings.Contains(a.Errors[0].Message, want) {
			t.Errorf("%s: %d %s", body, a.Status, a.Body)
		}
	}
	a := s.post(t, ` [{"query":"query A { __typename }"}, {}, {"query":"{ nope }"}]`)
	var got []apptest.Answer
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || len(got) != 3 || a.Status != http.StatusOK {
		t.Fatal(a.Status, got, err)
	}
	if string(got[0].Data) != `{"__typename":"Query"}` || got[1].Errors[0].Message != "query: must be a GraphQL document." || got[2].Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("got %+v", got)
	}
	if count := strings.Count(s.log.String(), `"msg":"operation"`); count != 4+3 {
		t.Errorf("%d operations in the log", count)
	}
}
