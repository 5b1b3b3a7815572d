package graph_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"leadgraph/internal/apptest"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// canary is the personal data in everything that a client sends.
const canary = "dana.levi-canary"

func TestBadInputIsRefusedBeforeTheUpstream(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	quoted := func(document string) string { return fmt.Sprintf(`{"query":%q}`, document) }
	tests := []struct {
		name, body, code, names string
	}{
		{"malformed UUID", quoted(`{ lead(tenantId: "dana.levi-canary") { id } }`), "BAD_USER_INPUT", "tenantId: "},
		{"UUID in braces", quoted(`{ lead(tenantId: "{f94238e5-4f2c-4e1b-8125-2d27122ca7}") { id } }`), "BAD_USER_INPUT", "tenantId: "},
		{"UUID of another type", quoted(`{ lead(tenantId: 7) { id } }`), "BAD_USER_INPUT", "tenantId: "},
		{"malformed UUID in a list", quoted(`{ leadsByTenantIds(tenantIds: ["f94238e5-4f2c-4e1b-8125-2d27122ca75f", "dana.levi-canary"]) { id } }`), "BAD_USER_INPUT", "tenantIds[1]: "},
		{"malformed UUID in a variable", `{"query":"query($x: UUID!) { lead(tenantId: $x) { id } }","variables":{"x":"dana.levi-canary"}}`, "BAD_USER_INPUT", "$x: "},
		{"missing variable", quoted(`query($x: UUID!) { lead(tenantId: $x) { id } }`), "BAD_USER_INPUT", "$x: "},
		{"variable of another type", `{"query":"query($x: Int) { leads(first: $x) { nodes { id } } }","variables":{"x":"dana.levi-canary"}}`, "BAD_USER_INPUT", "$x: "},
		{"variable of 2^31", `{"query":"query($x: Int) { leads(first: $x) { nodes { id } } }","variables":{"x":2147483648}}`, "BAD_USER_INPUT", "$x: "},
		{"variable of 2^70", `{"query":"query($x: Int) { leads(first: $x) { nodes { id } } }","variables":{"x":1180591620717411303424}}`, "BAD_USER_INPUT", "$x: "},
		{"nested argument", quoted(`{ leads { nodes { civicAddresses(country: "dana.levi-canary") { id } } } }`), "BAD_USER_INPUT", "country: "},
		{"argument in a fragment", quoted(`{ leads { nodes { ...F } } } fragment F on Lead { civicAddresses(country: "U5") { id } }`), "BAD_USER_INPUT", "country: "},
		{"unknown enum in a variable", `{"query":"query($x: ValidationStatus) { leads { nodes { civicAddresses(validationStatus: $x) { id } } } }","variables":{"x":"dana.levi-canary"}}`, "BAD_USER_INPUT", "$x: "},
		{"enum of another case in a variable", `{"query":"query($x: ValidationStatus) { leads { nodes { civicAddresses(validationStatus: $x) { id } } } }","variables":{"x":"invalid"}}`, "BAD_USER_INPUT", "$x: "},
		{"malformed cursor", quoted(`{ leads(first: 1, after: "dana.levi-canary") { nodes { id } } }`), "BAD_USER_INPUT", "after: "},
		{"malformed cursor before", quoted(`{ leads(last: 1, before: "dana.levi-canary") { nodes { id } } }`), "BAD_USER_INPUT", "before: "},
		{"first -1", quoted(`{ leads(first: -1) { nodes { id } } }`), "BAD_USER_INPUT", "first: "},
		{"last -1", quoted(`{ leads(last: -1) { nodes { id } } }`), "BAD_USER_INPUT", "last: "},
		{"both", quoted(`{ leads(first: 1, last: 1) { nodes { id } } }`), "BAD_USER_INPUT", "last: "},
		{"above the maximum", quoted(`{ leads(first: 1001) { nodes { id } } }`), "BAD_USER_INPUT", "first: "},
		{"first 2^31", quoted(`{ leads(first: 2147483648) { nodes { id } } }`), "BAD_USER_INPUT", "first: "},
		{"first 2^70", quoted(`{ leads(first: 1180591620717411303424) { nodes { id } } }`), "BAD_USER_INPUT", "first: "},
		{"first of another type", quoted(`{ leads(first: "dana.levi-canary") { nodes { id } } }`), "BAD_USER_INPUT", "first: "},
		{"unknown field", quoted(`{ lead(tenantId: "x") { colour } }`), "GRAPHQL_VALIDATION_FAILED", "colour"},
		{"unknown argument", quoted(`{ leads(page: 1) { nodes { id } } }`), "GRAPHQL_VALIDATION_FAILED", "page"},
		{"unknown operation", `{"query":"query A { leads { nodes { id } } }","operationName":"B"}`, "GRAPHQL_VALIDATION_FAILED", "operation"},
		{"syntax error", quoted(`{ leads( "dana.levi-canary" ) }`), "GRAPHQL_PARSE_FAILED", "Syntax error"},
		{"bad escape", quoted(`{ leads(after: "\q dana.levi-canary") }`), "GRAPHQL_PARSE_FAILED", "Syntax error"},
		{"too many tokens", quoted(`{` + strings.Repeat(" __typename", 1001) + `}`), "QUERY_TOO_COMPLEX", "tokens: "},
		{"invalid JSON", `{"query":"dana.levi-canary`, "BAD_USER_INPUT", "body"},
		{"no JSON", `dana.levi-canary`, "BAD_USER_INPUT", "body"},
		{"two values", `{"query":"{ __typename }"} {"dana.levi-canary":1}`, "BAD_USER_INPUT", "body"},
		{"empty body", ``, "BAD_USER_INPUT", "body"},
		{"null", `null`, "BAD_USER_INPUT", "query"},
		{"no query", `{}`, "BAD_USER_INPUT", "query"},
		{"query of another type", `{"query":1}`, "BAD_USER_INPUT", "query"},
		{"variables of another type", `{"query":"{ __typename }","variables":"dana.levi-canary"}`, "BAD_USER_INPUT", "variables"},
		{"batch", `[{"query":"{ __typename }"}]`, "BAD_USER_INPUT", "body"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := s.post(t, test.body)
			if len(a.Errors) == 0 {
				t.Fatalf("no error: %s", a.Body)
			}
			if code := a.Errors[0].Extensions["code"]; code != test.code {
				t.Errorf("code %v, want %s: %s", code, test.code, a.Body)
			}
			if !strings.Contains(a.Errors[0].Message, test.names) {
				t.Errorf("message %q does not name %q", a.Errors[0].Message, test.names)
			}
			if strings.Contains(a.Body, canary) || strings.Contains(a.Body, "1180591620717411303424") {
				t.Errorf("the response repeats what was sent: %s", a.Body)
			}
			if a.Errors[0].Extensions["requestId"] != "request-1" {
				t.Errorf("no request id: %s", a.Body)
			}
		})
	}
	t.Cleanup(func() { // after the parallel cases
		s.wantCalls(t, 0, 0)
		if strings.Contains(s.log.String(), canary) {
			t.Errorf("the log repeats what was sent:\n%s", s.log)
		}
	})
}

func TestUpstreamFailureLeavesAHole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault sandbox.Fault
		code  string
		extra string
	}{
		{"400", sandbox.Fault{Status: 400, Body: `{"title":"dana.levi-canary","errorTicket":"T-1","traceId":"0HN1"}`}, "UPSTREAM_REJECTED", `"errorTicket":"T-1"`},
		{"401 twice", sandbox.Fault{Times: 2, Status: 401}, "UPSTREAM_AUTH", ""},
		{"403", sandbox.Fault{Status: 403}, "UPSTREAM_AUTH", ""},
		{"404", sandbox.Fault{Status: 404, HTML: true}, "UPSTREAM_REJECTED", ""},
		{"429", sandbox.Fault{Status: 429, RetryAfter: "7"}, "UPSTREAM_RATE_LIMITED", `"retryAfterMs":7000`},
		{"500", sandbox.Fault{Status: 500, Body: `"dana.levi-canary"`}, "UPSTREAM_UNAVAILABLE", ""},
		{"503", sandbox.Fault{Status: 503}, "UPSTREAM_UNAVAILABLE", ""},
		{"HTML", sandbox.Fault{HTML: true}, "UPSTREAM_BAD_RESPONSE", ""},
		{"foreign body", sandbox.Fault{Body: `{"dana.levi-canary":[1]}`}, "UPSTREAM_BAD_RESPONSE", ""},
		{"foreign tenant", sandbox.Fault{Body: `[{"id":"x","tenantId":"` + noTenant + `","status":"dana.levi-canary"}]`}, "UPSTREAM_BAD_RESPONSE", ""},
		{"invalid JSON", sandbox.Fault{BadJSON: true}, "UPSTREAM_BAD_RESPONSE", ""},
		{"cut body", sandbox.Fault{CutBody: 10}, "UPSTREAM_UNAVAILABLE", ""},
		// Fail every time: net/http itself retries a read on an idle
		// connection.
		{"reset", sandbox.Fault{Times: -1, Reset: true}, "UPSTREAM_UNAVAILABLE", ""},
		{"silence", sandbox.Fault{Latency: time.Hour}, "UPSTREAM_TIMEOUT", ""},
		{"stalled body", sandbox.Fault{Stall: time.Hour}, "UPSTREAM_TIMEOUT", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, serviceOptions{upstream: func(o *upstream.Options) {
				o.Timeout, o.AttemptTimeout, o.TimePerRow = time.Second, time.Second, -1
			}})
			test.fault.Kind = "tenant:" + fullTenant
			s.platform.Inject(test.fault)
			a := s.query(t, fmt.Sprintf(`{ bad: lead(tenantId: %q) { id } good: lead(tenantId: %q) { id } }`, fullTenant, seedTenant))
			if want := `{"bad":null,"good":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b"}}`; string(a.Data) != want {
				t.Errorf("data %s, want %s", a.Data, want)
			}
			if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != test.code || fmt.Sprint(a.Errors[0].Path) != "[bad]" {
				t.Errorf("errors: %s, want %s for bad", a.Body, test.code)
			}
			if !strings.Contains(a.Body, test.extra) {
				t.Errorf("no %s in %s", test.extra, a.Body)
			}
			for where, text := range map[string]string{"answer": a.Body, "log": s.log.String()} {
				if strings.Contains(text, canary) {
					t.Errorf("the %s repeats the platform's body: %s", where, text)
				}
			}
			if strings.Contains(a.Body, "127.0.0.1") {
				t.Errorf("the response names a host: %s", a.Body)
			}
		})
	}
}

// TestEachFailedLookupHasItsError is needed because null without an error means
// that a tenant has no lead.
func TestEachFailedLookupHasItsError(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.platform.Inject(sandbox.Fault{Times: -1, Status: 500})
	var aliases, ids strings.Builder
	const tenants = 25
	for i, tenant := range s.platform.Tenants()[:tenants] {
		fmt.Fprintf(&aliases, " a%d: lead(tenantId: %q) { id }", i, tenant)
		fmt.Fprintf(&ids, " %q", tenant)
	}
	for _, document := range []string{"{" + aliases.String() + " }", "{ leadsByTenantIds(tenantIds: [" + ids.String() + " ]) { id } }"} {
		if a := s.query(t, document); len(a.Errors) != tenants {
			t.Errorf("%d errors of %d failed lookups: %.500s", len(a.Errors), tenants, a.Body)
		}
	}
}

func TestFailedPageIsAHole(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Status: 500})
	a := s.query(t, fmt.Sprintf(`{ leads { nodes { id } } lead(tenantId: %q) { id } }`, seedTenant))
	if want := `{"leads":null,"lead":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b"}}`; string(a.Data) != want {
		t.Errorf("data %s, want %s", a.Data, want)
	}
}

func TestOversizedBodyIsNotRead(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	a := s.post(t, `{"query":"`+strings.Repeat(" ", 65<<10)+canary+`"}`)
	if a.Status != http.StatusRequestEntityTooLarge || strings.Contains(a.Body, canary) {
		t.Errorf("status %d: %s", a.Status, a.Body)
	}
}

func TestStatusesOfTheTwoMediaTypes(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	const graphQL, plain = "application/graphql-response+json", "application/json"
	// As urql sends it: it offers event streams, but the response to a query is
	// JSON.
	const urql = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
	tests := []struct {
		name, accept, body, mediaType string
		status                        int
	}{
		{"plain", plain, `{"query":"{ __typename }"}`, plain, 200},
		{"any", "*/*", `{"query":"{ __typename }"}`, plain, 200},
		{"urql", urql, `{"query":"{ __typename }"}`, graphQL, 200},
		{"prefers plain", graphQL + ";q=0.5, " + plain, `{"query":"{ __typename }"}`, plain, 200},
		{"refused document, plain", plain, `{"query":"{ nope }"}`, plain, 200},
		{"refused document", graphQL, `{"query":"{ nope }"}`, graphQL, 400},
		{"refused body, plain", plain, `{`, plain, 400},
		{"not acceptable", "text/html", `{"query":"{ __typename }"}`, plain, 406},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := s.post(t, test.body, "Accept", test.accept)
			if mediaType := a.Header.Get("Content-Type"); a.Status != test.status || mediaType != test.mediaType+"; charset=utf-8" {
				t.Errorf("status %d and %s, want %d and %s", a.Status, mediaType, test.status, test.mediaType)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	send := func(method, query, contentType string) apptest.Answer {
		request, err := http.NewRequestWithContext(t.Context(), method, s.url+"?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		a, err := apptest.Do(http.DefaultClient, request)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	get := url.Values{
		"query":     {`query($id: UUID!) { lead(tenantId: $id) { status } }`},
		"variables": {fmt.Sprintf(`{"id":%q}`, seedTenant)},
	}.Encode()
	if a := send(http.MethodGet, get, ""); string(a.Data) != `{"lead":{"status":"ACTIVE"}}` {
		t.Errorf("GET: %s", a.Body)
	}
	if a := send(http.MethodGet, "query={__typename}&variables=[]", ""); a.Status != http.StatusBadRequest {
		t.Errorf("GET with a list as variables: %d", a.Status)
	}
	if a := send(http.MethodPut, "", ""); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, POST, QUERY" {
		t.Errorf("PUT: %d, Allow %q", a.Status, a.Header.Get("Allow"))
	}
	if a := send(http.MethodPost, "", "text/plain"); a.Status != http.StatusUnsupportedMediaType {
		t.Errorf("POST of text: %d", a.Status)
	}
}

func TestDeferIsAnsweredInline(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	document := fmt.Sprintf(`{ lead(tenantId: %q) { id ... @defer { status ...F @defer(label: "x") } } } fragment F on Lead { contactDetails { ... @defer { companyName } } }`, seedTenant)
	for range 2 { // the second time from the query cache
		a := s.query(t, document)
		want := `{"lead":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b","status":"ACTIVE","contactDetails":{"companyName":"SIPTest"}}}`
		if string(a.Data) != want || len(a.Errors) > 0 {
			t.Errorf("got %s, want %s", a.Body, want)
		}
	}
}
