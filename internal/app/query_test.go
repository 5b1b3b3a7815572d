package app_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"leadgraph/internal/apptest"
)

// QUERY is a POST that changes nothing: pages of listed origins may send it after a
// preflight, and what makes the platform write is refused.
func TestQueryIsASafePost(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example.com"
	endpoint := startServer(t, "--cors-origin", origin, "--allow-check-online")
	body := apptest.Body(`{ leadStats { total } }`, nil)
	if a := apptest.Send(t, "QUERY", endpoint, body, "Content-Type", "application/json"); a.Body != `{"data":{"leadStats":{"total":2000}}}` || a.Header.Get("Accept-Query") != "application/json" {
		t.Errorf("%d %s %v", a.Status, a.Body, a.Header)
	}
	if a := apptest.Send(t, "QUERY", endpoint, body); a.Status != http.StatusUnsupportedMediaType || a.Header.Get("Accept-Query") != "application/json" {
		t.Errorf("without a media type: %d %s", a.Status, a.Body)
	}
	if a := apptest.Send(t, "QUERY", endpoint, body, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"); a.Status != http.StatusForbidden {
		t.Errorf("another site: %d %s", a.Status, a.Body)
	}
	online := apptest.Body(`{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f", checkOnline: true) { id } }`, nil)
	if a := apptest.Send(t, "QUERY", endpoint, online, "Content-Type", "application/json"); !slices.Equal(a.Codes(), []string{"BAD_USER_INPUT"}) {
		t.Errorf("checkOnline: %d %s", a.Status, a.Body)
	}
	if a := apptest.Send(t, "POST", endpoint, online, "Content-Type", "application/json"); a.Errors != nil {
		t.Errorf("checkOnline by POST: %d %s", a.Status, a.Body)
	}
	if a := apptest.Send(t, "PUT", endpoint, body, "Content-Type", "application/json"); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, POST, QUERY" {
		t.Errorf("PUT: %d %v", a.Status, a.Header)
	}
	for _, from := range []string{origin, "https://evil.example"} {
		a := apptest.Send(t, "OPTIONS", endpoint, "", "Origin", from, "Access-Control-Request-Method", "QUERY", "Access-Control-Request-Headers", "content-type,if-none-match")
		if allowed := strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "QUERY"); allowed != (from == origin) {
			t.Errorf("preflight from %s: %d %v", from, a.Status, a.Header)
		}
	}
}

// answers to what is validated, by the name of the case.
var validated = map[string]string{
	"a count":      `{ leadStats { total } }`,
	"a list":       `{ leads(first: 3, orderBy: {field: COMPANY_NAME}) { nodes { id } pageInfo { endCursor } } }`,
	"with a time":  `{ leadStats { total asOf } }`,
	"with privacy": `{ leads(first: 3, orderBy: {field: COMPANY_NAME}) { nodes { contactDetails { email } } } }`,
}

func byGET(endpoint, document string) string {
	return endpoint + "?" + url.Values{"query": {document}}.Encode()
}

// A client that has an answer gets 304 for the same request, until the answer would differ.
func TestAnswersOfOneRevisionAreValidated(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	for name, document := range validated {
		first := apptest.Send(t, "GET", byGET(endpoint, document), "")
		tag := first.Header.Get("ETag")
		if first.Status != http.StatusOK || !strings.HasPrefix(tag, `W/"`) {
			t.Fatalf("%s: %d %s %v", name, first.Status, first.Body, first.Header)
		}
		want := "private, no-cache"
		if name == "with privacy" {
			want = "no-store"
		}
		if got := first.Header.Get("Cache-Control"); got != want || !strings.Contains(strings.Join(first.Header.Values("Vary"), ","), "Authorization") {
			t.Errorf("%s: %v", name, first.Header)
		}
		again := apptest.Send(t, "GET", byGET(endpoint, document), "", "If-None-Match", `"other", `+tag)
		if again.Status != http.StatusNotModified || again.Body != "" || again.Header.Get("ETag") != tag {
			t.Errorf("%s again: %d %s %v", name, again.Status, again.Body, again.Header)
		}
		query := apptest.Send(t, "QUERY", endpoint, apptest.Body(document, nil), "Content-Type", "application/json", "If-None-Match", tag)
		if query.Status != http.StatusNotModified {
			t.Errorf("%s by QUERY: %d %v", name, query.Status, query.Header)
		}
		for what, other := range map[string]apptest.Answer{
			"another media type": apptest.Send(t, "GET", byGET(endpoint, document), "", "If-None-Match", tag, "Accept", "application/graphql-response+json"),
			"another document":   apptest.Send(t, "GET", byGET(endpoint, document+" "), "", "If-None-Match", tag),
			"POST":               apptest.Send(t, "POST", endpoint, apptest.Body(document, nil), "Content-Type", "application/json", "If-None-Match", tag),
		} {
			if other.Status != http.StatusOK || other.Header.Get("ETag") == tag {
				t.Errorf("%s, %s: %d %v", name, what, other.Status, other.Header)
			}
		}
	}
	for name, document := range map[string]string{
		"a lookup":      `{ lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { id } }`,
		"a page":        `{ leads(first: 3) { nodes { id } } }`,
		"a filter":      `{ leads(filter: {tenantId: ["f94238e5-4f2c-4e1b-8125-2d27122ca75f"]}) { nodes { id } } }`,
		"several":       `{ leadStats { total } lead(tenantId: "f94238e5-4f2c-4e1b-8125-2d27122ca75f") { id } }`,
		"a log":         `{ leads(first: 3, orderBy: {field: COMPANY_NAME}) { changeCursor } }`,
		"an error":      `{ leads(first: 5000, orderBy: {field: COMPANY_NAME}) { nodes { id } } }`,
		"a node":        `{ node(id: "da68eafc-d3c6-4d3b-9a10-c48b26c6086b") { id } }`,
		"introspection": `{ __schema { queryType { name } } }`,
	} {
		if a := apptest.Send(t, "GET", byGET(endpoint, document), ""); a.Header.Get("ETag") != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s has a tag: %v", name, a.Header)
		}
	}
}

// A URI that is too long is told from headers that are.
func TestLongURIs(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t)
	for _, length := range []int{21_000, 100_000} {
		if a := apptest.Send(t, "GET", byGET(endpoint, "{ __typename }"+strings.Repeat(" ", length)), ""); a.Status != http.StatusRequestURITooLong || !slices.Equal(a.Codes(), []string{"BAD_USER_INPUT"}) {
			t.Errorf("%d: %d %s", length, a.Status, a.Body)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, byGET(endpoint, "{ __typename }"), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Long", strings.Repeat("x", 30_000))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // it may be cut off: the server has not read all of the request
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: %d", response.StatusCode)
	}
	if a := apptest.Send(t, "GET", byGET(endpoint, "{ __typename }"+strings.Repeat(" ", 5000)), ""); a.Status != http.StatusOK {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
