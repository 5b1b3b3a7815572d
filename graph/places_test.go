package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"leadgraph/graph"
	"leadgraph/graph/persisted"
	"leadgraph/internal/apptest"
	"leadgraph/upstream"
	"leadgraph/upstream/sandbox"
)

// waysToRun are the ways to run an operation. Each takes the members of a request and
// returns all texts of the answer.
func waysToRun(s service) map[string]func(t *testing.T, document, variables string) string {
	post := func(accept string) func(*testing.T, string, string) string {
		return func(t *testing.T, document, variables string) string {
			t.Helper()
			return s.post(t, inputBody(document, variables), "Accept", accept).Body
		}
	}
	hash := func(document string) string {
		return `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + digest(document) + `"}}`
	}
	return map[string]func(t *testing.T, document, variables string) string{
		"JSON": post("application/json"), "parts by path": post(byPath), "parts by id": post(byID), "events": post("text/event-stream"),
		"GraphQL": post("application/graphql-response+json"),
		"batch": func(t *testing.T, document, variables string) string {
			t.Helper()
			return s.post(t, `[{"query":"{__typename}"},`+inputBody(document, variables)+`]`).Body
		},
		"hash": func(t *testing.T, document, variables string) string {
			t.Helper()
			body := inputBody(document, variables)
			registered := s.post(t, body[:len(body)-1]+","+hash(document)+"}")
			if len(registered.Errors) > 0 && registered.Data == nil {
				return registered.Body // a refused document is not kept
			}
			return s.post(t, `{"variables":`+variables+","+hash(document)+"}", "Accept", byID).Body
		},
		"WebSocket": func(t *testing.T, document, variables string) string {
			t.Helper()
			c := s.open(t)
			c.send(frame{ID: "1", Type: "subscribe", Payload: json.RawMessage(inputBody(document, variables))})
			_, text, err := c.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		},
	}
}

// placesOf returns the places of all errors in the texts of an answer, sorted.
func placesOf(t *testing.T, answer string) (places []string) {
	t.Helper()
	var collect func(name string, value any)
	collect = func(name string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				collect(name, member)
			}
		case []any:
			for _, item := range value {
				if failed, isObject := item.(map[string]any); isObject && (name == "errors" || name == "payload") {
					text, err := json.Marshal(failed)
					var e apptest.Error
					if err != nil || json.Unmarshal(text, &e) != nil {
						t.Fatal(string(text))
					}
					places = append(places, fmt.Sprint(e.Path, e.Locations))
					continue
				}
				collect("", item)
			}
		}
	}
	for line := range strings.Lines(answer) {
		text := strings.TrimPrefix(line, "data: ")
		if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
		var value any
		if err := decoder.Decode(&value); err != nil && err != io.EOF {
			t.Fatalf("%v in %s", err, answer)
		}
		collect("", value)
	}
	slices.Sort(places)
	return places
}

// TestErrorsHaveTheirPlaceOnEveryTransport states that each alias of a failed field
// has its own error, with its path and location, however it was asked for.
func TestErrorsHaveTheirPlaceOnEveryTransport(t *testing.T) {
	t.Parallel()
	bad, good := `(tenantId: "`+fullTenant+`")`, `(tenantId: "`+seedTenant+`")`
	const none = `{}`
	tests := map[string]struct {
		document, variables string
		want                []string
	}{
		"aliases": {"{\n a: lead" + bad + " { id }\n b: lead" + bad + " { id }\n c: lead" + good + " { id } }", none, []string{"[a] [{2 2}]", "[b] [{3 2}]"}},
		"fragments": {"{\n ... { a: lead" + bad + " { id } }\n ...F\n ... on Query { ...G } }\nfragment F on Query {\n b: lead" + bad + " { id } }\nfragment G on Query {\n c: lead" + bad + " { id } }",
			none, []string{"[a] [{2 8}]", "[b] [{6 2}]", "[c] [{8 2}]"}},
		"lists": {"query($t: UUID!) {\n x: leadsByTenantIds(tenantIds: [$t, \"" + seedTenant + "\", $t]) { id }\n y: leadsByTenantIds(tenantIds: [$t]) { a: id } }",
			`{"t":"` + strings.ToUpper(fullTenant) + `"}`, []string{"[x 0] [{2 2}]", "[x 2] [{2 2}]", "[y 0] [{3 2}]"}},
		"deferred": {"{\n a: lead" + bad + " { id ... @defer { status } }\n ... @defer(label: \"l\") {\n b: lead" + bad + " { id }\n ... @defer(label: \"m\") {\n c: lead" + bad + " { id } } } }",
			none, []string{"[a] [{2 2}]", "[b] [{4 2}]", "[c] [{6 2}]"}},
		"deferred fragment": {"{ __typename ...F @defer(label: \"l\") ...G @defer }\nfragment F on Query {\n a: lead" + bad + " { id }\n ...G }\nfragment G on Query {\n b: lead" + bad + " { id } }",
			none, []string{"[a] [{3 2}]", "[b] [{6 2}]"}},
		"deferred list": {"{ __typename ... @defer(label: \"l\") {\n x: leadsByTenantIds(tenantIds: [\"" + fullTenant + "\", \"" + seedTenant + "\"]) { id ... @defer { status } } } }",
			none, []string{"[x 0] [{2 2}]"}},
		"merged":              {"{\n a: lead" + bad + " { id }\n ... @defer(label: \"l\") { a: lead" + bad + " { status }\n b: lead" + bad + " { id } } }", none, []string{"[a] [{2 2}]", "[b] [{4 2}]"}},
		"arguments in fields": {"{\n a: leads(first: -1) { asOf }\n ... @defer {\n b: leads(first: -1) { asOf } } }", none, []string{"[a] [{2 2}]", "[b] [{4 2}]"}},
		"filtered":            {"{\n a: leads(filter: {tenantId: \"" + fullTenant + "\"}) { asOf }\n ... @defer {\n b: leads(filter: {tenantId: \"" + fullTenant + "\"}) { asOf } } }", none, []string{"[a] [{2 2}]", "[b] [{4 2}]"}},
		"catalogue": {"{\n a: leadStats { total }\n b: leadStats { total }\n c: node(id: 1) { id }\n ... @defer {\n d: leadStats { total }\n e: leads(orderBy: {field: STATUS}) { asOf } } }",
			none, []string{"[a] [{2 2}]", "[b] [{3 2}]", "[c] [{4 2}]", "[d] [{6 2}]", "[e] [{7 2}]"}},
		"deferred nodes": {"{ __typename ... @defer {\n a: nodes(ids: [1, 2]) { id } } }", none, []string{"[a 0] [{2 2}]", "[a 1] [{2 2}]"}},
		"literals":       {"{\n a: lead(tenantId: 1) { id }\n ... @defer(label: \"l\") {\n b: lead(tenantId: 1) { id } } }", none, []string{"[a] [{2 10}]", "[b] [{4 10}]"}},
		"variables":      {"query(\n $t: UUID!\n $n: Int) { lead(tenantId: $t) { id } leads(first: $n) { asOf } }", `{"t":1,"n":"1"}`, []string{"[] [{2 2}]", "[] [{3 2}]"}},
		"validation":     {"{\n nope\n nor }", none, []string{"[] [{2 2}]", "[] [{3 2}]"}},
		"syntax":         {"{\n a(", none, []string{"[] [{2 4}]"}},
	}
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{
			upstream: func(o *upstream.Options) { o.Retries = -1 },
			graph: func(o *graph.Options) {
				o.Textbook, o.MaxBatch = textbook, 2
				o.Documents.Automatic = persisted.NewMemory(1 << 20)
			},
		})
		s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Times: -1, Status: http.StatusNotImplemented})
		s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: http.StatusNotImplemented})
		for way, run := range waysToRun(s) {
			for name, test := range tests {
				t.Run(fmt.Sprint(name, " ", way, textbook), func(t *testing.T) {
					t.Parallel()
					answer := run(t, test.document, test.variables)
					if got := placesOf(t, answer); !slices.Equal(got, test.want) {
						t.Errorf("places %q, want %q:\n%s", got, test.want, answer)
					}
				})
			}
		}
	}
}

// TestAFailureLeavesTheOtherFieldsAlone lets each root field fail beside one that is
// answered, in the same document and in deferred fragments with and without labels.
func TestAFailureLeavesTheOtherFieldsAlone(t *testing.T) {
	t.Parallel()
	failing := map[string]struct{ field, want string }{
		"lead":             {`bad: lead(tenantId: "` + fullTenant + `") { id }`, "[bad]"},
		"leadsByTenantIds": {`bad: leadsByTenantIds(tenantIds: ["` + fullTenant + `"]) { id }`, "[bad 0]"},
		"leads":            {`bad: leads(first: 3) { nodes { id } }`, "[bad]"},
		"leadStats":        {`bad: leadStats { total }`, "[bad]"},
		"node":             {`bad: node(id: 1) { id }`, "[bad]"},
		"nodes":            {`bad: nodes(ids: [1]) { id }`, "[bad 0]"},
		"leadChanges":      {`bad: leadChanges(after: "") { cursor }`, "[bad]"},
	}
	if all := rootFieldNames(t); len(all) != len(failing) {
		t.Errorf("the root fields are %v", all)
	}
	const good = `good: lead(tenantId: "` + seedTenant + `") { id }`
	documents := []string{"{ %s %s }", "{ __typename ... @defer { %s } ... @defer { %s } }", `{ __typename ... @defer(label: "a") { %s } ... @defer { %s } }`, "{ __typename ... @defer { %s %s } }"}
	for _, textbook := range []bool{false, true} {
		s := newService(t, serviceOptions{graph: func(o *graph.Options) {
			o.Textbook, o.MaxBatch, o.Documents.Automatic = textbook, 2, persisted.NewMemory(1<<20)
		}})
		s.platform.Inject(sandbox.Fault{Kind: "tenant:" + fullTenant, Times: -1, Status: http.StatusNotImplemented})
		s.platform.Inject(sandbox.Fault{Kind: sandbox.KindPage, Times: -1, Status: http.StatusNotImplemented})
		for way, run := range waysToRun(s) {
			for name, bad := range failing {
				for _, document := range documents {
					document = fmt.Sprintf(document, bad.field, good)
					t.Run(fmt.Sprint(name, " ", way, textbook), func(t *testing.T) {
						t.Parallel()
						answer := run(t, document, "{}")
						got := placesOf(t, answer)
						if !strings.Contains(answer, `"good":{"id":"da68eafc-d3c6-4d3b-9a10-c48b26c6086b"}`) || len(got) != 1 || !strings.HasPrefix(got[0], bad.want+" ") {
							t.Errorf("%s: places %q, want %s:\n%s", document, got, bad.want, answer)
						}
					})
				}
			}
		}
	}
}

// rootFieldNames returns the names of the root fields.
func rootFieldNames(t *testing.T) (names []string) {
	t.Helper()
	s := newService(t, serviceOptions{})
	type query struct {
		Schema struct {
			QueryType struct{ Fields []struct{ Name string } }
		} `json:"__schema"`
	}
	for _, field := range data[query](t, s.query(t, `{ __schema { queryType { fields { name } } } }`)).Schema.QueryType.Fields {
		names = append(names, field.Name)
	}
	return names
}

// TestWithheldFieldsHaveTheirPlaceOnEveryTransport is the same for fields that the
// caller may not read, each of which has an error at its first place.
func TestWithheldFieldsHaveTheirPlaceOnEveryTransport(t *testing.T) {
	t.Parallel()
	const document = "{\n a: lead(tenantId: \"" + fullTenant + "\") { x: contactDetails {\n m: email }\n ... @defer(label: \"l\") {\n comments ...F } }\n" +
		" l: leads(first: 2) { nodes { id ... @defer { contacts {\n n: email } } } } }\nfragment F on Lead { y: contactDetails {\n email } }"
	want := []string{"[a comments] [{5 2}]", "[a x m] [{3 2}]", "[a y email] [{9 2}]", "[l nodes 0 contacts 0 n] [{7 2}]"}
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.SeesPII = func(context.Context) bool { return false }
		o.MaxBatch, o.Documents.Automatic = 2, persisted.NewMemory(1<<20)
	}})
	for way, run := range waysToRun(s) {
		if answer := run(t, document, "{}"); !slices.Equal(placesOf(t, answer), want) {
			t.Errorf("%s: places %q, want %q:\n%s", way, placesOf(t, answer), want, answer)
		}
	}
}
