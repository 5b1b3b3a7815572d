package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"leadgraph/graph"
	"leadgraph/graph/persisted"
	"leadgraph/internal/apptest"
)

func get(t *testing.T, s service, query string) apptest.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.RawQuery = query
	a, err := apptest.Do(http.DefaultClient, request)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestEmptyParametersCountAsAbsent is needed because builders of URLs write them.
func TestEmptyParametersCountAsAbsent(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, rest := range []string{
		"variables=", "extensions=", "operationName=", "documentId=", "variables=&operationName=&extensions=&documentId=", "variables", "variables=null", "variables={}", "extensions=null",
		"Query={nope}&VARIABLES=x&Extensions=x&operationname=x&documentid=x",
	} {
		if a := get(t, s, "query={__typename}&"+rest); a.Status != http.StatusOK || string(a.Data) != `{"__typename":"Query"}` {
			t.Errorf("%s: status %d, %s", rest, a.Status, a.Body)
		}
	}
	for rest, want := range map[string]string{ // a parameter that cannot be read is not absent
		`variables={"s":"a;b"}`: "The query string", "variables=%ZZ": "The query string", "extensions=%F": "The query string", ";": "The query string",
		"variables=[]": "variables: ", "extensions=1": "extensions: ", "operationName=%20": "operationName: ", "documentId=%20": "PersistedQuery",
	} {
		a := get(t, s, "query={__typename}&"+rest)
		if len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0].Message, want) {
			t.Errorf("%s: status %d, %s", rest, a.Status, a.Body)
		}
	}
	for _, body := range []string{
		`{"query":"{ __typename }","variables":null,"extensions":null,"operationName":null,"documentId":null}`,
		`{"query":"{ __typename }","variables":{},"extensions":{},"operationName":"","documentId":""}`,
	} {
		if a := s.post(t, body); string(a.Data) != `{"__typename":"Query"}` {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
}

// TestMembersMatchExactly is needed because encoding/json ignores case.
func TestMembersMatchExactly(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	for _, body := range []string{`{"Query":"{ __typename }"}`, `{"QUERY":"{ __typename }"}`, `{"query":null,"Query":"{ __typename }"}`, `{"\u017fuery":"{ __typename }"}`} {
		if a := s.post(t, body); len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0].Message, "query: ") {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	const document = `"query":"query A($x: Boolean = true) { a: __typename @include(if: $x) b: __typename } query B { c: __typename }"`
	for body, want := range map[string]string{
		`{` + document + `,"operationName":"A","operationname":"B"}`:                                        `{"a":"Query","b":"Query"}`,
		`{` + document + `,"operationName":"A","Variables":{"x":false}}`:                                    `{"a":"Query","b":"Query"}`,
		`{` + document + `,"operationName":"A","variables":{"X":false}}`:                                    `{"a":"Query","b":"Query"}`,
		`{` + document + `,"operationName":"A","variables":{"x":false},"VARIABLES":{"x":true}}`:             `{"b":"Query"}`,
		`{` + document + `,"operationName":"B","Extensions":{"persistedQuery":1},"DocumentId":"x","a":[1]}`: `{"c":"Query"}`,
	} {
		if a := s.post(t, body); string(a.Data) != want {
			t.Errorf("%s: %s, want %s", body, a.Body, want)
		}
	}
	if a := s.post(t, `{"query":"{ __typename }","variables":[]}`); a.Status != http.StatusBadRequest || !strings.HasPrefix(a.Errors[0].Message, "variables: ") {
		t.Errorf("a list of variables: %s", a.Body)
	}
}

// TestMembersMatchExactlyOnEveryTransport is the same for batches, hashes, URLs and
// WebSockets.
func TestMembersMatchExactlyOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{graph: func(o *graph.Options) {
		o.MaxBatch, o.Documents.Automatic = 9, persisted.NewMemory(1<<20)
	}})
	const refused, document = `{"errors":[{"message":"`, `"query":"query A($x: Boolean = true) { a: __typename @include(if: $x) b: __typename } query B { c: __typename }"`
	hash := func(persisted, version, hash string) string {
		return fmt.Sprintf(`{"query":"{ __typename }","extensions":{%q:{%q:1,%q:"x"}}}`, persisted, version, hash)
	}
	for body, want := range map[string]string{
		`{"Query":"{ __typename }"}`: refused + "query: ", `{"query":"","QUERY":"{ __typename }"}`: refused + "query: ",
		`{` + document + `,"operationName":"A","operationname":"B","VARIABLES":{"x":false},"Extensions":[]}`: `{"data":{"a":"Query","b":"Query"}}`,
		`{` + document + `,"operationname":"B"}`:        refused + "operationName: ",
		hash("persistedquery", "version", "sha256Hash"): `{"data":{"__typename":"Query"}}`,
		hash("PersistedQuery", "version", "sha256Hash"): `{"data":{"__typename":"Query"}}`,
		hash("persistedQuery", "Version", "sha256Hash"): refused + "Unsupported persisted query version",
		hash("persistedQuery", "version", "sha256hash"): refused + "extensions.persistedQuery.sha256Hash: ",
		hash("persistedQuery", "version", "sha256Hash"): refused + "provided sha does not match query",
	} {
		answers := map[string]string{"POST": s.post(t, body).Body, "batch": strings.TrimPrefix(s.post(t, "["+body+"]").Body, "[")}
		_, text := s.subscribeOnce(t, body)
		answers["WebSocket"] = strings.NewReplacer(`{"type":"next","id":"1","payload":`, "", `{"type":"error","id":"1","payload":`, `{"errors":`).Replace(text)
		query, _ := parameters(body)
		answers["GET"] = get(t, s, query.Encode()).Body
		for way, answer := range answers {
			if !strings.HasPrefix(answer, want) {
				t.Errorf("%s of %s: %s, want %s", way, body, answer, want)
			}
		}
	}
}

func TestMembersOfMessagesMatchExactly(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	conn := apptest.OpenSocket(t, s.url)
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"Type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(t.Context()); websocket.CloseStatus(err) != 4400 {
		t.Errorf("%s, %v", text, err)
	}
}
